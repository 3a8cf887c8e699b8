"""A server of one file on this machine, that can be told to misbehave."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

CONTENT = np.random.default_rng(0).bytes(300_000)


@dataclass
class Server:
    """What it serves, how it behaves, and which ranges it was asked for."""

    address: str = ""
    content: bytes = CONTENT
    knows_ranges: bool = True
    cut_after: int | None = None  # bytes of a body, then the connection breaks
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server that runs as long as the block."""
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
