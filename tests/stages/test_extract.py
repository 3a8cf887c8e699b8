"""`extract`: shards, reading ahead of the network, and unreadable files."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.datasets.base import Rejected
from core.encoders.base import Card
from core.errors import MediaError
from core.stages import extract
from core.stages.extract import Row, Shard, extract_shard
from core.store import Store

CARD = Card("counts", "audio", 3, "", "", "", 0, rate_hz=4, window_s=1.0)


class Counts:
    """An encoder: the first number of a sound, three times. `calls` has its batch sizes."""

    card = CARD
    weights_sha256 = None

    def __init__(self) -> None:
        self.calls: list[int] = []

    def embed(self, media: Sequence[Any]) -> np.ndarray:
        self.calls.append(len(media))
        first = np.array([one[0] for one in media], np.float32).reshape(-1, 1)
        return np.repeat(first, 3, axis=1)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """This encoder instead of any other, and files named N that contain the number N."""
    encoder = Counts()
    monkeypatch.setattr(extract, "_loaded", lambda name, weights_dir: encoder)
    monkeypatch.setattr(extract, "_decode", decode)
    return encoder


def decode(source: object, row: Row, card: Card) -> np.ndarray:
    if row.path == "broken":
        raise MediaError("'broken' is broken: mend it.")
    return np.full(4, float(row.path), np.float32)


def shard_of(root: Path, paths: Sequence[str]) -> Shard:
    rows = tuple(Row(f"item{number}", path, 0.0, 1.0, "") for number, path in enumerate(paths))
    return Shard(str(root), "extract/x.partial", "shards/0", "counts", None, str(root), rows)


def read(root: Path, shard: Shard) -> tuple[list[str], np.ndarray, list[dict]]:
    store = Store(root)
    name = f"{shard.folder}/{shard.name}"
    ids = list(store.table(f"{name}.parquet")["item_id"])
    return ids, store.array(f"{name}.npy"), store.json(f"{name}.rejected.json")


def test_shards_cover_every_row_once_and_never_exceed_their_size() -> None:
    for n_rows in (1, 7, 8, 9, 48, 1_000, 2_048, 2_049, 5_000):
        shares = extract._shares(n_rows)
        assert [row for share in shares for row in share] == list(range(n_rows))
        assert max(map(len, shares)) <= extract.SHARD_SIZE


def test_few_items_still_make_several_shards() -> None:
    assert [len(share) for share in extract._shares(48)] == [8] * 6
    assert len(extract._shares(1_000)) == extract.N_SHARDS
    assert [len(share) for share in extract._shares(5)] == [5]


@pytest.mark.parametrize("n", [0, 1, 16, 17, 50])
def test_vectors_and_ids_are_in_the_order_of_the_rows(
    n: int, counts: Counts, tmp_path: Path
) -> None:
    shard = shard_of(tmp_path, [str(number) for number in range(n)])
    assert extract_shard(shard) == shard.name
    ids, vectors, rejected = read(tmp_path, shard)
    assert ids == [row.item_id for row in shard.rows]
    np.testing.assert_array_equal(vectors, np.repeat(np.arange(n)[:, None], 3, 1))
    assert vectors.dtype == np.float32
    assert rejected == []
    assert sum(counts.calls) == n
    assert max(counts.calls, default=0) <= extract.N_AT_ONCE


def test_unreadable_files_are_listed_separately(counts: Counts, tmp_path: Path) -> None:
    paths = [str(number) if number % 3 else "broken" for number in range(20)]
    shard = shard_of(tmp_path, paths)
    extract_shard(shard)
    ids, vectors, rejected = read(tmp_path, shard)
    kept = [number for number in range(20) if number % 3]
    assert ids == [f"item{number}" for number in kept]
    np.testing.assert_array_equal(vectors[:, 0], kept)
    assert [row["reason"] for row in rejected] == ["'broken' is broken: mend it."] * 7


def test_a_shard_of_unreadable_files_has_no_vectors(counts: Counts, tmp_path: Path) -> None:
    shard = shard_of(tmp_path, ["broken"] * 3)
    extract_shard(shard)
    ids, vectors, rejected = read(tmp_path, shard)
    assert ids == []
    assert vectors.shape == (0, 3)
    assert len(rejected) == 3


def test_a_network_gets_batches_of_its_own_size(counts: Counts, tmp_path: Path) -> None:
    counts.n_per_batch = 40  # type: ignore[attr-defined]  # as networks have it
    extract_shard(shard_of(tmp_path, ["1"] * 100))
    assert counts.calls == [40, 40, 20]


def test_the_next_media_are_read_while_the_network_works(
    counts: Counts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network waits for an event that only a concurrent reader can set."""
    second_half_begun = threading.Event()

    def noted(source: object, row: Row, card: Card) -> np.ndarray:
        if row.path == "2":
            second_half_begun.set()
        return decode(source, row, card)

    def embed(media: Sequence[Any]) -> np.ndarray:
        assert second_half_begun.wait(10)
        return Counts.embed(counts, media)

    monkeypatch.setattr(extract, "_decode", noted)
    monkeypatch.setattr(counts, "embed", embed)
    extract_shard(shard_of(tmp_path, ["1"] * extract.N_AT_ONCE + ["2"]))
    assert counts.calls == [extract.N_AT_ONCE, 1]


def test_few_media_are_in_memory_at_once(counts: Counts, tmp_path: Path) -> None:
    n_read, most = 0, 0

    def noted(*_: object) -> np.ndarray:
        nonlocal n_read
        n_read += 1
        return np.zeros(4, np.float32)

    class Slow(Counts):
        def embed(self, media: Sequence[Any]) -> np.ndarray:
            nonlocal most
            time.sleep(0.05)  # the reader runs on as far as it may
            most = max(most, n_read - sum(self.calls))
            return super().embed(media)

    shard = shard_of(tmp_path, ["1"] * 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extract, "_decode", noted)
        patch.setattr(extract, "_loaded", lambda *_: Slow())
        extract_shard(shard)
    assert n_read == 100
    assert most <= 2 * extract.N_AT_ONCE


def test_several_threads_read_an_object_store(
    counts: Counts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(extract.N_READERS)

    def fetched(root: str, encoder: object, row: Row) -> np.ndarray | Rejected:
        together.wait(10)  # raises unless so many are here at once
        return np.zeros(4, np.float32)

    monkeypatch.setattr(extract, "_read", fetched)
    shard = shard_of(tmp_path, ["1"] * (2 * extract.N_READERS))
    extract_shard(Shard(**{**vars(shard), "media_root": "s3://bucket/media"}))
    assert counts.calls == [16]


def test_an_error_of_the_network_ends_the_shard(
    counts: Counts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(media: Sequence[Any]) -> np.ndarray:
        raise ValueError("too small")

    monkeypatch.setattr(counts, "embed", broken)
    with pytest.raises(ValueError, match="too small"):
        extract_shard(shard_of(tmp_path, ["1"] * 60))
    assert not Store(tmp_path).has("extract/x.partial/shards/0.parquet")
