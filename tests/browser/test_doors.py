"""Who may talk to the server, and what is left of those who have gone."""

import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from websockets import InvalidStatus, Origin, Subprotocol
from websockets.sync.client import connect

from tests.browser.conftest import Server, serve
from tests.load.person import Person, run
from tests.load.plan import file_of

GONE_S = 30


def handshake(server: Server, host: str, origin: str) -> bool:
    """Whether a websocket opens for this Host and Origin."""
    port = server.url.rpartition(":")[2]
    try:
        with connect(
            f"ws://{host}:{port}/_stcore/stream",
            sock=socket.create_connection(("127.0.0.1", int(port))),
            subprotocols=[Subprotocol("streamlit")],
            origin=Origin(origin.replace("PORT", port)),
        ):
            return True
    except InvalidStatus as refused:
        return refused.response.status_code != 403


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_names_of_this_machine_are_answered(server: Server, name: str) -> None:
    assert handshake(server, name, f"http://{name}:PORT")


@pytest.mark.parametrize(
    "name", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.example"]
)
def test_a_name_that_was_made_to_point_here_is_refused(server: Server, name: str) -> None:
    assert not handshake(server, name, f"http://{name}:PORT")


def test_a_page_of_another_site_is_refused(server: Server) -> None:
    assert not handshake(server, "localhost", "http://evil.example")


def content_of(server: Server, path: bytes) -> bytes:
    """What a media address gives; empty once it is gone."""
    try:
        with urllib.request.urlopen(f"{server.url}{path.decode()}", timeout=10) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return b"" if error.code == 404 else b"another error"


def test_an_upload_is_gone_after_its_session(
    demo_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL", "1")
    name, content = file_of(7)

    async def upload(server: Server) -> list[bytes]:
        async with Person(server.url, GONE_S * 6) as person:
            await person.open("retrieve")
            await person.upload("A sound, picture or video", name, content)
            return [path for path in person.fetched if content_of(server, path) == content]

    with serve(demo_workspace, tmp_path / "log.txt") as server:
        mine = run(upload(server))
        assert mine
        end = time.monotonic() + GONE_S
        while any(content_of(server, path) for path in mine):
            assert time.monotonic() < end, "the upload is still there"
            time.sleep(0.2)
