"""The stages end to end: nothing is done twice, nothing finished is lost, bad input is said."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config import Config
from core.spaces import maps
from core.spaces.translation import TranslationConfig
from core.stages import table as stages
from core.stages.table import STAGES
from core.store import Store
from core.studies import headlines, measure
from core.studies.forests import ForestConfig
from core.study import Study, open_study
from tests.precompute_runs import REPO, HereEngine, KilledError, precompute


def manifests(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(root.glob("*/*/manifest.json"))}


def numbers(root: Path) -> pd.DataFrame:
    return open_study(Store(root)).measurements()


# -- the demo, by the command line ---------------------------------------------------------------


def test_every_stage_leaves_an_artefact_with_its_provenance(demo_workspace: Path) -> None:
    study = open_study(Store(demo_workspace))
    names = {name.split(":")[0] for name in study.artefacts}
    assert names == set(STAGES)
    for name in study.artefacts:
        manifest = study.artefact(name).manifest
        for field in ("schema_version", "code_version", "key", "files", "created", "wall_s"):
            assert field in manifest, (name, field)
    assert study.record["finished"]
    assert study.config["size"] == 360


def test_a_second_run_does_nothing(demo_workspace: Path) -> None:
    before = manifests(demo_workspace)
    started = time.monotonic()
    ran = precompute("all", "--dataset", "demo", "--size", 360, "--workspace", demo_workspace)
    assert ran.returncode == 0, ran.stderr
    assert time.monotonic() - started < 60  # a hang is a failure; speed is measured elsewhere
    assert manifests(demo_workspace) == before
    assert ran.stderr.count("already there") == len(STAGES)


def test_the_numbers_have_the_promised_shape(demo_workspace: Path) -> None:
    ran = precompute("report", "--workspace", demo_workspace, "--json")
    rows = json.loads(ran.stdout)
    assert {row["study"] for row in rows} == {
        "ranking",
        "classification",
        "mix_in",
        "centroids",
        "distribution",
        "zero_shot",
    }
    assert {key for row in rows for key in row} == set(measure.COLUMNS)
    metrics = {row["metric"] for row in rows}
    wanted = "ndcg@30 recall@1 recall@5 recall@10 precision@10 median_rank map macro_f1 f1"
    assert metrics >= {*wanted.split(), "centroid_distance", "confusion", "label_count"}
    for row in rows:
        assert row["value"] is not None
        if row["study"] == "ranking":
            assert row["direction"] in headlines.DIRECTIONS
            assert row["gallery_size"] > 0
    zero_shot = [row for row in rows if row["study"] == "mix_in" and row["n_target"] == 0]
    assert {row["system"] for row in zero_shot} == {"MMP", "MMT"}
    for system in ("MMP", "MMT"):
        for target in ("audio", "image"):
            mine = [r for r in zero_shot if (r["system"], r["target"]) == (system, target)]
            assert len({row["seed"] for row in mine}) >= 5


def test_status_and_the_plain_report(demo_workspace: Path) -> None:
    (row,) = json.loads(precompute("status", "--workspace", demo_workspace, "--json").stdout)
    assert row["stages"] == list(STAGES)
    ran = precompute("report", "--workspace", demo_workspace)
    assert "zero-shot MMT" in ran.stdout
    assert "chance" in ran.stdout


def test_killed_in_every_stage_the_numbers_are_the_same(
    demo_workspace: Path, tmp_path: Path
) -> None:
    root = tmp_path / "killed"
    command = [sys.executable, "-m", "precompute", "all", "--dataset", "demo", "--size", "360"]
    command += ["--workspace", str(root)]
    kept: dict[str, int] = {}
    seen = []
    for stage in STAGES:
        process = subprocess.Popen(
            command, cwd=REPO, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if wait_for_partial(root, stage, process):
            seen.append(stage)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if stage == "ingest":
            shards = root.glob("ingest/*.partial/shards/*.json")
            kept = {path.name: path.stat().st_mtime_ns for path in shards}
    subprocess.run(command, cwd=REPO, check=True, stderr=subprocess.DEVNULL)
    assert kept
    assert len(seen) >= 4, f"only {seen} were killed at work"  # a fast stage may slip through
    for path in root.glob("ingest/*/shards/*.json"):
        assert kept.get(path.name, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
    assert not list(root.glob("*/*.partial"))
    pd.testing.assert_frame_equal(numbers(root), numbers(demo_workspace))


def test_ctrl_c_says_how_to_go_on_and_leaves_no_worker(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "precompute", "ingest", "--size", "360", "--workspace"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "w")],
        cwd=REPO,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Where the tests run in the background, Ctrl-C is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for_partial(tmp_path / "w", "ingest", process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Interrupted: run the same command again to continue" in said
    assert b"Traceback" not in said
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
        except OSError:  # ended meanwhile
            continue
        if int(group_id) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


# What a stage has written when it is in the middle of its work.
SEEN_AT_WORK = {
    "ingest": "*.partial/shards/*.json",
    "extract": "*.partial/shards/*.npy",
    "train": "*.partial/*.safetensors",
    "generate": "*.partial/*.parquet",
    "evaluate": "*.partial/forests/*.safetensors",
    "maps": "*.partial/*.parquet",
}


def wait_for_partial(root: Path, stage: str, process: subprocess.Popen) -> bool:
    """Until a stage is seen at work: one of its own files whole, the artefact not.

    False when it was over before anybody looked.
    """
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if any(".tmp-" not in path.name for path in root.glob(f"{stage}/{SEEN_AT_WORK[stage]}")):
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    pytest.fail(f"{stage} never began")


# -- a tiny study in this process, killed between any two tasks and at any write ------------------


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Ready vectors of 3 classes; maps drawn by a stand-in, since compiling UMAP takes 20 s."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((3, 6))
    rows = [
        {
            "item_id": f"{modality}{number}",
            "clip_id": f"clip{number}",
            "modality": modality,
            "labels": ["cello", "flute", "organ"][number % 3],
            "vector": (centres[number % 3] + 0.3 * rng.standard_normal(6)).tolist(),
        }
        for number in range(48)
        for modality in ("audio", "image")
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "items.parquet")
    monkeypatch.setattr(
        maps,
        "fit_whole",
        lambda vectors, near, method, n_dims, seed: np.asarray(vectors)[:, :n_dims],
    )
    return Config(
        dataset=f"table:{tmp_path / 'items.parquet'}",
        splits=2,
        n_bootstrap=20,
        mix_in_draws=2,
        translation=TranslationConfig(max_epochs=6),
        forest=ForestConfig(n_trees=4),
    )


def run_tiny(config: Config, root: Path, engine: HereEngine | None = None) -> Study:
    stages.run(config, Store(root), engine or HereEngine())
    return open_study(Store(root))


def test_ready_vectors_need_no_encoder(tiny: Config, tmp_path: Path) -> None:
    study = run_tiny(tiny, tmp_path / "w")
    assert study.default_encoder_set == "ready_audio+ready_image"
    rows = study.measurements()
    found = rows[(rows["metric"] == "precision@5") & (rows["space"] == "translation")]
    assert sorted(found["split"].unique()) == [0, 1]
    assert {"x", "y", "z"} <= set(study.map(study.default_encoder_set, "pca", "umap", 2).columns)


def test_where_the_time_goes_is_told_part_by_part(tiny: Config, tmp_path: Path) -> None:
    first = stages.run(tiny, Store(tmp_path), HereEngine())
    parts = {stage: set(outcome.parts) for stage, outcome in first.outcomes.items()}
    assert list(parts) == list(STAGES)
    assert parts["train"] == {"training spaces"}
    assert parts["generate"] == set()
    assert parts["evaluate"] == {"ranking", "forests", "centroids"}
    assert parts["maps"] == {"finding neighbours", "drawing maps"}
    for outcome in first.outcomes.values():
        assert 0.0 <= sum(outcome.parts.values()) <= outcome.seconds + 0.1  # of two clocks
        assert outcome.n_made == outcome.n_artefacts
    again = stages.run(tiny, Store(tmp_path), HereEngine())
    for outcome in again.outcomes.values():
        assert not outcome.parts
        assert outcome.n_made == 0


@pytest.mark.parametrize("stop_after", [1, 4, 12])
def test_stopped_between_tasks_it_goes_on(tiny: Config, tmp_path: Path, stop_after: int) -> None:
    once, first, second = HereEngine(), HereEngine(stop_after), HereEngine()
    whole = run_tiny(tiny, tmp_path / "whole", once).measurements()
    with pytest.raises(KilledError):
        run_tiny(tiny, tmp_path / "w", first)
    resumed = run_tiny(tiny, tmp_path / "w", second).measurements()
    names = [repr(task) for task in [*first.done, *second.done]]
    assert len(names) == len(set(names)) == len(once.done)
    pd.testing.assert_frame_equal(resumed, whole)


def test_ended_at_any_write_nothing_is_taken_for_finished(
    tiny: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_tiny(tiny, tmp_path / "whole").measurements()
    real_replace = os.replace
    left = 0  # writes before the next end: a few more at each attempt

    def replace_or_die(source: str, target: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError
        real_replace(source, target)

    n_ended = 0
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_or_die)
        for attempt in range(100):
            left = 3 + attempt
            try:
                run_tiny(tiny, tmp_path / "w")
                break
            except KilledError:
                n_ended += 1
    assert 5 < n_ended < 99
    monkeypatch.setattr(maps, "fit_whole", None)  # nothing is left to draw
    pd.testing.assert_frame_equal(run_tiny(tiny, tmp_path / "w").measurements(), whole)


def test_another_seed_recomputes_what_hangs_on_it(tiny: Config, tmp_path: Path) -> None:
    from dataclasses import replace

    root = tmp_path / "w"
    run_tiny(tiny, root)
    before = set(manifests(root))
    run_tiny(replace(tiny, mix_in_draws=3), root)
    fresh = {Path(name).parts[-3] for name in set(manifests(root)) - before}
    assert fresh == {"evaluate"}


def test_no_space_is_fitted_on_test_items(tiny: Config, tmp_path: Path) -> None:
    """Other test vectors leave every study space as it was."""
    study = run_tiny(tiny, tmp_path / "w")
    frame = study.items(0)
    held = set(frame[frame["subset"] != "translation"]["item_id"])
    table = pd.read_parquet(tmp_path / "items.parquet")
    rng = np.random.default_rng(1)
    table["vector"] = [
        rng.standard_normal(6).tolist() if item in held else vector
        for item, vector in zip(table["item_id"], table["vector"], strict=True)
    ]
    table.to_parquet(tmp_path / "items.parquet")
    other = run_tiny(tiny, tmp_path / "w2")
    for name in ("translation.safetensors", "pca.audio.safetensors", "pca.image.safetensors"):
        mine, theirs = (
            one.artefact(f"train:{one.default_encoder_set}:0").tensors(name)
            for one in (study, other)
        )
        compared = [key for key in mine if "seconds" not in key]
        assert compared
        for key in compared:
            assert np.array_equal(mine[key], theirs[key]), key


# -- the command line and bad input ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("all", "--dataset", "demmo"), "There is no dataset 'demmo' (did you mean 'demo'?)"),
        (("all", "--dataset", "folder:/nowhere/at/all"), "There is nothing at /nowhere/at/all"),
        (("all", "--audio", "logmell"), "There is no encoder 'logmell'"),
        (("all", "--audio", "hog"), "The encoder 'hog' is for image, and was given for audio"),
        (("all", "--size", "12"), "The demo's size is 12 pairs: expected 360 to 10000"),
        (("report", "--workspace", "nowhere"), "has no study yet: run `python -m precompute all"),
        (("status", "--workspace", "nowhere"), "has no study yet"),
        (("search", "--workspace", "nowhere"), "There is nothing to search with"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    if "--workspace" not in arguments:
        arguments = (*arguments, "--workspace", str(tmp_path))
    ran = precompute(*arguments)
    assert ran.returncode == 2
    said = " ".join(ran.stderr.split())
    assert message in said
    assert "Traceback" not in said


def test_a_study_file_is_read_and_flags_win(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("dataset: demo\nsize: 50\ntranslation:\n  loss: margin\n  margin: 0.5\n")
    ran = precompute("ingest", "--study", path, "--size", "7", "--workspace", tmp_path / "w")
    assert "The demo's size is 7 pairs" in " ".join(ran.stderr.split())
    path.write_text("dataset: demo\nspeed: 3\n")
    ran = precompute("ingest", "--study", path, "--workspace", tmp_path / "w")
    assert ran.returncode == 2
    assert "'speed', which is unknown" in " ".join(ran.stderr.split())
