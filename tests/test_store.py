"""The workspace: complete files or none, artefacts found by key, resumable, movable."""

import json
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core import files
from core import store as stores
from core.errors import MissingArtefact, UserError
from core.store import Store, digest
from tests.object_store import BUCKET, s3_server

KEY = {"encoder": "logmel", "version": 1}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the object store that s3:// points at."""
    with s3_server(monkeypatch) as client:
        yield client


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Store(tmp_path / "w")
    if request.param == "file":
        return Store(f"file://{tmp_path}/w")
    if request.param == "s3":
        request.getfixturevalue("s3")
        return Store("s3://bucket/w")
    return Store(f"memory://{tmp_path.name}/w")


def make(store: Store, key: dict = KEY) -> stores.Artefact:
    draft = store.begin("extract", key)
    draft.write_array("vectors.npy", np.arange(12, dtype=np.float32).reshape(4, 3))
    draft.write_table("items.parquet", pd.DataFrame({"item_id": list("abcd")}))
    draft.write_tensors("fit.safetensors", {"w": np.eye(2, dtype=np.float32)})
    draft.write_json("facts.json", {"n": 4})
    return draft.commit(n_items=4)


def test_written_files_are_read_back(store: Store) -> None:
    make(store)
    found = store.find("extract", KEY)
    assert found is not None
    assert found.array("vectors.npy").tolist() == np.arange(12.0).reshape(4, 3).tolist()
    assert found.table("items.parquet")["item_id"].tolist() == list("abcd")
    assert found.tensors("fit.safetensors")["w"].tolist() == np.eye(2).tolist()
    assert found.json("facts.json") == {"n": 4}
    assert found.manifest["n_items"] == 4
    assert found.manifest["key"] == KEY
    assert set(found.manifest["files"]) == {
        "vectors.npy",
        "items.parquet",
        "fit.safetensors",
        "facts.json",
    }


def test_another_key_is_not_found(store: Store) -> None:
    make(store)
    assert store.find("extract", {**KEY, "version": 2}) is None
    assert store.find("train", KEY) is None


def test_a_draft_is_not_finished_and_can_be_continued(store: Store) -> None:
    draft = store.begin("extract", KEY)
    draft.write_json("shards/0.json", [1])
    assert store.find("extract", KEY) is None
    again = store.begin("extract", KEY)
    assert again.has("shards/0.json")
    assert not again.has("shards/1.json")
    again.write_json("shards/1.json", [2])
    finished = again.commit()
    assert finished.json("shards/0.json") == [1]
    assert store.begin("extract", KEY).has("shards/0.json") is False


def test_join_arrays_is_concatenation(store: Store) -> None:
    draft = store.begin("extract", KEY)
    rng = np.random.default_rng(0)
    parts = [rng.random((n, 5)).astype(np.float32) for n in (3, 0, 7)]
    for number, part in enumerate(parts):
        draft.write_array(f"{number}.npy", part)
    draft.join_arrays("all.npy", ["0.npy", "1.npy", "2.npy"])
    assert np.array_equal(draft.array("all.npy"), np.concatenate(parts))


@pytest.mark.parametrize("harm", ["no manifest", "half a manifest", "short file", "no file"])
def test_a_damaged_artefact_is_made_again(tmp_path: Path, harm: str) -> None:
    store = Store(tmp_path)
    folder = tmp_path / make(store).folder
    manifest = folder / stores.MANIFEST
    if harm == "no manifest":
        manifest.unlink()
    elif harm == "half a manifest":
        manifest.write_text(manifest.read_text()[:40])
    elif harm == "short file":
        (folder / "vectors.npy").write_bytes((folder / "vectors.npy").read_bytes()[:-4])
    else:
        (folder / "items.parquet").unlink()
    assert store.find("extract", KEY) is None
    assert make(store).array("vectors.npy").shape == (4, 3)


def test_temporary_files_are_not_part_of_an_artefact(tmp_path: Path) -> None:
    store = Store(tmp_path)
    draft = store.begin("extract", KEY)
    draft.write_json("a.json", 1)
    (tmp_path / draft.folder / "a.json.tmp-deadbeef").write_text("half")
    assert set(draft.commit().manifest["files"]) == {"a.json"}
    assert store.find("extract", KEY) is not None


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    draft = store.begin("extract", KEY)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(UserError, match=r"could not be written.*No space left"):
        draft.write_json("a.json", 1)
    monkeypatch.undo()
    assert not draft.has("a.json")
    assert list((tmp_path / draft.folder).iterdir()) == []


def test_a_reader_meets_no_half_written_file(store: Store) -> None:
    store.write_json("a.json", 0)
    with ThreadPoolExecutor(1) as pool:
        writing = [pool.submit(store.write_json, "a.json", [n] * 1000) for n in range(200)]
        while not writing[-1].done():
            store.json("a.json")
        for one in writing:
            one.result()
    assert store.json("a.json") == [199] * 1000


def test_a_workspace_can_be_moved(tmp_path: Path) -> None:
    make(Store(tmp_path / "here"))
    shutil.move(tmp_path / "here", tmp_path / "there")
    found = Store(tmp_path / "there").find("extract", KEY)
    assert found is not None
    assert found.array("vectors.npy").shape == (4, 3)


def test_arrays_of_a_folder_are_memory_mapped_and_read_only(tmp_path: Path) -> None:
    array = make(Store(tmp_path)).array("vectors.npy")
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match=r"read-only"):
        array[0, 0] = 1


def test_a_missing_file_names_the_command_that_makes_it(store: Store) -> None:
    with pytest.raises(MissingArtefact, match=r"has no extract/x/y\.json: run `python -m"):
        store.read_bytes("extract/x/y.json")
    with pytest.raises(MissingArtefact):
        store.array("extract/x/y.npy")


def test_a_draft_whose_commit_was_killed_can_be_committed_again(store: Store) -> None:
    """Killed between two files of `commit`, the draft is still complete."""
    draft = store.begin("extract", KEY)
    draft.write_json("a.json", 1)
    draft.write_json("b.json", 2)
    if not store.local:  # what a run killed in between leaves: one file copied, no manifest
        store.write_bytes(f"extract/{draft.digest}/a.json", b"1")
    assert store.find("extract", KEY) is None
    again = store.begin("extract", KEY)
    assert again.has("a.json")
    assert again.has("b.json")
    assert set(again.commit().manifest["files"]) == {"a.json", "b.json"}
    assert store.names(draft.folder) == []


def test_a_file_is_written_completely_or_not_at_all(store: Store) -> None:
    def blocks() -> Iterator[np.ndarray]:
        yield np.zeros((2, 3), dtype=np.float32)
        raise KeyboardInterrupt

    draft = store.begin("extract", KEY)
    with pytest.raises(KeyboardInterrupt):
        draft.write_blocks("vectors.npy", (4, 3), np.dtype(np.float32), blocks())
    assert not draft.has("vectors.npy")
    assert store.names(draft.folder) == []


def test_files_of_another_machine_are_seen_at_once(s3: Any) -> None:
    store = Store("s3://bucket/w")
    draft = store.begin("extract", KEY)
    draft.write_json("0.json", 0)
    assert store.sizes(draft.folder) == {"0.json": 1}
    s3.put_object(Bucket=BUCKET, Key=f"w/{draft.folder}/1.json", Body=b"11")
    assert draft.has("1.json")
    assert store.sizes(draft.folder) == {"0.json": 1, "1.json": 2}


def test_a_listing_of_several_pages_is_complete(s3: Any) -> None:
    store = Store("s3://bucket/w")
    for number in range(230):
        s3.put_object(Bucket=BUCKET, Key=f"w/shards/{number:04d}", Body=b"x")
    assert len(store.names("shards")) == len(store.sizes("shards")) == 230


def test_an_unreachable_workspace_gets_one_sentence(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(UserError, match=r"s3://bucket/w cannot read or write .*credentials"):
        Store("s3://bucket/w").find("extract", KEY)


def test_s3_without_its_driver_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    registry = sys.modules["fsspec.registry"]._registry  # what fsspec has imported before
    monkeypatch.delitem(registry, "s3", raising=False)
    with pytest.raises(UserError, match=r"^s3fs is not installed.*requirements-ray\.txt`\.$"):
        Store("s3://bucket/w")


def test_an_unknown_kind_of_url_is_refused() -> None:
    with pytest.raises(UserError, match=r"cannot be opened"):
        Store("nosuchscheme://x/y")


def test_the_digest_depends_on_values_but_not_on_order() -> None:
    assert digest({"a": 1, "b": (2, 3)}) == digest({"b": [2, 3], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert json.loads(files.canonical({"n": np.int64(3)})) == {"n": 3}
