"""The pages in a real Chromium: opening, clicking, searching, exporting, sharing an address."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from core import media
from core.figures import map_files
from core.retrieval.query_inputs import WeightedInput
from core.retrieval.retriever import Retriever
from core.study import Study
from dashboard.app import VIEWS
from tests.browser.conftest import PLACES, Server, Visitor, lonely_point

pytestmark = pytest.mark.browser

CELLS = """() => {
  // Every cell of the confusion matrix: its place on the screen, its name, its count.
  const graph = document.querySelector('.st-key-confusion_cell .js-plotly-plot');
  const { xaxis, yaxis } = graph._fullLayout;
  const box = graph.getBoundingClientRect();
  const trace = graph._fullData.find((one) => one.customdata);
  return Array.from(trace.x, (x, row) => ({
    x: box.left + xaxis._offset + xaxis.l2p(x),
    y: box.top + yaxis._offset + yaxis.l2p(trace.y[row]),
    name: String(trace.customdata[row]),
    count: Number(trace.text[row] || 0),
  }));
}"""
BUTTON = "button >> visible=true"  # Streamlit adds a hidden second one for narrow screens
IDS = "(nodes) => nodes.map((node) => node.title)"


@pytest.fixture(scope="module")
def sound_file(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with three seconds of violin, taken from the demo's sounds."""
    import numpy as np

    frame = study.items()
    mine = frame[(frame["modality"] == "audio") & (frame["class"] == "violin")].index[:3]
    parts = [media.read_audio(*study.media_of(item_id), rate_hz=22_050) for item_id in mine]
    samples = np.concatenate([part.samples[:22_050] for part in parts])
    file = tmp_path_factory.mktemp("sound") / "three violins.wav"
    file.write_bytes(media.wav_bytes(media.Audio(samples, 22_050)))
    return file


def ids(visitor: Visitor, key: str) -> list[str]:
    """The item ids of the cards of a grid, in order."""
    return list(visitor.page.locator(f"[class*='st-key-card_{key}_'] .jee-label").evaluate_all(IDS))


def upload(visitor: Visitor, *files: Path) -> None:
    visitor.page.locator("input[type=file]").set_input_files([str(file) for file in files])


# -- every page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VIEWS)
def test_a_page_opens(name: str, visitor: Visitor, server: Server) -> None:
    page = visitor.open(name)
    visitor.check()
    assert page.locator("h1").count() == 1
    assert page.locator(".jee-notice").count() == 0
    assert "Traceback" not in server.written
    visitor.keep(f"page_{name}")


@pytest.mark.parametrize("name", ["map", "retrieve"])
def test_a_page_opens_in_the_dark(name: str, visit: Callable[..., Visitor]) -> None:
    visitor = visit(color_scheme="dark")
    page = visitor.open(name)
    visitor.check()
    ground = page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    assert max(int(part) for part in re.findall(r"\d+", ground)[:3]) < 60
    visitor.keep(f"dark_{name}")


def test_the_bare_address_shows_the_overview(visitor: Visitor, study: Study) -> None:
    page = visitor.open("")
    assert page.locator("h1").inner_text() == study.dataset["title"]


# -- clicks --------------------------------------------------------------------------------------


def test_a_clicked_point_shows_its_player(visitor: Visitor, study: Study) -> None:
    page = visitor.open("map?modality=audio")
    point = lonely_point(page)
    page.mouse.click(point["x"], point["y"])
    visitor.until("(item) => new URL(location).searchParams.has('item')")
    item_id = rows_of(study)[int(point["row"])]
    assert parse_qs(urlsplit(page.url).query)["item"] == [item_id]
    card = page.locator("[class*='st-key-detail_']").first
    assert item_id in card.inner_text()
    player = card.locator("audio").first
    wait_for_player(visitor, player)
    visitor.check()
    visitor.keep("map_point_clicked")


def rows_of(study: Study) -> list[str]:
    """The item of each row of the maps' files."""
    ids = study.map(study.default_encoder_set, "pca", "umap", 2)["item_id"].to_numpy()
    return list(ids[map_files.shuffled(len(ids))])


def wait_for_player(visitor: Visitor, player: object) -> None:
    """Wait until a player has loaded its second of sound."""
    element = player.element_handle()  # type: ignore[attr-defined]
    visitor.page.wait_for_function(
        "(audio) => audio.readyState > 0 && Math.abs(audio.duration - 1) < 0.2", arg=element
    )


def test_a_confusion_cell_lists_as_many_items_as_it_counts(visitor: Visitor, study: Study) -> None:
    page = visitor.open("classify?target=image&system=MMT")
    chart = page.locator(".st-key-confusion_cell")
    chart.scroll_into_view_if_needed()
    cells = page.evaluate(CELLS)
    seen = [cell for cell in cells if cell["count"] > 0]
    stored = study.predictions(study.default_encoder_set)
    tested = stored[(stored["system"] == "MMT") & (stored["target"] == "image")]
    assert sum(cell["count"] for cell in seen) == len(tested)
    cell = max((one for one in seen if one["count"] <= 24), key=lambda one: one["count"])
    page.mouse.click(cell["x"], cell["y"])
    visitor.until("() => new URL(location).searchParams.has('cell')")
    assert parse_qs(urlsplit(page.url).query)["cell"] == [cell["name"]]
    truth, predicted = cell["name"].split("~")
    mine = tested[(tested["truth"] == truth) & (tested["predicted"] == predicted)]
    listed = ids(visitor, "cell")
    assert len(listed) == cell["count"]
    assert set(listed) == set(mine["item_id"])
    visitor.check()
    visitor.keep("confusion_cell_opened")


# -- retrieve ------------------------------------------------------------------------------------


def test_an_uploaded_sound_finds_pictures(visitor: Visitor, study: Study, sound_file: Path) -> None:
    page = visitor.open("retrieve")
    upload(visitor, sound_file)
    visitor.until("() => document.querySelector('[data-testid=milliseconds]')")
    retriever = Retriever(study)
    parts = [WeightedInput(thing) for thing in retriever.embed(sound_file, sound_file.name)]
    wanted = retriever.search(parts, "image", 10).results
    assert ids(visitor, "found") == list(wanted["item_id"])
    visitor.until(
        """() => [...document.querySelectorAll("[class*='st-key-card_found_'] img")]
             .filter((picture) => picture.complete && picture.naturalWidth > 0).length === 10"""
    )
    text = page.inner_text("[data-testid=stMain]")
    assert "three violins.wav" in text
    assert "Second by second" in text
    assert f"{wanted['score'].iloc[0]:.2f}, above" in text
    visitor.check()
    visitor.keep("retrieve_sound")


def test_a_bad_upload_gives_one_sentence_and_keeps_the_results(
    visitor: Visitor, sound_file: Path, tmp_path: Path
) -> None:
    page = visitor.open("retrieve")
    upload(visitor, sound_file)
    visitor.until("() => document.querySelector('[data-testid=milliseconds]')")
    before = ids(visitor, "found")
    bad = tmp_path / "<b>no 'sound'.wav"
    bad.write_text("just words\n")
    upload(visitor, bad)
    visitor.until("() => document.querySelector('.jee-notice')")
    assert page.locator(".jee-notice").count() == 1
    sentence = page.locator(".jee-notice").inner_text()
    assert "contains text, but sound, a picture or a video was expected" in sentence
    assert "'sound'.wav" in sentence
    assert page.locator(".jee-notice b").count() == 0
    assert ids(visitor, "found") == before
    visitor.check()
    visitor.keep("retrieve_bad_upload", whole=False)


def test_a_second_of_the_timeline_is_searched_alone(visitor: Visitor, sound_file: Path) -> None:
    page = visitor.open("retrieve")
    upload(visitor, sound_file)
    visitor.until("() => document.querySelector('[data-testid=milliseconds]')")
    bars = page.locator("[class*='st-key-timeline_'] .trace.bars").first.locator(".point path")
    assert bars.count() == 3
    bars.nth(1).scroll_into_view_if_needed()
    bars.nth(1).click(force=True)
    visitor.until("() => document.body.innerText.includes('only the second at 0:01')")
    page.get_by_role("button", name="Search with all seconds").click()
    visitor.until("() => document.body.innerText.includes('3 seconds, searched together')")
    visitor.check()


def test_an_uploads_list_is_exported(visitor: Visitor, study: Study, sound_file: Path) -> None:
    page = visitor.open("retrieve")
    upload(visitor, sound_file)
    visitor.until("() => document.querySelector('[data-testid=milliseconds]')")
    with page.expect_download() as waiting:
        page.locator(f".st-key-csv_retrieved {BUTTON}").click()
    head, rows = read_csv(Path(waiting.value.path()))
    assert head["study"] == study.digest
    assert head["query"].endswith("three violins.wav")
    assert [row["item_id"] for row in rows] == ids(visitor, "found")
    assert [row["rank"] for row in rows] == [str(rank) for rank in range(1, 11)]


def test_every_measurement_is_exported(visitor: Visitor, study: Study) -> None:
    page = visitor.open("overview")
    with page.expect_download() as waiting:
        page.locator(f"[class*='st-key-csv_measurements'] {BUTTON}").click()
    head, rows = read_csv(Path(waiting.value.path()))
    assert head["study"] == study.digest
    assert head["dataset"].startswith(study.dataset["title"])
    stored = study.measurements()
    assert len(rows) == len(stored)
    assert {row["metric"] for row in rows} == set(stored["metric"])
    values = [float(row["value"]) for row in rows if row["value"]]
    assert sum(values) == pytest.approx(float(stored["value"].sum()))


def read_csv(file: Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The provenance above a table, and its rows."""
    lines = file.read_text(encoding="utf-8").splitlines()
    n_head = next(row for row, line in enumerate(lines) if not line.startswith("# "))
    head = dict(line[2:].split(": ", 1) for line in lines[:n_head])
    return head, list(csv.DictReader(io.StringIO("\n".join(lines[n_head:]))))


# -- the address ---------------------------------------------------------------------------------


def test_the_address_gives_a_colleague_the_same_view(
    visit: Callable[..., Visitor], study: Study
) -> None:
    mine = visit()
    page = mine.open("map")
    page.get_by_test_id("stButtonGroup").get_by_text("t-SNE", exact=True).click()
    mine.until("() => new URL(location).searchParams.get('method') === 'tsne'")
    page.get_by_role("button", name="violin").click()
    mine.until("() => new URL(location).searchParams.get('class') === 'violin'")
    point = lonely_point(page)
    page.mouse.click(point["x"], point["y"])
    mine.until("() => new URL(location).searchParams.has('item')")
    theirs = visit()
    theirs.open(page.url)
    for what in (
        "[class*='st-key-detail_']",
        "[data-testid=provenance]",
    ):
        assert (
            theirs.page.locator(what).first.text_content()
            == page.locator(what).first.text_content()
        )
    drawn = [len(one.page.evaluate(PLACES, [0, ""])) for one in (mine, theirs)]
    assert drawn[0] == drawn[1] == int((study.items()["class"] == "violin").sum())
    assert urlsplit(theirs.page.url).query == urlsplit(page.url).query
    theirs.check()
    theirs.keep("address_reopened")


def test_find_its_neighbours_leads_to_retrieve(visitor: Visitor, study: Study) -> None:
    item_id = str(study.items().index[0])
    page = visitor.open(f"map?item={item_id}")
    page.get_by_text("Find its neighbours").click()
    visitor.until("() => document.querySelector('[data-testid=milliseconds]')")
    split = urlsplit(page.url)
    assert split.path == "/retrieve"
    assert parse_qs(split.query)["query"] == [item_id]
    assert len(ids(visitor, "found")) == 10
    visitor.check()
