"""Weights: where they are found, how absent ones are named, and their sums."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from core import encoders
from core.encoders import hub, weights
from core.encoders.base import Card, WeightsFile
from core.errors import MissingWeights, UserError
from tests.encoders.weights_server import CONTENT

SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = WeightsFile(
    "net.tflite", "https://example.org/net.tflite", SHA256, len(CONTENT), ("network.tflite",)
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(folder))
    return folder


def with_files(*files: WeightsFile) -> Card:
    return replace(SEVERAL, repository="", weights=files)


def find_file(weights_dir: Path | None = None) -> Path:
    return weights.find(with_files(FILE), weights_dir)


# -- finding ---------------------------------------------------------------------------------


def test_the_named_folder_comes_before_the_cache(tmp_path: Path, cache: Path) -> None:
    mine = tmp_path / "mine"
    for folder in (mine, cache):
        folder.mkdir()
        (folder / FILE.name).write_bytes(CONTENT)
    assert find_file(mine) == mine / FILE.name
    assert find_file() == cache / FILE.name
    (mine / FILE.name).unlink()
    assert find_file(mine) == cache / FILE.name


def test_a_file_may_have_another_name(cache: Path) -> None:
    cache.mkdir()
    (cache / "network.tflite").write_bytes(CONTENT)
    assert find_file() == cache / "network.tflite"


def test_the_only_file_of_a_card(tmp_path: Path) -> None:
    (tmp_path / "yamnet.tflite").write_bytes(b"")
    assert weights.find(encoders.card("yamnet_lite"), tmp_path) == tmp_path / "yamnet.tflite"


def test_the_cache_without_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(weights.CACHE_VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights.cache_dir() == tmp_path / ".cache/joint-embedding-explorer/weights"


def test_absent_names_file_address_and_folders(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(MissingWeights, match=r"net\.tflite is not on this machine") as caught:
        find_file(tmp_path)
    for part in (FILE.address, str(tmp_path), str(cache)):
        assert part in str(caught.value)
    with pytest.raises(MissingWeights, match="a folder named with --weights DIR"):
        find_file()


def test_a_mistyped_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"typo does not exist: expected a folder"):
        find_file(tmp_path / "typo")


def test_a_sum_is_cached_until_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert weights.sha256(path) == SHA256
    before = weights._sha256.cache_info().misses
    assert weights.sha256(path) == SHA256
    assert weights._sha256.cache_info().misses == before
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(0, 0))
    assert weights.sha256(path) == hashlib.sha256(CONTENT[::-1]).hexdigest()


# -- files of a hub repository ----------------------------------------------------------------

SEVERAL = Card(
    name="several",
    modality="text",
    dim=4,
    title="Several",
    licence="MIT",
    citation="none",
    parameters=1,
    repository="someone/net",
    weights=hub.files("someone/net", "config.json", "pytorch_model.bin"),
)
NAMES = ("config.json", "pytorch_model.bin")


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or NAMES:
        (folder / name).write_text(name)
    return folder


@pytest.fixture(autouse=True)
def snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub" / "models--someone--net" / "snapshots"


def test_files_of_one_folder_are_found_in_order(tmp_path: Path, cache: Path) -> None:
    mine = fill(tmp_path / "mine" / "net")
    assert weights.folder(SEVERAL, mine.parent) == mine
    assert weights.find_all(SEVERAL, mine.parent) == tuple(mine / name for name in NAMES)
    fill(cache / "net")
    assert weights.folder(SEVERAL) == cache / "net"
    assert weights.folder(SEVERAL, mine.parent) == mine


def test_a_folder_that_lacks_a_file_is_skipped(tmp_path: Path, cache: Path) -> None:
    mine = fill(tmp_path / "mine" / "net", "config.json")
    fill(cache / "net")
    assert weights.folder(SEVERAL, mine.parent) == cache / "net"


def test_the_hubs_cache_is_searched_last(cache: Path, snapshots: Path) -> None:
    old, new = fill(snapshots / "ff"), fill(snapshots / "aa")
    os.utime(old, (0, 0))
    assert weights.folder(SEVERAL) == new
    (new / "config.json").unlink()
    assert weights.folder(SEVERAL) == old  # the newest complete one
    fill(cache / "net")
    assert weights.folder(SEVERAL) == cache / "net"


def test_the_first_absent_file_is_named(tmp_path: Path) -> None:
    mine = fill(tmp_path / "mine" / "net", "config.json")
    with pytest.raises(MissingWeights, match=r"net/pytorch_model\.bin is not on this") as caught:
        weights.find_all(SEVERAL, mine.parent)
    for part in (SEVERAL.weights[1].address, str(mine.parent)):
        assert part in str(caught.value)
    with pytest.raises(MissingWeights, match=r"net/config\.json is not on this machine"):
        weights.find_all(SEVERAL)


def test_files_that_share_no_folder_may_be_in_several(tmp_path: Path, cache: Path) -> None:
    card = with_files(WeightsFile("a", "https://a"), WeightsFile("b", "https://b"))
    fill(tmp_path, "a")
    with pytest.raises(MissingWeights, match="weights file b is not on this machine"):
        weights.find_all(card, tmp_path)
    fill(cache, "b")
    assert weights.find_all(card, tmp_path) == (tmp_path / "a", cache / "b")


# -- the publishers' libraries ------------------------------------------------------------------


def test_a_library_cache_may_be_named_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = with_files(replace(FILE, caches=("$SOME_HUB/abc",), unpack="tar.gz"))
    with pytest.raises(MissingWeights, match="put it, unpacked as the folder"):
        weights.find(card)
    (tmp_path / "abc").mkdir()
    monkeypatch.setenv("SOME_HUB", str(tmp_path))
    assert weights.find(card) == tmp_path / "abc"


def test_temporary_files_of_other_users_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (tmp_path / "abc").write_bytes(CONTENT)
    card = with_files(replace(FILE, caches=(f"{tmp_path}/a*",)))
    assert weights.find(card) == tmp_path / "abc"
    monkeypatch.setattr("os.getuid", lambda: os.stat(tmp_path).st_uid + 1)
    with pytest.raises(MissingWeights):
        weights.find(card)


def test_an_unpacked_archive_is_a_folder(tmp_path: Path) -> None:
    card = with_files(replace(FILE, unpack="tar.gz"))
    (tmp_path / FILE.name).write_bytes(CONTENT)
    with pytest.raises(MissingWeights):  # the archive itself, under the folder's name
        weights.find(card, tmp_path)
    (tmp_path / FILE.name).unlink()
    (tmp_path / FILE.name).mkdir()
    assert weights.find(card, tmp_path) == tmp_path / FILE.name


# -- one sum over several -----------------------------------------------------------------------


def test_the_sum_of_one_file_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert weights.sha256_of([tmp_path / "file"]) == SHA256


def test_the_sum_of_several_is_that_of_their_content_in_order(tmp_path: Path) -> None:
    for place, content in (("a/x", b"1"), ("a/y", b"2"), ("b/z", b"1"), ("c/y", b"2")):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(content)
    one = weights.sha256_of([tmp_path / "a/x", tmp_path / "a/y"])
    assert weights.sha256_of([tmp_path / "b/z", tmp_path / "c/y"]) == one  # wherever they are
    assert weights.sha256_of([tmp_path / "a/y", tmp_path / "a/x"]) != one


def test_the_sum_of_a_folder_is_that_of_its_names_and_contents(tmp_path: Path) -> None:
    one, other = fill(tmp_path / "one"), fill(tmp_path / "other")
    fill(one / "inner"), fill(other / "inner")
    assert weights.sha256_of([one]) == weights.sha256_of([other])
    (other / "config.json").rename(other / "config")
    assert weights.sha256_of([one]) != weights.sha256_of([other])
    (other / "config").rename(other / "config.json")
    (other / "inner" / "pytorch_model.bin").write_text("changed")
    assert weights.sha256_of([one]) != weights.sha256_of([other])
