"""A server on this machine that returns one file for every address, and can misbehave."""

import contextlib
import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

CONTENT = np.random.default_rng(0).bytes(300_000)
COMMIT = "c0ffee" + 34 * "0"


@dataclass
class Server:
    """What it serves, how it behaves, and the ranges that were requested.

    It also sends the headers of the Hugging Face Hub.
    """

    address: str = ""
    root: str = ""
    content: bytes = CONTENT
    knows_ranges: bool = True
    cut_after: int | None = None  # bytes of a body, before the connection breaks
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server that runs during the block."""
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            if state.status is not None:
                self.send_error(state.status)
                return
            self.begin(200, len(state.content))

        def begin(self, status: int, length: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("ETag", f'"{hashlib.sha256(state.content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()

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
            self.begin(206 if start else 200, len(body))
            self.wfile.write(body[: state.cut_after])
            if state.cut_after is not None:
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.root = f"http://127.0.0.1:{running.server_port}"
    state.address = f"{state.root}/net.tflite"
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield state
    running.shutdown()
    running.server_close()
    thread.join()
