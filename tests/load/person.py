"""One person of a load: a session of the dashboard through Streamlit's websocket protocol.

async with Person("http://localhost:8501", seed=1) as person:
    await person.open("map", "classes=cello")     # returns when the page is drawn

It sends what a browser sends (reruns with the state of widgets, uploads) and fetches the media that
a page names, each once. It draws nothing.
"""

import asyncio
import re
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

T = TypeVar("T")
WAIT_S = 60.0  # an answer that takes longer is an error
MEDIA = re.compile(rb"/media/[0-9a-f]+\.\w+")
FAILED = ("could not be drawn", "Traceback")
STATUS = ForwardMsg.ScriptFinishedStatus
DONE = (STATUS.FINISHED_SUCCESSFULLY, STATUS.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


def run(visit: Coroutine[Any, Any, T]) -> T:
    """What a visit returns, made in a thread of its own: a browser's loop may run in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, visit).result()


class LoadError(Exception):
    """A page that was not drawn as it should be."""


class Person:
    """A session: what its page shows, and the state of its widgets.

    `elements`: `{(kind, label): element}` of the page that was drawn last, such as
    `("text_input", "Words")`.
    """

    def __init__(self, url: str, wait_s: float = WAIT_S) -> None:
        self.url, self.wait_s = url, wait_s
        self.session_id = ""
        self.pages: dict[str, str] = {}  # page -> its hash
        self.page = ""
        self.query = ""
        self.elements: dict[tuple[str, str], Any] = {}
        self.n_bytes = 0
        self.fetched: set[bytes] = set()  # the media that the pages named
        self._hashes: dict[str, None] = {}
        self._cookie = ""

    async def __aenter__(self) -> "Person":
        self._cookie = await asyncio.to_thread(self._xsrf)
        self._socket = await websockets.connect(
            f"ws{self.url[4:]}/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            additional_headers={"Cookie": f"_streamlit_xsrf={self._cookie}"},
            origin=websockets.Origin(self.url),
            max_size=None,
            open_timeout=WAIT_S,
            ping_timeout=None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    # -- what a person does ------------------------------------------------------------------------

    async def open(self, page: str, query: str = "") -> float:
        """Type an address, or follow a link of the navigation; returns the seconds it took."""
        self.page, self.query = page, query
        return await self._run([])

    async def press(self, label: str) -> float:
        """Click a button."""
        return await self._run([WidgetState(id=self._id("button", label), trigger_value=True)])

    async def type(self, label: str, text: str, kind: str = "text_input") -> float:
        """Type text into a field (or a `text_area`), and press Enter."""
        return await self._run([WidgetState(id=self._id(kind, label), string_value=text)])

    async def upload(self, label: str, name: str, content: bytes) -> float:
        """Upload a file."""
        widget = self._id("file_uploader", label)
        started = time.perf_counter()
        asked = BackMsg()
        asked.file_urls_request.request_id = "1"
        asked.file_urls_request.session_id = self.session_id
        asked.file_urls_request.file_names.append(name)
        await self._socket.send(asked.SerializeToString())
        found = await self._until(lambda one: one.HasField("file_urls_response"))
        urls = found.file_urls_response.file_urls[0]
        await asyncio.to_thread(self._put, urls, name, content)
        state = WidgetState(id=widget)
        info = state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(content), file_id=urls.file_id
        )
        info.file_urls.CopyFrom(urls)
        await self._run([state])
        return time.perf_counter() - started

    # -- the protocol ------------------------------------------------------------------------------

    def _id(self, kind: str, label: str) -> str:
        found = self.elements.get((kind, label))
        if found is None:
            raise LoadError(f"The page {self.page} has no {kind} “{label}”.")
        return str(found.id)

    async def _run(self, states: Iterable[WidgetState]) -> float:
        """Ask for a run of the page and take in what it draws; returns seconds."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = self.query
        asked.page_script_hash = self.pages.get(self.page, "")
        asked.page_name = "" if asked.page_script_hash else self.page
        asked.widget_states.widgets.extend(states)
        asked.cached_message_hashes.extend(self._hashes)
        asked.context_info.url = f"{self.url}/{self.page}"
        asked.context_info.color_scheme = "light"
        self.elements, self._hashes = {}, {}
        started = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        texts: list[str] = []
        media: set[bytes] = set()
        await self._until(lambda one: self._take(one, texts, media))
        took = time.perf_counter() - started
        if not any("provenance" in text for text in texts):
            raise LoadError(f"{self.page}: the page has no footer")
        await asyncio.to_thread(self._fetch, media)
        return took

    async def _until(self, last: Callable[[ForwardMsg], bool]) -> ForwardMsg:
        async with asyncio.timeout(self.wait_s):
            while True:
                content = await self._socket.recv()
                assert isinstance(content, bytes)
                self.n_bytes += len(content)
                message = ForwardMsg.FromString(content)
                if message.HasField("new_session"):
                    self.session_id = message.new_session.initialize.session_id or self.session_id
                if last(message):
                    return message

    def _take(self, message: ForwardMsg, texts: list[str], media: set[bytes]) -> bool:
        """Take in one message; returns whether it is the last one of a run."""
        kind = message.WhichOneof("type")
        if (message.hash and message.metadata.cacheable) or kind == "ref_hash":
            self._hashes[message.hash or message.ref_hash] = None
        if kind == "navigation":
            self.pages = {
                one.url_pathname: one.page_script_hash for one in message.navigation.app_pages
            }
            self.page = next(
                name
                for name, value in self.pages.items()
                if value == message.navigation.page_script_hash
            )
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.HasField("new_element"):
            element = message.delta.new_element
            name = str(element.WhichOneof("type"))
            inner = getattr(element, name)
            if name == "exception":
                raise LoadError(f"{self.page}: {inner.message}")
            if name == "html":
                texts.append(inner.body)
                failed = [text for text in FAILED if text in inner.body]
                if failed:
                    raise LoadError(f"{self.page}: {re.sub('<[^>]+>', '', inner.body)}")
            elif hasattr(inner, "label") and hasattr(inner, "id"):
                self.elements[name, inner.label] = inner
            media.update(MEDIA.findall(element.SerializeToString()))
        return kind == "script_finished" and message.script_finished in DONE

    # -- files -------------------------------------------------------------------------------------

    def _xsrf(self) -> str:
        with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=WAIT_S) as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
        found = re.search(r"_streamlit_xsrf=([^;]+)", " ".join(cookies))
        if found is None:
            raise LoadError("The server gave no XSRF cookie.")
        return found[1]

    def _fetch(self, media: set[bytes]) -> None:
        for path in sorted(media - self.fetched):
            with urllib.request.urlopen(f"{self.url}{path.decode()}", timeout=WAIT_S) as answer:
                self.n_bytes += len(answer.read())
            self.fetched.add(path)

    def _put(self, urls: FileURLs, name: str, content: bytes) -> None:
        edge = "load-boundary"
        head = (
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        request = urllib.request.Request(
            f"{self.url}{urls.upload_url}",
            head.encode() + content + f"\r\n--{edge}--\r\n".encode(),
            {
                "Content-Type": f"multipart/form-data; boundary={edge}",
                "Cookie": f"_streamlit_xsrf={self._cookie}",
                "X-Xsrftoken": self._cookie,
            },
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            answer.read()
