"""A real Chromium, a real server, a small demo workspace.

Every test saves a screenshot in `tests/browser/screenshots/`. Tests wait for a state of the page,
never for a time.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.store import Store
from core.study import Study, open_study

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

REPO = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(__file__).with_name("screenshots")
START_S = 60
PAGE_MS = 40_000
CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
AT_REST = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app && app.dataset.testConnectionState === 'CONNECTED'
    && app.dataset.testScriptState === 'notRunning'
    && document.querySelector('[data-testid=provenance]')
    && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
    && [...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(
      (one) => one.querySelector('.js-plotly-plot')?._fullLayout)
    && [...document.querySelectorAll('[class*=_webgl]')].every(
      (one) => one.querySelector('[data-testid=stBidiComponentIsolated]')?.shadowRoot
        ?.querySelector('.map-root')?.dataset.state === 'rest');
}"""
BOARD = """document.querySelector('[class*=_webgl] [data-testid=stBidiComponentIsolated]')
  .shadowRoot.querySelector('.map-root').board"""
PLACES = """([number, modality]) => {
  // Every visible point of a map, of one modality or of all: its row and its place on the screen.
  const board = BOARD;
  const map = board.maps[number];
  const { items, places, nDims, cell } = map;
  const box = board.overlay.getBoundingClientRect();
  const view = map.camera.view(cell);
  const kind = items.modalities.findIndex((one) => one.name === modality);
  const found = [];
  for (let row = 0; row < items.n; row += 1) {
    if (!items.visible[row] || (kind >= 0 && (items.kind[row] & 3) !== kind)) continue;
    const [x, y] = [places[row * nDims] / 65535, places[row * nDims + 1] / 65535];
    found.push({
      row,
      x: box.left + cell.left + view.centre[0] + (x - view.pan[0]) * view.scale,
      y: box.top + cell.top + view.centre[1] - (y - view.pan[1]) * view.scale,
    });
  }
  return found;
}""".replace("BOARD", BOARD)


def find_chromium() -> str | None:
    """The browser's path, or None where there is none."""
    for found in ("/usr/bin/chromium", shutil.which("chromium"), shutil.which("chromium-browser")):
        if found and Path(found).exists():
            return found
    return None


def chromium() -> str:
    """The browser's path; skips where there is none."""
    found = find_chromium()
    if found is None:
        pytest.skip("no chromium on this machine: the pages are not tested in a browser")
    return found


def lonely_point(page: Any, number: int = 0, modality: str = "") -> dict[str, float]:
    """The point of a map that is farthest from all others, of one modality or of all."""
    everything = np.array([[one["x"], one["y"]] for one in page.evaluate(PLACES, [number, ""])])
    own = page.evaluate(PLACES, [number, modality])
    gaps = [np.partition(np.hypot(*(everything - [one["x"], one["y"]]).T), 1)[1] for one in own]
    return dict(own[int(np.argmax(gaps))])


class Server:
    """A running dashboard: its address, its log, its process."""

    def __init__(self, url: str, log: Path, pid: int) -> None:
        self.url, self.log, self.pid = url, log, pid

    @property
    def written(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def serve(workspace: Path, log: Path) -> Iterator[Server]:
    """`streamlit run` on a free port, for as long as the block lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py"]
    command += ["--server.port", str(port)]
    environment = {**os.environ, "JEE_WORKSPACE": str(workspace)}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=REPO, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    running = Server(f"http://localhost:{port}", log, process.pid)
    try:
        _wait_until(lambda: _is_healthy(running.url), process, running)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_until(done: Callable[[], bool], process: subprocess.Popen, running: Server) -> None:
    end = time.monotonic() + START_S
    while not done():
        assert process.poll() is None, running.written[-2000:]
        assert time.monotonic() < end, f"no server after {START_S} s: {running.written[-2000:]}"
        time.sleep(0.1)  # between two checks of the state


@pytest.fixture(scope="session")
def server(
    browser: Any, demo_workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The dashboard on a free port; not started where there is no browser."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serve(demo_workspace, log) as running:
        yield running


@pytest.fixture(scope="session")
def study(server: Server, demo_workspace: Path) -> Study:
    """The study that the dashboard shows."""
    return open_study(Store(demo_workspace))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium(), args=CHROMIUM)
        yield running
        running.close()


class Visitor:
    """One person's browser window."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        view = {"width": 1360, "height": 1000}
        self.context = browser.new_context(viewport=view, accept_downloads=True, **options)
        self.context.set_default_timeout(PAGE_MS)
        self.page = self.context.new_page()
        self.url = url
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, path: str) -> Any:
        """Go to a page and wait until all of it is drawn."""
        self.page.goto(path if path.startswith("http") else f"{self.url}/{path}")
        self.rest()
        return self.page

    def rest(self) -> None:
        """Wait until the script has run, nothing is stale and every figure is drawn."""
        self.page.wait_for_function(AT_REST)

    def until(self, script: str, argument: Any = None) -> None:
        """Wait until a JavaScript function returns true, then until the page is at rest."""
        self.page.wait_for_function(script, arg=argument)
        self.rest()

    def check(self) -> None:
        """Assert that nothing failed on the page."""
        for what in ("stException", "stDialog"):
            assert self.page.get_by_test_id(what).count() == 0
        text = self.page.inner_text("body")
        assert "could not be drawn" not in text
        assert "Traceback" not in text
        assert self.errors == []

    def keep(self, name: str, whole: bool = True) -> None:
        """Save a screenshot, by default of the whole page."""
        SCREENSHOTS.mkdir(exist_ok=True)
        if whole:
            height = self.page.evaluate(
                "document.querySelector('[data-testid=stMain]')?.scrollHeight || 1000"
            )
            self.page.set_viewport_size({"width": 1360, "height": min(5000, max(1000, height))})
            self.rest()
        self.page.screenshot(path=str(SCREENSHOTS / f"{name}.png"))


@pytest.fixture
def visit(browser: Any, server: Server) -> Iterator[Callable[..., Visitor]]:
    """`visit()`: a fresh window; several are several people."""
    visitors: list[Visitor] = []

    def fresh(**options: Any) -> Visitor:
        visitors.append(Visitor(browser, server.url, **options))
        return visitors[-1]

    yield fresh
    for visitor in visitors:
        visitor.context.close()


@pytest.fixture
def visitor(visit: Callable[..., Visitor], request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """One window; its screenshot is saved when the test ends."""
    one = visit()
    yield one
    name = request.node.name.replace("[", "_").replace("]", "").replace("/", "_")
    one.keep(name, whole=False)
