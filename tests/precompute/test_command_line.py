"""The command line: options, study files, mistakes, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.engines.local import LocalEngine
from core.errors import UserError
from core.stages.table import STAGES
from precompute import __main__ as command_line
from precompute.engines import engine_for
from tests.precompute_runs import REPO, precompute, wait_until_at_work


def said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> str:
    """What the command prints on standard error before it exits with 2, in one line."""
    monkeypatch.setattr(sys, "argv", ["precompute", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
    text = " ".join(capsys.readouterr().err.split())
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("all", "--dataset", "demmo"), "There is no dataset 'demmo' (did you mean 'demo'?)"),
        (("all", "--dataset", "folder:/nowhere/at/all"), "There is nothing at /nowhere/at/all"),
        (("all", "--audio", "logmell"), "There is no encoder 'logmell'"),
        (("all", "--audio", "hog"), "The encoder 'hog' is for image, and was given for audio"),
        (("all", "--size", "12"), "The demo's size is 12 pairs: expected 360 to 10000"),
        (("all", "--splits", "0"), "splits is 0, expected a whole number of at least 1"),
        (("report", "--workspace", "nowhere"), "has no study yet: run `python -m precompute all"),
        (("status", "--workspace", "nowhere"), "has no study yet"),
        (("search", "--workspace", "nowhere"), "There is nothing to search with"),
    ],
)
def test_mistakes_get_one_sentence(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "--workspace" not in arguments:
        arguments = (*arguments, "--workspace", str(tmp_path))
    assert message in said(capsys, monkeypatch, *arguments)


def test_a_study_file_is_read_and_options_override_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("dataset: demo\nsize: 50\ntranslation:\n  loss: margin\n  margin: 0.5\n")
    command = ("ingest", "--study", path, "--workspace", tmp_path / "w")
    assert "The demo's size is 7 pairs" in said(capsys, monkeypatch, *command, "--size", 7)
    path.write_text("dataset: demo\nspeed: 3\n")
    assert "'speed', which is unknown" in said(capsys, monkeypatch, *command)


def test_the_exit_code_of_a_mistake_is_2() -> None:
    ran = precompute("status", "--workspace", "nowhere")
    assert ran.returncode == 2
    assert ran.stdout == ""


def test_status_and_the_plain_report(demo_workspace: Path) -> None:
    (row,) = json.loads(precompute("status", "--workspace", demo_workspace, "--json").stdout)
    assert row["stages"] == list(STAGES)
    ran = precompute("report", "--workspace", demo_workspace)
    assert "zero-shot MMT" in ran.stdout
    assert "chance" in ran.stdout


def test_ctrl_c_says_how_to_continue_and_leaves_no_worker(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "precompute", "ingest", "--size", "360", "--workspace"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "w")],
        cwd=REPO,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Where the tests run in the background, Ctrl-C is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert wait_until_at_work(tmp_path / "w", "ingest", process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Interrupted: run the same command again to continue" in printed
    assert b"Traceback" not in printed
    deadline = time.monotonic() + 30
    while left := members(process.pid):
        assert time.monotonic() < deadline, f"workers left: {left}"
        time.sleep(0.05)


def members(group: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group_id = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # the process has ended
            continue
        if int(group_id) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


def test_the_local_engine_takes_a_number_of_workers() -> None:
    engine = engine_for("local", n_workers=3)
    assert isinstance(engine, LocalEngine)
    assert engine.n_workers == 3


def test_unknown_engines_and_useless_addresses_are_refused() -> None:
    with pytest.raises(UserError, match=r"no engine 'rai': expected local or ray\."):
        engine_for("rai")
    with pytest.raises(UserError, match=r"add `--engine ray`"):
        engine_for("local", "auto")


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "--workspace", "w" * 5_000],
        ["status", "--workspace", "w" * 300 + "/x"],
        ["report", "--workspace", "\udcff/x"],
        ["all", "--dataset", "table:" + "t" * 5_000],
        ["all", "--dataset", "folder:a\0b"],
        ["all", "--dataset", "folder:~nobody-here/x"],
        ["all", "--seed", "-1"],
        ["all", "--splits", "100000"],
        ["all", "--study", "s" * 5_000],
        ["all", "--study", "\udcff"],
        ["all", "--ontology", "o" * 5_000],
        ["all", "--audio", "a" * 5_000],
        ["search", "--file", "f" * 5_000, "--workspace", "\udcff"],
    ],
)
def test_odd_arguments_end_in_one_sentence(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = said(capsys, monkeypatch, *arguments)
    assert sentence.startswith("Error: ")
    assert len(sentence) < 2_100


def test_a_terminal_of_ascii_gets_the_table_too() -> None:
    command = [sys.executable, "-m", "precompute", "weights"]
    env = {"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    done = subprocess.run(command, cwd=REPO, capture_output=True, env=env, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0
