"""Weights files: looked for, described when absent, fetched from a server on this machine."""

import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from core import encoders
from core.encoders import weights
from core.encoders.base import WeightsFile
from core.errors import MissingWeights, UserError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = WeightsFile(
    "net.tflite", "https://example.org/net.tflite", SHA256, len(CONTENT), ("network.tflite",)
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(folder))
    return folder


@dataclass
class Server:
    """What it serves, how it behaves, and which ranges it was asked for."""

    address: str = ""
    content: bytes = CONTENT
    knows_ranges: bool = True
    cut_after: int | None = None  # bytes of a body, then the connection breaks
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            if state.status is not None:
                self.send_error(state.status)
                return
            start = 0
            if wanted and state.knows_ranges:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(state.content):
                    self.send_error(416)
                    return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cut_after])
            if state.cut_after is not None:
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{running.server_port}/net.tflite"
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield state
    running.shutdown()
    running.server_close()
    thread.join()


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


# -- fetching --------------------------------------------------------------------------------


def test_fetched_whole_with_progress(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = weights.fetch(at(server), tmp_path / "new", lambda *state: seen.append(state))
    assert path == tmp_path / "new" / FILE.name
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert os.listdir(tmp_path / "new") == [FILE.name]


def test_find_fetches_only_when_asked(server: Server, cache: Path) -> None:
    with pytest.raises(MissingWeights):
        weights.find(at(server))
    assert server.asked == []
    assert weights.find(at(server), download=True) == cache / FILE.name
    assert weights.find(at(server), download=True) == cache / FILE.name
    assert len(server.asked) == 1


def test_cut_off_then_resumed(server: Server, tmp_path: Path) -> None:
    server.cut_after = 100_000
    with pytest.raises(MissingWeights, match=r"cut off after 100,000 of 300,000 bytes"):
        weights.fetch(at(server), tmp_path)
    assert os.listdir(tmp_path) == [f"{FILE.name}.part"]
    server.cut_after = None
    seen: list[int] = []
    path = weights.fetch(at(server), tmp_path, lambda done, total: seen.append(done))
    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]
    assert min(seen) > 100_000
    assert os.listdir(tmp_path) == [FILE.name]


def test_resumed_from_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{FILE.name}.part").write_bytes(b"x" * 1000)
    server.knows_ranges = False
    assert weights.fetch(at(server), tmp_path).read_bytes() == CONTENT


def test_a_part_that_was_complete_is_only_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{FILE.name}.part").write_bytes(CONTENT)
    assert weights.fetch(at(server), tmp_path).read_bytes() == CONTENT
    assert server.asked == []


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_part_that_is_too_long_starts_again(
    server: Server, tmp_path: Path, size: int | None
) -> None:
    (tmp_path / f"{FILE.name}.part").write_bytes(CONTENT + b"more")
    path = weights.fetch(replace(at(server), size=size), tmp_path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"", b"x" * 1000])
def test_a_wrong_sum_is_not_kept(server: Server, tmp_path: Path, part: bytes) -> None:
    if part:  # what an earlier try left is of another file
        (tmp_path / f"{FILE.name}.part").write_bytes(part)
    else:
        server.content = CONTENT[::-1]
    with pytest.raises(UserError, match=rf"its SHA-256 is [0-9a-f]{{64}}, expected {SHA256}"):
        weights.fetch(at(server), tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_refusing_server_is_one_sentence(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(MissingWeights, match=r"could not be downloaded from .*\(Not Found\)"):
        weights.fetch(at(server), tmp_path)


def test_no_connection_is_one_sentence(server: Server, tmp_path: Path) -> None:
    gone = replace(FILE, address="http://127.0.0.1:1/net.tflite")
    with pytest.raises(MissingWeights, match=r"could not be downloaded .* put the file in"):
        weights.fetch(gone, tmp_path)


def test_a_folder_that_cannot_be_is_one_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written to"):
        weights.fetch(at(server), tmp_path / "file")


def test_without_direct_address_the_page_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"by hand and put it in") as caught:
        weights.fetch(replace(FILE, fetchable=False), tmp_path)
    assert FILE.address in str(caught.value)


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
