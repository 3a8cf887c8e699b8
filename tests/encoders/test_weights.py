"""Weights: looked for, described when absent, downloaded by encoder."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core import encoders
from core.encoders import weights
from core.encoders.base import Card, WeightsFile
from core.errors import MissingWeights, UserError
from tests.encoders import weights_server
from tests.encoders.weights_server import Server, serving

CONTENT = weights_server.CONTENT
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = WeightsFile(
    "net.tflite", "https://example.org/net.tflite", SHA256, len(CONTENT), ("network.tflite",)
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def at(server: Server) -> WeightsFile:
    return replace(FILE, address=server.address)


# -- looking ---------------------------------------------------------------------------------


def test_the_named_folder_comes_before_the_cache(tmp_path: Path, cache: Path) -> None:
    mine = tmp_path / "mine"
    for folder in (mine, cache):
        folder.mkdir()
        (folder / FILE.name).write_bytes(CONTENT)
    assert weights.find(FILE, mine) == mine / FILE.name
    assert weights.find(FILE) == cache / FILE.name
    (mine / FILE.name).unlink()
    assert weights.find(FILE, mine) == cache / FILE.name


def test_another_name_is_taken(cache: Path) -> None:
    cache.mkdir()
    (cache / "network.tflite").write_bytes(CONTENT)
    assert weights.find(FILE) == cache / "network.tflite"


def test_a_card_stands_for_its_only_file(tmp_path: Path) -> None:
    (tmp_path / "yamnet.tflite").write_bytes(b"")
    assert weights.find(encoders.card("yamnet_lite"), tmp_path) == tmp_path / "yamnet.tflite"


def test_the_cache_without_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(weights.CACHE_VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights.cache_dir() == tmp_path / ".cache/joint-embedding-explorer/weights"


def test_absent_names_file_address_and_folders(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(MissingWeights, match=r"net\.tflite is not on this machine") as caught:
        weights.find(FILE, tmp_path)
    for part in (FILE.address, str(tmp_path), str(cache)):
        assert part in str(caught.value)
    with pytest.raises(MissingWeights, match="a folder named with --weights DIR"):
        weights.find(FILE)


def test_a_mistyped_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"typo does not exist: expected a folder"):
        weights.find(FILE, tmp_path / "typo")


def test_table_has_every_encoder_and_what_is_here(tmp_path: Path) -> None:
    (tmp_path / "yamnet.tflite").write_bytes(b"")
    rows = {row["name"]: row for row in weights.table(tmp_path)}
    assert list(rows) == encoders.names()
    columns = ["name", "modality", "file", "size", "licence", "where_from", "present"]
    assert all(list(row) == columns for row in rows.values())
    assert rows["yamnet_lite"]["present"] is True
    assert rows["mobilenet_v2_lite"]["present"] is False
    assert rows["mobilenet_v2_lite"]["size"] == 3_577_952
    assert rows["hog"]["present"] is True
    assert rows["hog"]["file"] is None


def test_sum_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert weights.sha256(path) == SHA256
    before = weights._sha256.cache_info().misses
    assert weights.sha256(path) == SHA256
    assert weights._sha256.cache_info().misses == before
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(0, 0))
    assert weights.sha256(path) == hashlib.sha256(CONTENT[::-1]).hexdigest()


# -- networks of several files ------------------------------------------------------------------

SEVERAL = Card(
    name="several",
    modality="text",
    dim=4,
    title="Several",
    licence="MIT",
    citation="none",
    parameters=1,
    weights=tuple(
        WeightsFile(
            f"net/{name}",
            f"https://example.org/{name}",
            caches=(f"~/hub/models--net/snapshots/*/{name}",),
        )
        for name in ("config.json", "inner/model.safetensors")
    ),
)


def fill(folder: Path, *names: str) -> Path:
    for name in names or ("config.json", "inner/model.safetensors"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_files_of_one_folder_are_found_in_order(tmp_path: Path, cache: Path) -> None:
    mine = fill(tmp_path / "mine" / "net")
    assert weights.folder(SEVERAL, mine.parent) == mine
    expected = (mine / "config.json", mine / "inner" / "model.safetensors")
    assert weights.find_all(SEVERAL, mine.parent) == expected
    fill(cache / "net")
    assert weights.folder(SEVERAL) == cache / "net"
    assert weights.folder(SEVERAL, mine.parent) == mine


def test_a_folder_that_lacks_a_file_is_passed_over(tmp_path: Path, cache: Path) -> None:
    mine = fill(tmp_path / "mine" / "net", "config.json")
    fill(cache / "net")
    assert weights.folder(SEVERAL, mine.parent) == cache / "net"


def test_the_publishers_own_cache_is_looked_in_last(cache: Path, home: Path) -> None:
    snapshots = home / "hub" / "models--net" / "snapshots"
    old, new = fill(snapshots / "ff"), fill(snapshots / "aa")
    for path in old.rglob("*"):
        os.utime(path, (0, 0))
    assert weights.folder(SEVERAL) == new
    (new / "config.json").unlink()
    assert weights.folder(SEVERAL) == old  # the newest that is whole
    fill(cache / "net")
    assert weights.folder(SEVERAL) == cache / "net"


def test_the_first_absent_file_is_named(tmp_path: Path, home: Path) -> None:
    mine = fill(tmp_path / "mine" / "net", "config.json")
    with pytest.raises(MissingWeights, match=r"net/inner/model\.safetensors is not on") as caught:
        weights.find_all(SEVERAL, mine.parent)
    for part in ("https://example.org/inner/model.safetensors", str(mine.parent)):
        assert part in str(caught.value)
    with pytest.raises(MissingWeights, match=r"net/config\.json is not on this machine"):
        weights.find_all(SEVERAL)


def test_several_files_without_a_folder_may_lie_apart(tmp_path: Path, cache: Path) -> None:
    card = replace(SEVERAL, weights=(WeightsFile("a", "https://a"), WeightsFile("b", "https://b")))
    fill(tmp_path, "a")
    with pytest.raises(MissingWeights, match="weights file b is not on this machine"):
        weights.find_all(card, tmp_path)
    fill(cache, "b")
    assert weights.find_all(card, tmp_path) == (tmp_path / "a", cache / "b")


def test_a_library_cache_may_be_named_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = replace(FILE, caches=("$SOME_HUB/abc",), unpack="tar.gz")
    with pytest.raises(MissingWeights, match="put it, unpacked as the folder"):
        weights.find(file)
    (tmp_path / "abc").mkdir()
    monkeypatch.setenv("SOME_HUB", str(tmp_path))
    assert weights.find(file) == tmp_path / "abc"


def test_in_the_temporary_folder_only_ones_own_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (tmp_path / "abc").write_bytes(CONTENT)
    file = replace(FILE, caches=(f"{tmp_path}/a*",))
    assert weights.find(file) == tmp_path / "abc"
    monkeypatch.setattr("os.getuid", lambda: os.stat(tmp_path).st_uid + 1)
    with pytest.raises(MissingWeights):
        weights.find(file)


def test_a_packed_file_is_a_folder(tmp_path: Path) -> None:
    file = replace(FILE, unpack="tar.gz")
    (tmp_path / FILE.name).write_bytes(CONTENT)
    with pytest.raises(MissingWeights):  # the archive itself, under the folder's name
        weights.find(file, tmp_path)
    (tmp_path / FILE.name).unlink()
    (tmp_path / FILE.name).mkdir()
    assert weights.find(file, tmp_path) == tmp_path / FILE.name


# -- one sum over several -----------------------------------------------------------------------


def test_the_sum_of_one_file_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert weights.sha256_of([tmp_path / "file"]) == SHA256


def test_the_sum_of_several_is_that_of_their_content_in_order(tmp_path: Path) -> None:
    for place, content in (("a/x", b"1"), ("a/y", b"2"), ("b/z", b"1"), ("c/y", b"2")):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(content)
    one = weights.sha256_of([tmp_path / "a/x", tmp_path / "a/y"])
    assert weights.sha256_of([tmp_path / "b/z", tmp_path / "c/y"]) == one  # wherever they lie
    assert weights.sha256_of([tmp_path / "a/y", tmp_path / "a/x"]) != one


def test_the_sum_of_a_folder_is_that_of_its_names_and_contents(tmp_path: Path) -> None:
    one, other = fill(tmp_path / "one"), fill(tmp_path / "other")
    assert weights.sha256_of([one]) == weights.sha256_of([other])
    (other / "config.json").rename(other / "config")
    assert weights.sha256_of([one]) != weights.sha256_of([other])
    (other / "config").rename(other / "config.json")
    (other / "inner" / "model.safetensors").write_text("changed")
    assert weights.sha256_of([one]) != weights.sha256_of([other])


# -- downloading by name ------------------------------------------------------------------------


def test_find_fetches_only_when_asked(server: Server, cache: Path) -> None:
    with pytest.raises(MissingWeights):
        weights.find(at(server))
    assert server.asked == []
    assert weights.find(at(server), download=True) == cache / FILE.name
    assert weights.find(at(server), download=True) == cache / FILE.name
    assert len(server.asked) == 1


def test_download_by_encoder(
    server: Server, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = encoders.REGISTRY["yamnet_lite"]
    card = replace(entry.card, weights=(at(server),))
    monkeypatch.setitem(encoders.REGISTRY, "yamnet_lite", entry._replace(card=card))
    weights.download("yamnet_lite", tmp_path / "mine")
    assert (tmp_path / "mine" / FILE.name).read_bytes() == CONTENT
    weights.download("yamnet_lite", tmp_path / "mine")  # here already: nothing is asked for
    assert len(server.asked) == 1
    weights.download("logmel")  # nothing to fetch
    with pytest.raises(UserError, match="no encoder 'nope'"):
        weights.download("nope")


def test_a_folder_is_downloaded_whole_or_left_alone(
    server: Server, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tuple(replace(file, address=server.address) for file in SEVERAL.weights)
    entry = encoders.REGISTRY["yamnet_lite"]
    card = replace(SEVERAL, weights=files)
    monkeypatch.setitem(encoders.REGISTRY, "several", entry._replace(card=card))
    snapshot = fill(home / "hub" / "models--net" / "snapshots" / "aa")
    weights.download("several", tmp_path / "mine")
    assert server.asked == []
    (snapshot / "config.json").unlink()  # what the hub's cache still has is fetched again
    weights.download("several", tmp_path / "mine")
    assert len(server.asked) == 2
    (tmp_path / "mine" / "net" / "config.json").unlink()
    weights.download("several", tmp_path / "mine")  # what is in place is not
    assert len(server.asked) == 3
    assert weights.folder(card, tmp_path / "mine") == tmp_path / "mine" / "net"
