"""A page with the map component alone, without Streamlit: for tests and benchmarks of its script.

Playwright answers the requests of the page itself, so that no server runs.
"""

from typing import Any

import numpy as np

from core.figures import map_files, theme
from core.figures.map_points import MapPoints
from dashboard.map_component import bundle, description

HOST = "http://map.test"
WAIT_MS = 120_000
PAGE = """<!doctype html><meta charset="utf-8"><style>body { margin: 20px } :root {
  --st-text-color: #1D232B; --st-background-color: #FBFBF9; --st-primary-color: #17697A }</style>
<div id="here"></div>"""
EXPORTED = (
    "Board, Camera, applyFilters, colourBy, countParts, eachPoint, findDensity, findRegions, "
    "inside, nearest, neighbour, onScale, packBits, placeOf, project, rgb, toSvg, unpackBits, "
    "unproject, withoutOverlap"
)
BOARD = "document.querySelector('.map-root').board"
AT_REST = "() => document.querySelector('.map-root')?.dataset.state === 'rest'"
MODALITIES, SUBSETS = ("audio", "image", "text"), ("train", "test")


def points(n: int, n_classes: int = 6, n_dims: int = 2, seed: int = 0) -> MapPoints:
    """Clusters of points, one a class; every modality and subset in each."""
    rng = np.random.default_rng(seed)
    of_class = rng.integers(n_classes, size=n)
    centres = rng.uniform(-10, 10, size=(n_classes, n_dims))
    return MapPoints(
        np.array([f"item-{row}" for row in range(n)], dtype=object),
        (centres[of_class] + rng.normal(size=(n, n_dims))).astype(np.float32),
        np.array(MODALITIES, dtype=object)[np.arange(n) % 3],
        of_class.astype(np.int16),
        np.array(SUBSETS, dtype=object)[rng.integers(2, size=n)],
    )


class BoardPage:
    """A browser page that shows maps of the same points, and what the maps have sent."""

    def __init__(self, page: Any, maps: list[MapPoints], **more: Any) -> None:
        self.page = page
        self.files: dict[str, tuple[bytes, str]] = {
            "": (f"{PAGE}<style>{bundle.style()}</style>".encode(), "text/html"),
            "board.js": (
                f"{bundle.script()}\nexport {{ {EXPORTED} }};".encode(),
                "text/javascript",
            ),
        }
        page.set_default_timeout(WAIT_MS)
        page.route(f"{HOST}/**", self.answer)
        self.data = self.describe(maps) | more
        page.goto(f"{HOST}/")
        page.evaluate(
            """async () => {
              window.map = await import("/board.js");
              window.sent = [];
            }"""
        )

    def answer(self, route: Any) -> None:
        name = route.request.url.removeprefix(f"{HOST}/")
        if name not in self.files:
            route.fulfill(status=404)
            return
        body, kind = self.files[name]
        route.fulfill(body=body, content_type=kind)

    def address(self, file: map_files.MapFile) -> dict[str, str]:
        self.files[file.digest] = (file.content, "application/octet-stream")
        return {"url": f"/{file.digest}", "digest": file.digest}

    def describe(self, maps: list[MapPoints]) -> dict[str, Any]:
        """The component's data, as `map_panel` makes it for a page."""
        first = maps[0]
        n_classes = int(first.class_row.max()) + 1
        items = {
            "file": self.address(map_files.items(first, MODALITIES, SUBSETS)),
            "n": len(first),
            "wide": map_files.is_wide(n_classes),
            "classes": [
                {"name": "no single class", "colour": theme.UNLABELLED},
                *(
                    {"name": f"class {row}", "colour": theme.class_colour(row)}
                    for row in range(n_classes)
                ),
            ],
            "modalities": [description.modality_of(name) for name in MODALITIES],
            "subsets": [
                {"name": name, "colour": theme.class_colour(row)}
                for row, name in enumerate(SUBSETS)
            ],
            "columns": [],
        }
        told = []
        for number, one in enumerate(maps):
            file, extent = map_files.places(one)
            told.append(
                {
                    "name": f"map {number}",
                    "title": f"Map {number}",
                    "file": self.address(file),
                    "extent": extent,
                    "n_dims": one.n_dims,
                    "set": 0,
                    "opened": [],
                    "lit": [],
                    "stars": [],
                }
            )
        return {
            "title": "Maps of generated points",
            "height": 500,
            "theme": {
                "paper": "#FBFBF9",
                "text": "#1D232B",
                "muted": "#5F6875",
                "accent": "#17697A",
            },
            "sets": [items],
            "maps": told,
            "pairs": None,
            "filters": {"classes": [], "modalities": [], "subsets": []},
            "parameters": {"classes": "class", "modalities": "modality", "subsets": "subset"},
            "look": {},
            "file": "maps",
            "provenance": "generated points",
            "preview": "",
            "marked": None,
        }

    def show(self) -> None:
        """Mount the component, or show it again with changed data, and wait until it rests."""
        self.page.evaluate(
            """(data) => window.map.default({ data, parentElement: document.getElementById("here"),
              setTriggerValue: (name, value) => window.sent.push([name, value]) })""",
            self.data,
        )
        self.rest()

    def rest(self) -> None:
        self.page.wait_for_function(AT_REST, timeout=WAIT_MS)

    def ask(self, script: str, argument: Any = None) -> Any:
        """The value of an expression in which `board`, `map` (the first one) and `at` are known."""
        return self.page.evaluate(
            f"(at) => {{ const board = {BOARD}; const map = board.maps[0]; return {script}; }}",
            argument,
        )

    @property
    def sent(self) -> list[list[Any]]:
        return list(self.page.evaluate("window.sent"))
