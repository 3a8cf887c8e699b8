"""The table of runs: kept, named, pinned, deleted, by several people at once."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import UserError
from core.lab import runs
from core.store import Store

RECORD = {"digest": "", "run": {"of": "s"}, "started": "2026", "artefacts": {}}


def note(store: Store, id: str) -> None:
    store.write_bytes(f"lab/{id}/file", b"x")
    runs.note(store, id, "s", {"a": 1}, {"loss": "x"}, {"f1": 0.5}, RECORD | {"digest": id}, 1.5)


def test_a_run_is_kept_renamed_pinned_and_deleted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert runs.runs(store) == []
    note(store, "one")
    note(store, "two")
    runs.keep(store, "one", "  my   run ", "Ada")
    runs.pin(store, "one", True)
    first, second = runs.runs(store)
    assert (first.id, first.name, first.keeper, first.pinned) == ("one", "my run", "Ada", True)
    assert (second.id, second.name, second.numbers) == ("two", "", {"f1": 0.5})
    assert runs.records(store)[0]["run"] == {"of": "s", "name": "my run", "keeper": "Ada"}
    note(store, "one")  # made again: it keeps its name
    assert runs.find(store, "on") == first
    runs.delete(store, "one")
    assert [one.id for one in runs.runs(store)] == ["two"]
    assert not (tmp_path / "lab" / "one").exists()
    with pytest.raises(UserError, match="is gone"):
        runs.pin(store, "one", True)


def test_a_kept_run_has_a_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    note(store, "one")
    with pytest.raises(UserError, match="no name yet"):
        runs.keep(store, "one", " ", "Ada")


def test_old_runs_that_nobody_keeps_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_UNKEPT", 2)
    store = Store(tmp_path)
    note(store, "kept")
    runs.keep(store, "kept", "kept", "Ada")
    for number in range(4):
        note(store, f"run{number}")
    assert {one.id for one in runs.runs(store)} == {"kept", "run2", "run3"}
    assert sorted(path.name for path in (tmp_path / "lab").glob("*/")) == ["kept", "run2", "run3"]


def test_several_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from core.lab import runs; from core.store import Store\n"
        "for n in range(8): runs.note(Store(sys.argv[1]), f'{sys.argv[2]}{n}', 's', {}, {}, {}, "
        "{'run': {}}, 0.0)"
    )
    root = Path(__file__).resolve().parents[2]
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=root)
        for name in "abc"
    ]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert len(runs.runs(Store(tmp_path))) == 24
    table = sqlite3.connect(tmp_path / "lab" / "runs.sqlite")
    assert table.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_killed_process_loses_no_run_that_it_has_kept(tmp_path: Path) -> None:
    code = (
        "import itertools, sys; from core.lab import runs; from core.store import Store\n"
        "store = Store(sys.argv[1])\n"
        "for n in itertools.count():\n"
        "    runs.note(store, f'r{n}', 's', {}, {}, {}, {'run': {}}, 0.0)\n"
        "    runs.keep(store, f'r{n}', f'name {n}', 'Ada'); print(n, flush=True)\n"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(5):
            last = int(writer.stdout.readline())
        writer.kill()
        last = max([last, *map(int, writer.stdout.read().split())])
    kept = {one.id: one.name for one in runs.runs(Store(tmp_path))}
    for n in range(last + 1):
        assert kept[f"r{n}"] == f"name {n}"


def test_a_damaged_table_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "runs.sqlite").write_bytes(b"not a table at all" * 100)
    with pytest.raises(UserError, match="cannot be read or written"):
        runs.runs(Store(tmp_path))
