"""The Map page in a real Chromium with software GL: opened, moved, filtered, questioned.

A million points are 500,000 sounds and as many pictures of 18 classes. The browser times each
visit, from its navigation until the script has run and the maps have painted all their points. The
first visit warms up the server and the browser's cache. What happens in the browser alone (a
frame, a filter, a lasso, a hover) is timed on the component without Streamlit. The Plotly page of
the same study is that which a browser without WebGL 2 gets.

    python -m tests.benchmarks map_page
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import Config
from core.record import Record
from core.store import Store
from tests.dashboard import workspace

MILLION, DEMO = 500_000, 3_600  # clips, of two items each
N_CLASSES = 18
N_VISITS = 3
N_PEOPLE = 10
WAIT_MS = 300_000
NO_WEBGL_2 = """
const original = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : original.call(this, kind, ...rest);
};"""
SCRIPT_DONE = (
    "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
)
PAINTED = f"""() => {{
  // Milliseconds since this navigation once the maps rest with all points painted, else false.
  if (!({SCRIPT_DONE})) return false;
  const root = document.querySelector('.st-key-map_webgl [data-testid=stBidiComponentIsolated]')
    ?.shadowRoot?.querySelector('.map-root');
  if (root?.dataset.state !== 'rest') return false;
  const {{ gl }} = root.board.drawing;
  const pixels = new Uint8Array(4 * root.board.canvas.width * root.board.canvas.height);
  gl.readPixels(0, 0, root.board.canvas.width, root.board.canvas.height, gl.RGBA,
    gl.UNSIGNED_BYTE, pixels);
  let n = 0;
  for (let at = 3; at < pixels.length; at += 4) n += pixels[at] > 0;
  return n > 2000 && performance.now();
}}"""
PLOTLY_PAINTED = f"""() => {{
  if (!({SCRIPT_DONE})) return false;
  const canvas = document.querySelector('.st-key-map_2 canvas.gl-canvas-context');
  if (!canvas?.width) return false;
  const small = Object.assign(document.createElement('canvas'), {{ width: 320, height: 160 }});
  const ink = small.getContext('2d');
  ink.drawImage(canvas, 0, 0, 320, 160);
  const pixels = ink.getImageData(0, 0, 320, 160).data;
  let n = 0;
  for (let at = 3; at < pixels.length; at += 4) n += pixels[at] > 0;
  return n > 1000 && performance.now();
}}"""


def run() -> list[dict]:
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, find_chromium

    path = find_chromium()
    if path is None:
        raise RuntimeError("no chromium on this machine")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=CHROMIUM)
        rows = [
            *in_the_browser(browser, 2 * MILLION, frame_s=0.5, questions=True),
            *in_the_browser(browser, 100_000, frame_s=0.1, questions=False),
            *pages(browser, DEMO, opened_s=1.5, against_plotly=True),
            *pages(browser, MILLION, opened_s=3.0, people=N_PEOPLE),
        ]
        browser.close()
    return rows


def row(what: str, bound: float, found: float, unit: str, detail: str = "") -> dict:
    """A row of the table: how many times better than its bound."""
    return {
        "what": what,
        "against": f"{bound:g} {unit}",
        "ratio": bound / max(found, 1e-9),
        "at_least": 1.0,
        "detail": f"{found:.3g} {unit}{detail}",
    }


# -- in the browser alone --------------------------------------------------------------------------


def in_the_browser(browser: Any, n: int, *, frame_s: float, questions: bool) -> list[dict]:
    """A frame of all n points; and a filter, a lasso and a hover."""
    from tests.browser import board_page

    page = browser.new_page(viewport={"width": 1360, "height": 900})
    page.set_default_timeout(WAIT_MS)
    shown = board_page.BoardPage(page, [board_page.points(n, N_CLASSES)])
    shown.show()
    rows = []
    for zoom in (1, 4, 16):
        frames = shown.ask(
            """(() => Array.from({ length: 7 }, (_, number) => {
              const started = performance.now();
              map.camera.zoom = at;
              map.camera.drag(map.cell, number % 2 ? -20 : 20, 5);
              board.drawMap(map, board.drawing, board.size.ratio, map.items.n);
              board.drawAbove();
              board.drawing.finish();
              return performance.now() - started;
            }))()""",
            zoom,
        )
        median = statistics.median(frames) / 1000
        rows.append(row(f"pan at zoom {zoom}, a frame of {n:,} points", frame_s, median, "s"))
    shown.ask("board.reset()")
    shown.rest()
    if questions:
        rows += [filtered(shown, n), lassoed(shown, n), hovered(shown, n)]
    page.close()
    return rows


def filtered(shown: Any, n: int) -> dict:
    requests: list[str] = []
    shown.page.on("request", lambda request: requests.append(request.url))
    took = shown.page.evaluate(
        """async (board) => {
          const started = performance.now();
          await board.toggleFilter("classes", "class 3");
          board.drawFrame();
          board.drawing.finish();
          return performance.now() - started;
        }""",
        shown.page.evaluate_handle("document.querySelector('.map-root').board"),
    )
    assert requests == [], requests
    shown.rest()
    shown.ask("board.toggleFilter('classes', 'class 3')")
    shown.rest()
    return row(f"filter by class, {n:,} points, no request", 0.5, took / 1000, "s")


def lassoed(shown: Any, n: int) -> dict:
    took, found = shown.ask(
        """(() => {
          const { width, height } = map.cell;
          const xs = [];
          window.map.eachPoint(map, map.camera.view(map.cell), (row, x) => xs.push(x));
          const right = xs.sort((one, other) => one - other)[Math.floor(0.3 * xs.length)];
          const started = performance.now();
          board.select(map, [[0, 0], [right, 0], [right, height], [0, height]], false);
          return [performance.now() - started, map.items.nMarked];
        })()"""
    )
    assert found > 0.25 * n, found
    return row(f"lasso of {found:,} of {n:,} points to its counts", 1.0, took / 1000, "s")


def hovered(shown: Any, n: int) -> dict:
    took = shown.ask(
        """(() => {
          const [x, y] = window.map.placeOf(map, map.camera.view(map.cell), 5);
          const started = performance.now();
          board.hover(map, x, y);
          if (board.controls.card.hidden) throw new Error("no card");
          return performance.now() - started;
        })()"""
    )
    return row(f"hover to card, {n:,} points", 150, took, "ms")


# -- the page, with its server ---------------------------------------------------------------------


def pages(
    browser: Any,
    n_clips: int,
    *,
    opened_s: float,
    against_plotly: bool = False,
    people: int = 0,
) -> list[dict]:
    """The page opened warm; the same by Plotly; the server's memory for several people."""
    from tests.browser.conftest import serve

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        build(root, n_clips)
        with serve(root, Path(folder) / "log.txt") as server:
            context = browser.new_context(viewport={"width": 1360, "height": 1000})
            page = context.new_page()
            page.set_default_timeout(WAIT_MS)
            sent: list[int] = []
            page.on("response", lambda answer: sent.append(_length(answer)))
            rows = []
            for what, view in (("one map", "?show=translation"), ("two maps", "")):
                first, *times = [opened(page, server.url, view) for _ in range(1 + N_VISITS)]
                detail = (
                    f" of {N_VISITS}; the first visit {first:.2f} s, "
                    f"{sum(sent) / 1e6:.1f} MB of points sent so far"
                )
                name = f"Map page, {what} of {2 * n_clips:,} points, warm"
                rows.append(row(name, opened_s, statistics.median(times), "s", detail))
            if against_plotly:
                rows.append(beside_plotly(browser, page, server.url))
            if people:
                rows.append(memory(browser, server, people))
            context.close()
    return rows


def _length(answer: Any) -> int:
    """The bytes of a file of points."""
    if not answer.url.endswith(".bin"):
        return 0
    return int(answer.headers.get("content-length", 0))


def opened(page: Any, url: str, view: str = "") -> float:
    """Seconds from the navigation to the Map page until its maps are painted."""
    page.goto(f"{url}/map{view}")
    return float(page.wait_for_function(PAINTED).json_value()) / 1000


def beside_plotly(browser: Any, page: Any, url: str) -> dict:
    """From another page to the Map page: in WebGL, and by Plotly in the same run."""
    context = browser.new_context(viewport={"width": 1360, "height": 1000})
    context.add_init_script(NO_WEBGL_2)
    other = context.new_page()
    other.set_default_timeout(WAIT_MS)
    other.goto(f"{url}/map")
    other.wait_for_function(PLOTLY_PAINTED)
    found = {"webgl": [], "plotly": []}  # type: ignore[var-annotated]
    for _ in range(N_VISITS):
        found["webgl"].append(turned(page, PAINTED))
        found["plotly"].append(turned(other, PLOTLY_PAINTED))
    context.close()
    webgl, plotly = (statistics.median(found[name]) for name in ("webgl", "plotly"))
    return {
        "what": "Map page from another page, painted, the demo's number of points",
        "against": "Plotly in the same run",
        "ratio": plotly / webgl,
        "at_least": 2.0,
        "detail": f"{webgl:.2f} s, Plotly {plotly:.2f} s",
    }


def turned(page: Any, painted: str) -> float:
    """Seconds from a click on the Map page's link, on another page, until it is painted."""
    page.get_by_role("link", name="Compare", exact=True).click()
    page.wait_for_function(f"() => location.pathname.endsWith('compare') && {SCRIPT_DONE}")
    started = time.perf_counter()
    page.get_by_role("link", name="Map", exact=True).click()
    page.wait_for_function(f"() => location.pathname.endsWith('map') && ({painted})()")
    return time.perf_counter() - started


def memory(browser: Any, server: Any, people: int) -> dict:
    """By how many MB a person the server grows."""
    before = resident_mb(server.pid)
    contexts = []
    for _ in range(people):
        contexts.append(browser.new_context(viewport={"width": 700, "height": 800}))
        page = contexts[-1].new_page()
        page.set_default_timeout(WAIT_MS)
        opened(page, server.url)
    grown = max(0.0, resident_mb(server.pid) - before) / people
    for context in contexts:
        context.close()
    return row(f"server memory a person, {people} people on the map", 200, grown, "MB")


def resident_mb(pid: int) -> float:
    """The memory of a process, as Linux states it."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def build(root: Path, n_clips: int) -> str:
    """A study of two items a clip with the maps that the page opens with. Returns its digest."""
    rng = np.random.default_rng(0)
    classes = [f"instrument {number:02d}" for number in range(N_CLASSES)]
    of_clip = rng.integers(N_CLASSES, size=n_clips)
    frame = items.table(
        items.Item(f"{modality}-{clip:07d}", f"clip-{clip:07d}", modality, (classes[row],))
        for modality in ("audio", "image")
        for clip, row in enumerate(of_clip)
    )
    subsets = rng.choice(items.SUBSETS, size=n_clips)
    clips = [f"clip-{clip:07d}" for clip in range(n_clips)]
    store = Store(root)
    config = Config(dataset="demo", **workspace.ENCODERS)
    record = Record(store, config)
    draft = store.begin("ingest", {"benchmark": "map"})
    draft.write_table("items.parquet", frame)
    draft.write_table("splits.parquet", items.split_table([dict(zip(clips, subsets, strict=True))]))
    card: dict[str, object] = {
        "name": "generated",
        "title": "Generated points",
        "licence": "CC0",
    }
    card |= {"classes": classes, "paired_classes": classes, "paired_by": "clip", "root": "media"}
    draft.write_json("dataset.json", card)
    record.note("ingest", draft.commit())
    centres = rng.normal(size=(N_CLASSES, 2)) * 6
    parts = []
    for space in ("translation", "pca"):
        places = centres[np.tile(of_clip, 2)] + rng.normal(size=(2 * n_clips, 2))
        part = pd.DataFrame(
            {
                "item_id": frame["item_id"],
                "modality": frame["modality"],
                "space": space,
                "method": "umap",
                "n_dims": 2,
                "x": places[:, 0].astype(np.float32),
                "y": places[:, 1].astype(np.float32),
                "z": np.float32("nan"),
                "placed": False,
            }
        )
        parts.append(part)
    draft = store.begin("maps", {"benchmark": "map"})
    draft.write_table("maps.parquet", pd.concat(parts, ignore_index=True))
    record.note(f"maps:{workspace.ENCODER_SET}", draft.commit())
    record.finish()
    return record.digest


if __name__ == "__main__":
    print(run())
