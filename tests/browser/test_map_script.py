"""The map's script in a real Chromium, without Streamlit: every part of it, and every gesture."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from core.figures import map_files
from tests.browser import board_page
from tests.browser.board_page import BoardPage

pytestmark = pytest.mark.browser

N = 3_000
INK = """(() => {
  // The share of drawn pixels, and of drawn pixels whose colour is that of a class.
  const { gl } = board.drawing;
  const [width, height] = [board.canvas.width, board.canvas.height];
  const pixels = new Uint8Array(width * height * 4);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  const [red, green, blue] = window.map.rgb(at);
  let drawn = 0, own = 0;
  for (let place = 0; place < pixels.length; place += 4) {
    if (!pixels[place + 3]) continue;
    drawn += 1;
    const alpha = pixels[place + 3] / 255;
    const gaps = [red, green, blue].map(
      (one, part) => Math.abs(pixels[place + part] / alpha - one));
    own += Math.max(...gaps) < 12 ? 1 : 0;
  }
  return { drawn, own };
})()"""


@pytest.fixture(scope="module")
def shown(browser: Any) -> Iterator[BoardPage]:
    """Two maps of the same points, the second in another order of places."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    first, second = board_page.points(N), board_page.points(N)
    second.xyz[:] = first.xyz[:, ::-1]
    one = BoardPage(page, [first, second])
    one.show()
    yield one
    page.close()
    assert failed == []


@pytest.fixture(autouse=True)
def _as_at_first(shown: BoardPage) -> None:
    """Every test begins with the whole maps, without filters and without a selection."""
    shown.page.mouse.move(0, 0)
    shown.ask("(board.filters = { classes: [], modalities: [], subsets: [] }, board.reset())")
    shown.ask("(board.clearSelection(), board.tied = false, board.setMode('move'))")
    shown.ask("board.setColour('class')")
    shown.page.evaluate("window.sent.length = 0")
    shown.rest()


def place(shown: BoardPage, row: int, number: int = 0) -> tuple[float, float]:
    """Where a row is drawn on the screen."""
    x, y = shown.ask(
        """(() => {
          const one = board.maps[at[1]];
          const [x, y] = window.map.placeOf(one, one.camera.view(one.cell), at[0]);
          const box = board.overlay.getBoundingClientRect();
          return [box.left + one.cell.left + x, box.top + one.cell.top + y];
        })()""",
        [row, number],
    )
    return x, y


def test_packed_masks_are_those_of_python(shown: BoardPage) -> None:
    rows = np.array([0, 1, 9, 15, 16, N - 1])
    text = base64.b64encode(map_files.bits_of_rows(rows, N)).decode()
    assert shown.ask(f"[...window.map.unpackBits(at, {N}).keys()].length", text) == N
    found = shown.ask(
        f"[...window.map.unpackBits(at, {N})].flatMap((one, row) => one ? [row] : [])", text
    )
    assert found == rows.tolist()
    packed = shown.ask(f"window.map.packBits(window.map.unpackBits(at, {N}))", text)
    assert packed == text


def test_the_camera_finds_a_place_again(shown: BoardPage) -> None:
    there, back = shown.ask(
        """(() => {
          map.camera.zoomAt(map.cell, 100, 300, 3);
          const view = map.camera.view(map.cell);
          const there = window.map.project(view, 0.25, 0.5, 0, [0, 0, 0]);
          return [there, window.map.unproject(view, there[0], there[1])];
        })()"""
    )
    assert back == pytest.approx([0.25, 0.5], abs=1e-6)
    assert there[2] == 0


def test_zooming_keeps_the_place_under_the_pointer(shown: BoardPage) -> None:
    before = place(shown, 7)
    shown.page.mouse.move(*before)
    shown.page.mouse.wheel(0, -300)
    shown.page.wait_for_function(f"() => {board_page.BOARD}.maps[0].camera.zoom > 1.5")
    shown.rest()
    assert place(shown, 7) == pytest.approx(before, abs=1.5)
    assert shown.ask("board.maps[1].camera.zoom") == 1


def test_dragging_moves_the_map_by_as_much(shown: BoardPage) -> None:
    x, y = place(shown, 7)
    page = shown.page
    page.mouse.move(300, 300)
    page.mouse.down()
    page.mouse.move(340, 280)
    page.mouse.move(360, 270)
    page.mouse.up()
    shown.rest()
    assert place(shown, 7) == pytest.approx((x + 60, y - 30), abs=1.5)
    assert not shown.sent


def test_tied_maps_zoom_together(shown: BoardPage) -> None:
    shown.page.get_by_role("button", name="Same zoom").click()
    shown.page.mouse.move(300, 300)
    shown.page.mouse.wheel(0, -200)
    shown.page.wait_for_function(f"() => {board_page.BOARD}.maps[1].camera.zoom > 1.3")
    shown.rest()
    zooms = shown.ask("board.maps.map((one) => one.camera.zoom)")
    assert zooms[0] == zooms[1]


def test_a_point_is_ringed_in_both_maps_and_opened_by_a_click(shown: BoardPage) -> None:
    x, y = place(shown, 11)
    shown.page.mouse.move(x, y)
    shown.page.wait_for_function(f"() => {board_page.BOARD}.hovered")
    row = shown.ask("board.hovered.row")
    assert place(shown, row) == pytest.approx((x, y), abs=3)
    ink = """(() => {
      const [x, y] = at;
      const ratio = board.size.ratio;
      const box = board.overlay.getBoundingClientRect();
      const data = board.overlay.getContext("2d").getImageData(
        (x - box.left + 8) * ratio - 2, (y - box.top) * ratio - 2, 4, 4).data;
      return data.some((one, place) => place % 4 === 3 && one > 100);
    })()"""
    for number in (0, 1):
        assert shown.ask(ink, place(shown, row, number))
    assert "class" in shown.page.locator(".card").inner_text()
    shown.page.mouse.click(x, y)
    assert shown.sent == [["opened", {"set": 0, "row": row}]]


def test_a_class_filter_hides_the_others_without_a_request(shown: BoardPage) -> None:
    requests: list[str] = []
    shown.page.on("request", lambda request: requests.append(request.url))
    colour = shown.data["sets"][0]["classes"][2]["colour"]
    before = shown.ask(INK, colour)
    shown.page.get_by_role("button", name="class 1").click()
    shown.rest()
    after = shown.ask(INK, colour)
    wanted = shown.ask("board.maps[0].items.klass.filter((code) => code === 2).length")
    assert shown.ask("board.maps[0].items.nVisible") == wanted
    assert after["own"] > 0.3 * after["drawn"] > 0  # the others are rims, edges and overlaps
    assert before["own"] < 0.15 * before["drawn"]
    assert f"{wanted:,} of {N:,} points drawn" in shown.page.inner_text(".map-root")
    assert requests == []
    assert "class=class+1" in shown.page.url
    assert not shown.sent


def test_colours_follow_the_choice(shown: BoardPage) -> None:
    colour = shown.data["sets"][0]["modalities"][0]["colour"]
    before = shown.ask(INK, colour)
    shown.page.get_by_label("Colour by").select_option("modality")
    shown.rest()
    assert shown.ask(INK, colour)["own"] > 5 * before["own"] + 500


def test_a_column_that_is_absent_is_asked_for(shown: BoardPage) -> None:
    items = shown.data["sets"][0]
    items["columns"] = [{"name": "facts:size", "label": "size"}]
    shown.show()
    shown.page.get_by_label("Colour by").select_option("facts:size")
    assert shown.sent == [["column", {"name": "facts:size"}]]
    codes = (np.arange(N) % 2).astype("u1")
    column = {"file": shown.address(map_files.pack(codes)), "wide": False}
    column["values"] = [
        {"name": "small", "colour": "#112233"},
        {"name": "large", "colour": "#AA3344"},
    ]
    items["columns"] = [{**items["columns"][0], **column}]
    shown.show()
    found = shown.ask(INK, "#AA3344")
    assert found["own"] > 0.1 * found["drawn"]
    assert "large" in shown.page.locator(".legend").inner_text()


@pytest.mark.parametrize("mode", ["Lasso", "Box"])
def test_a_drawn_shape_selects_what_is_inside(mode: str, shown: BoardPage) -> None:
    page = shown.page
    page.get_by_role("button", name=mode, exact=True).click()
    box = shown.ask("(({ left, top }) => ({ left, top }))(board.overlay.getBoundingClientRect())")
    left, top = box["left"] + 120, box["top"] + 100
    corners = [(left, top), (left + 240, top), (left + 240, top + 250), (left, top + 250)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:] if mode == "Lasso" else corners[2:3]:
        page.mouse.move(*corner, steps=4)
    page.mouse.up()
    shown.rest()
    places = shown.ask(
        """(() => {
          const found = [];
          const view = map.camera.view(map.cell);
          window.map.eachPoint(map, view, (row, x, y) => found.push([row, x, y]));
          return found;
        })()"""
    )
    inside = [row for row, x, y in places if 121 < x < 359 and 101 < y < 349]
    edge = [row for row, x, y in places if 119 <= x <= 361 and 99 <= y <= 351]
    ((name, sent),) = shown.sent
    rows = map_files.rows_of_bits(base64.b64decode(sent["bits"]), N)
    assert name == "selected"
    assert set(inside) <= set(rows.tolist()) <= set(edge)
    assert len(inside) > 50
    assert f"{len(rows):,} of {N:,} items selected" in page.locator(".summary").inner_text()
    numbers = shown.ask("[...window.map.countParts(map.items, map.items.marked).classes]")
    assert sum(numbers) == len(rows)
    page.keyboard.press("Escape")
    page.locator("canvas.overlay").press("Escape")
    assert page.locator(".summary table").count() == 0


def test_the_keyboard_walks_and_opens(shown: BoardPage) -> None:
    overlay = shown.page.locator("canvas.overlay")
    overlay.press("ArrowRight")
    first = shown.ask("board.hovered.row")
    x, _ = place(shown, first)
    overlay.press("ArrowRight")
    second = shown.ask("board.hovered.row")
    assert second != first
    assert place(shown, second)[0] > x
    overlay.press("Enter")
    assert shown.sent == [["opened", {"set": 0, "row": second}]]
    overlay.press("+")
    assert shown.ask("map.camera.zoom") == pytest.approx(1.4)
    shown.rest()


def test_names_do_not_overlap_and_come_with_zooming(shown: BoardPage) -> None:
    shown.ask("(map.camera.zoomAt(map.cell, 300, 250, 2), board.moved(map))")
    shown.rest()
    boxes = shown.ask("map.named.map(({ box }) => box)")
    assert boxes
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            apart = one["left"] > other["right"] or one["right"] < other["left"]
            assert apart or one["top"] > other["bottom"] or one["bottom"] < other["top"]


def test_density_shades_where_points_are(shown: BoardPage) -> None:
    shown.page.get_by_role("button", name="Density").click()
    shown.rest()
    total = shown.ask("map.shading.counts.reduce((one, other) => one + other, 0)")
    assert total == pytest.approx(N, rel=0.1)
    ground = "board.ground.getContext('2d').getImageData(0, 0, board.ground.width, 200).data"
    assert shown.ask(f"{ground}.some((one) => one > 0)")
    shown.page.get_by_role("button", name="Density").click()
    shown.rest()
    assert not shown.ask(f"{ground}.some((one) => one > 0)")


def test_pictures_are_exported_with_legend_and_provenance(shown: BoardPage) -> None:
    svg = shown.ask("window.map.toSvg(board)")
    assert svg.count("<circle") > N / 3
    assert "generated points" in svg
    assert "class 3" in svg
    for name in ("PNG", "SVG"):
        with shown.page.expect_download() as waiting:
            shown.page.get_by_role("button", name=name).click()
        assert waiting.value.suggested_filename == f"maps.{name.lower()}"


def test_three_dimensions_turn(browser: Any) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 800})
    one = BoardPage(page, [board_page.points(500, n_dims=3)])
    one.show()
    before = one.ask("map.camera.yaw")
    page.mouse.move(300, 300)
    page.mouse.down()
    page.mouse.move(380, 300, steps=3)
    page.mouse.up()
    one.rest()
    assert one.ask("map.camera.yaw") > before
    assert one.ask(INK, "#F09C17")["drawn"] > 500
    page.close()


def test_without_webgl_the_page_is_told(browser: Any) -> None:
    page = browser.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    one = BoardPage(page, [board_page.points(50)])
    page.evaluate(
        """(data) => window.map.default({ data, parentElement: document.getElementById("here"),
          setTriggerValue: (name, value) => window.sent.push([name, value]) })""",
        one.data,
    )
    assert one.sent == [["missing", "WebGL 2 is missing"]]
    page.close()
