"""Weights fetched from a server on this machine: resumed, checked, unpacked."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.encoders import fetching
from core.encoders.base import WeightsFile
from core.errors import MissingWeights, UserError
from tests.encoders import weights_server
from tests.encoders.weights_server import Server, serving

CONTENT = weights_server.CONTENT
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = WeightsFile(
    "net.tflite", "https://example.org/net.tflite", SHA256, len(CONTENT), ("network.tflite",)
)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def at(server: Server) -> WeightsFile:
    return replace(FILE, address=server.address)


def test_fetched_with_a_bar(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fetching.fetch(at(server), tmp_path / "new")
    assert path == tmp_path / "new" / FILE.name
    assert path.read_bytes() == CONTENT
    assert os.listdir(tmp_path / "new") == [FILE.name]
    shown = capsys.readouterr().err
    assert FILE.name in shown
    assert "300.0/300.0 kB" in shown


def test_cut_off_then_resumed(server: Server, tmp_path: Path) -> None:
    server.cut_after = 100_000
    with pytest.raises(MissingWeights, match=r"cut off after 100,000 of 300,000 bytes"):
        fetching.fetch(at(server), tmp_path)
    assert os.listdir(tmp_path) == [f"{FILE.name}.part"]
    server.cut_after = None
    path = fetching.fetch(at(server), tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]
    assert os.listdir(tmp_path) == [FILE.name]


def test_resumed_from_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{FILE.name}.part").write_bytes(b"x" * 1000)
    server.knows_ranges = False
    assert fetching.fetch(at(server), tmp_path).read_bytes() == CONTENT


def test_a_complete_part_is_only_renamed(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{FILE.name}.part").write_bytes(CONTENT)
    assert fetching.fetch(at(server), tmp_path).read_bytes() == CONTENT
    assert server.asked == []


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_part_that_is_too_long_starts_again(
    server: Server, tmp_path: Path, size: int | None
) -> None:
    (tmp_path / f"{FILE.name}.part").write_bytes(CONTENT + b"more")
    path = fetching.fetch(replace(at(server), size=size), tmp_path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"", b"x" * 1000])
def test_a_wrong_sum_is_not_kept(server: Server, tmp_path: Path, part: bytes) -> None:
    if part:  # an earlier try left part of another file
        (tmp_path / f"{FILE.name}.part").write_bytes(part)
    else:
        server.content = CONTENT[::-1]
    with pytest.raises(UserError, match=rf"its SHA-256 is [0-9a-f]{{64}}, expected {SHA256}"):
        fetching.fetch(at(server), tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_refusing_server_is_one_sentence(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(MissingWeights, match=r"could not be downloaded from .*\(Not Found\)"):
        fetching.fetch(at(server), tmp_path)


def test_no_connection_is_one_sentence(server: Server, tmp_path: Path) -> None:
    gone = replace(FILE, address="http://127.0.0.1:1/net.tflite")
    with pytest.raises(MissingWeights, match=r"could not be downloaded .* put the file in"):
        fetching.fetch(gone, tmp_path)


def test_a_folder_that_cannot_be_made_is_one_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written to"):
        fetching.fetch(at(server), tmp_path / "file")


def test_without_direct_address_the_page_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"by hand and put it in") as caught:
        fetching.fetch(replace(FILE, fetchable=False), tmp_path)
    assert FILE.address in str(caught.value)


def test_an_md5_is_checked_where_no_sha256_is_known(server: Server, tmp_path: Path) -> None:
    md5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    file = replace(at(server), sha256=None, md5=md5)
    assert fetching.fetch(file, tmp_path).read_bytes() == CONTENT
    server.content = CONTENT[::-1]
    with pytest.raises(UserError, match=rf"its MD5 is [0-9a-f]{{32}}, expected {md5}"):
        fetching.fetch(replace(file, name="other"), tmp_path)
    assert os.listdir(tmp_path) == [FILE.name]


def test_a_name_with_a_folder(server: Server, tmp_path: Path) -> None:
    path = fetching.fetch(replace(at(server), name="minilm/model.safetensors"), tmp_path)
    assert path == tmp_path / "minilm" / "model.safetensors"
    assert path.read_bytes() == CONTENT


# -- archives -----------------------------------------------------------------------------------


def packed(members: dict[str, bytes], **changes: object) -> bytes:
    """A .tar.gz; `changes` are attributes of its members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for attribute, value in changes.items():
                setattr(member, attribute, value)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


MEMBERS = {"./saved_model.pb": CONTENT[:50_000], "./variables/variables.index": b"index"}


def archive_at(server: Server, content: bytes) -> WeightsFile:
    server.content = content
    return WeightsFile("net_1", server.address, unpack="tar.gz")


def test_an_archive_becomes_a_folder(server: Server, tmp_path: Path) -> None:
    path = fetching.fetch(archive_at(server, packed(MEMBERS)), tmp_path)
    assert path == tmp_path / "net_1"
    assert (path / "saved_model.pb").read_bytes() == CONTENT[:50_000]
    assert (path / "variables" / "variables.index").read_bytes() == b"index"
    assert os.listdir(tmp_path) == ["net_1"]


def test_an_archive_with_its_own_folder_around_it(server: Server, tmp_path: Path) -> None:
    content = packed({f"yamnet/{name[2:]}": each for name, each in MEMBERS.items()})
    path = fetching.fetch(archive_at(server, content), tmp_path)
    assert sorted(os.listdir(path)) == ["saved_model.pb", "variables"]
    assert os.listdir(tmp_path) == ["net_1"]


def test_an_archive_is_resumed_and_its_sum_checked(server: Server, tmp_path: Path) -> None:
    content = packed(MEMBERS)
    file = archive_at(server, content)
    file = replace(file, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    server.cut_after = 20_000
    with pytest.raises(MissingWeights, match="cut off after 20,000 of"):
        fetching.fetch(file, tmp_path)
    assert os.listdir(tmp_path) == ["net_1.part"]
    server.cut_after = None
    assert (fetching.fetch(file, tmp_path) / "saved_model.pb").is_file()
    assert server.asked == [None, "bytes=20000-"]


def test_a_cut_off_archive_is_one_sentence(server: Server, tmp_path: Path) -> None:
    file = archive_at(server, packed(MEMBERS)[:-2_000])
    with pytest.raises(
        MissingWeights, match=r"the archive ends too early\): run the same command again"
    ):
        fetching.fetch(file, tmp_path)
    assert os.listdir(tmp_path) == ["net_1.part"]  # the part is kept
    server.content = packed(MEMBERS)
    assert (fetching.fetch(file, tmp_path) / "saved_model.pb").is_file()
    assert server.asked[-1] is not None  # it was resumed


@pytest.mark.parametrize(
    "content",
    [
        b"<html>Sign in</html>" * 100,
        gzip.compress(b"no archive" * 100),
        packed({}),
        b"",
        packed(MEMBERS)[:3000] + bytes(500) + packed(MEMBERS)[3500:],
    ],
    ids=["page", "gzip", "nothing", "empty", "damaged"],
)
def test_another_file_than_an_archive_is_not_kept(
    server: Server, tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(UserError, match=r"is not a valid \.tar\.gz archive of net_1"):
        fetching.fetch(archive_at(server, content), tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        packed({"../outside": b"x"}),
        packed({"a/../../outside": b"x"}),
        packed({"link": b""}, type=tarfile.SYMTYPE, linkname="../outside"),
        packed({"device": b""}, type=tarfile.CHRTYPE),
    ],
    ids=["up", "down and up", "link", "device"],
)
def test_nothing_leaves_the_folder(server: Server, tmp_path: Path, content: bytes) -> None:
    inner = tmp_path / "inner"
    with pytest.raises(UserError, match=r"is not a valid \.tar\.gz archive"):
        fetching.fetch(archive_at(server, content), inner)
    assert os.listdir(tmp_path) == ["inner"]
    assert os.listdir(inner) == []


def test_an_older_folder_stays_when_the_download_is_wrong(server: Server, tmp_path: Path) -> None:
    fetching.fetch(archive_at(server, packed(MEMBERS)), tmp_path)
    with pytest.raises(UserError, match="not a valid"):
        fetching.fetch(archive_at(server, b"<html>"), tmp_path)
    assert (tmp_path / "net_1" / "saved_model.pb").is_file()
    fetching.fetch(archive_at(server, packed({"saved_model.pb": b"new"})), tmp_path)
    assert (tmp_path / "net_1" / "saved_model.pb").read_bytes() == b"new"
