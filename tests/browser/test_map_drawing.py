"""How the map draws in Chromium: dots of the processor, points in view, tiles of the atlas."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.figures import map_files
from tests.browser import board_page
from tests.browser.board_page import BoardPage

pytestmark = pytest.mark.browser


def test_dots_of_the_processor_are_where_those_of_webgl_are(browser: Any) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 800})
    one = BoardPage(page, [board_page.points(120_000)])
    one.show()
    found = one.ask(
        """(() => {
          const { gl } = board.drawing;
          const [width, height] = [board.canvas.width, board.canvas.height];
          const drawn = () => {
            board.drawMap(map, board.drawing, board.size.ratio, map.items.n);
            const pixels = new Uint8Array(width * height * 4);
            gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
            return pixels;
          };
          const software = board.drawing.raster;
          const ours = drawn();
          board.drawing.raster = null;
          const theirs = drawn();
          board.drawing.raster = software;
          let either = 0, both = 0, gap = 0;
          for (let at = 0; at < ours.length; at += 4) {
            const [a, b] = [ours[at + 3] > 0, theirs[at + 3] > 0];
            either += a || b;
            both += a && b;
            if (a && b) gap += Math.abs(ours[at] - theirs[at]);
          }
          return { software: Boolean(software), either, both, gap: gap / both };
        })()"""
    )
    assert found["software"], "this Chromium draws WebGL by a graphics card"
    assert found["both"] > 20_000
    assert found["both"] > 0.7 * found["either"]  # the others are edges of a pixel
    assert found["gap"] < 16  # of 255
    page.close()


def test_only_points_in_view_are_sent_to_the_shaders(browser: Any) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 800})
    one = BoardPage(page, [board_page.points(60_000)])
    one.show()
    one.ask("(map.camera.zoomAt(map.cell, 300, 250, 12), board.moved(map))")
    one.rest()
    found, wanted = one.ask(
        """(() => {
          const view = map.camera.view(map.cell);
          const { width, height } = map.cell;
          let wanted = 0;
          window.map.eachPoint(map, view, (row, x, y) => {
            if (x >= 0 && y >= 0 && x <= width && y <= height) wanted += 1;
          });
          return [board.drawing.findInView(map, view, map.cell, 0, map.items.n), wanted];
        })()"""
    )
    assert 0 < found == wanted < 20_000
    page.close()


def sheet_of(colours: list[tuple[int, int, int]]) -> bytes:
    """A sheet of two by two tiles of 64 pixels."""
    sheet = Image.new("RGB", (128, 128))
    for place, colour in enumerate(colours):
        left, top = place % 2 * 64, place // 2 * 64
        sheet.paste(colour, (left, top, left + 64, top + 64))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def test_tiles_of_the_atlas_take_the_place_of_points(browser: Any) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 800})
    spread = board_page.points(8)
    spread.xyz[:] = [[0, 0], [4, 3], [4, 0], [0, 3], [2, 2], [2, 2.01], [-3, -3], [7, 7]]
    one = BoardPage(page, [spread], preview="here")
    colours = [(220, 20, 30), (20, 200, 40), (30, 40, 220), (200, 180, 20)]
    one.files["sheet"] = (sheet_of(colours), "image/png")
    order = map_files.shuffled(8)
    tiles = np.array([1, 2, 3, 0, 4, 4, 0, 0])[order]  # 0 is an item without a tile
    one.data["sets"][0]["atlas"] = {
        "file": one.address(map_files.pack(tiles.astype("<u2"))),
        "side": 64,
        "across": 2,
        "tiles": 4,
    }
    page.evaluate(
        """() => {
          window.asked = [];
          document.addEventListener("jee-preview-wanted", ({ detail }) => {
            window.asked.push(detail);
            const answer = detail.sheets
              ? { sheets: detail.sheets.map((number) => ({ number, url: "/sheet" })) }
              : { tiles: detail.rows.map((row) => ({ row, words: "some words" })) };
            document.dispatchEvent(new CustomEvent("jee-preview",
              { detail: { key: detail.key, set: detail.set, ...answer } }));
          });
        }"""
    )
    one.show()
    assert page.evaluate("window.asked") == []  # the whole map has points only
    one.ask("board.zoomAll(2)")
    one.rest()
    page.wait_for_function(f"() => {board_page.BOARD}.maps[0].pictures.length === 5")
    asked = page.evaluate("window.asked")
    assert [one.get("sheets") for one in asked if "sheets" in one] == [[0]]
    row = int(np.flatnonzero(order == 3)[0])
    assert [one["rows"] for one in asked if "rows" in one] == [[row]]
    assert "5 as pictures" in page.inner_text(".titles")
    boxes = one.ask("map.pictures")
    for number, box in enumerate(boxes):
        for other in boxes[:number]:
            apart = box["left"] > other["right"] or box["right"] < other["left"]
            assert apart or box["top"] > other["bottom"] or box["bottom"] < other["top"]
    found = one.ask(
        """map.pictures.map(({ left, top, right, bottom }) => {
          const { ratio } = board.size;
          return [...board.overlay.getContext("2d").getImageData(
            ((left + right) / 2) * ratio, ((top + bottom) / 2) * ratio, 1, 1).data].slice(0, 3);
        })"""
    )
    for colour in colours:
        assert any(np.abs(np.subtract(colour, one)).max() < 4 for one in found), (colour, found)
    page.close()


def test_regions_without_classes_have_the_names_that_the_server_found(browser: Any) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 800})
    one = BoardPage(page, [board_page.points(300)])
    one.data["maps"][0]["regions"] = [
        {"name": "slow bells", "place": [0.3, 0.5], "spread": 0.1, "count": 200},
        {"name": "the same place", "place": [0.3, 0.5], "spread": 0.1, "count": 90},
        {"name": "loud drums", "place": [0.8, 0.2], "spread": 0.1, "count": 50},
    ]
    one.show()
    assert one.ask("map.named.map(({ name }) => name)") == ["slow bells", "loud drums"]
    x, y = one.ask(
        "(({ box }) => [(box.left + box.right) / 2, (box.top + box.bottom) / 2])(map.named[0])"
    )
    wanted = one.ask("window.map.project(map.camera.view(map.cell), 0.3, 0.5, 0, [0, 0, 0])")
    assert (x, y) == pytest.approx(wanted[:2], abs=2)
    page.close()
