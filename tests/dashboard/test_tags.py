"""The page Tags: typed words, good, empty and hostile; wordings; a class made of words alone."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.retrieval import tags
from dashboard import data, state
from dashboard.views.tags import scored_tags
from dashboard.views.tags.scored_tags import Gallery
from tests.dashboard import tagged, tiny_items, workspace
from tests.dashboard.conftest import Open, text_of
from tests.dashboard.retrieve_page import html_of

HOSTILE = '<img src=x onerror=alert(1)>\n"><script>x</script>\n🎻🎶\nשלום\n**bold** $x$ :smile:'


@pytest.fixture(scope="module")
def root(tagged_root: Path) -> Path:
    return tagged_root


def sound(page: AppTest) -> str:
    """What the page says, once it is certain that nothing failed."""
    assert not page.exception
    text = text_of(page)
    assert "could not be drawn" not in text
    assert "Traceback" not in text
    return text


def type_tags(page: AppTest, typed: str) -> AppTest:
    page.text_area[0].set_value(typed)
    return page.run(timeout=60)


def tables(page: AppTest) -> list:
    return [element.value for element in page.dataframe]


def test_without_typed_tags_the_classes_are_scored(open_page: Open, root: Path) -> None:
    page = open_page("tags", root)
    text = sound(page)
    assert "No tag is typed, so the 5 classes of the collection are scored." in text
    assert "jee-notice" not in text
    assert "knows no other words" in text  # it is lsa
    assert "cello <b>" not in text
    assert list(tables(page)[0]["tag"]) == tiny_items.CLASSES


def test_typed_words_are_scored_and_kept_in_the_address(open_page: Open, root: Path) -> None:
    page = type_tags(open_page("tags", root), "Banjo\n\n  someone   plays \nBanjo\nzither")
    text = sound(page)
    assert page.query_params["tag"] == ["Banjo", "someone plays", "zither"]
    assert "70 sounds × 3 tags" in text
    assert "It knows no word of “zither”, which cannot be scored." in text
    table = tables(page)[0]
    assert list(table["tag"]) == ["Banjo", "someone plays", "zither"]
    assert table["is the class"].tolist() == ["banjo", "", ""]
    assert table["ROC-AUC"].tolist() == ["1.000", "", ""]
    assert "have the label" in text
    handle = data.open_study(str(root))
    frame = data.items(handle)
    shown = [str(button.key) for button in page.button if str(button.key).startswith("open_tagged")]
    assert len(shown) == 4  # the best 5 % of 70
    best = text.split('class="jee-label" title="')[1:5]
    assert all(frame.loc[part.split('"')[0], "class"] == "banjo" for part in best)


def test_live_areas_are_the_stored_ones(open_page: Open, root: Path) -> None:
    page = open_page("tags", root, tag="banjo")
    table = tables(page)[0]
    handle = data.open_study(str(root))
    rows = data.measurements(
        handle, tagged.PAIR, study="zero_shot", target="audio", class_="banjo", split=0,
        system="{tag}", space="translation",
    )  # fmt: skip
    for metric, column in (("roc_auc", "ROC-AUC"), ("pr_auc", "PR-AUC")):
        stored = rows[rows["metric"] == metric]["value"].item()
        assert table[column].iloc[0] == f"{stored:.3f}"


def test_the_effect_of_wording_is_shown(open_page: Open, root: Path) -> None:
    page = open_page("tags", root)
    text = sound(page)
    assert "Accuracy moves from" in text
    wordings = tables(page)[1]
    assert list(wordings["wording"]) == [*tagged.PROMPTS, "chance"]
    assert "±" in wordings["accuracy"].iloc[0]
    assert "Seth 2022" in text
    assert "0.394" in text


def test_a_frozen_and_a_fine_tuned_text_encoder_stand_side_by_side(
    open_page: Open, root: Path, tmp_path: Path
) -> None:
    tagged.build(tmp_path, generation=True, tuned=True)
    page = open_page("tags", tmp_path, tagged_in="generation_tuned")
    sound(page)
    (side,) = (table for table in tables(page) if "fine-tuned" in table)
    assert list(side.columns) == ["wording", "measure", "frozen", "fine-tuned", "chance"]
    assert set(side["wording"]) == set(tagged.PROMPTS)
    assert (side["frozen"] != side["fine-tuned"]).any()
    one = sound(open_page("tags", root))
    assert "frozen and fine-tuned" not in one


def test_an_own_wording_needs_a_place_for_the_tag(open_page: Open, root: Path) -> None:
    page = open_page("tags", root, wording="someone plays the {tag} loudly", tag="banjo")
    assert page.text_input[0].value == "someone plays the {tag} loudly"
    assert "1 tag" in sound(page)
    page.text_input[0].set_value("no place").run(timeout=60)
    text = sound(page)
    assert "The wording “no place” has no {tag}: add it where the tag belongs." in text
    assert "Accuracy moves from" in text  # stored numbers are shown anyway


def test_pictures_are_scored_too(open_page: Open, root: Path) -> None:
    text = sound(open_page("tags", root, tag=["banjo"], tag_target="image"))
    assert "56 pictures × 1 tag" in text


def test_hostile_words_come_out_letter_by_letter(open_page: Open, root: Path) -> None:
    page = type_tags(open_page("tags", root), HOSTILE + "\n<b>banjo</b>")
    sound(page)
    html = html_of(page)
    assert "<img src=x" not in html
    assert "<script>" not in html
    assert "<b>banjo</b>" not in html
    assert tables(page)[0]["tag"].iloc[0] == "<img src=x onerror=alert(1)>"
    for element in page.subheader:
        assert "<b>" not in element.value.replace("\\<b\\>", "")
    for figure in page.get("plotly_chart"):
        spec = figure.proto.spec
        assert "<script>" not in spec
        assert "<img src" not in spec


def test_too_many_tags_are_one_sentence_and_the_stored_numbers_stay(
    open_page: Open, root: Path
) -> None:
    page = type_tags(open_page("tags", root), "\n".join(f"tag {n}" for n in range(10_000)))
    text = sound(page)
    assert (
        "There are 10,000 tags, one per line: expected 1,000 at most, so type fewer lines." in text
    )
    assert "Accuracy moves from" in text
    assert "tag" not in page.query_params


def test_a_thousand_tags_stay_in_the_session(open_page: Open, root: Path) -> None:
    typed = "\n".join([f"banjo {n}" for n in range(1_000)])
    page = type_tags(open_page("tags", root), typed)
    text = sound(page)
    assert "70 sounds × 1,000 tags" in text
    assert "This list is too long for the address" in text
    assert "The 40 tags of 1,000 that differ most between classes are drawn." in text
    assert "tag" not in page.query_params
    assert page.text_area[0].value == typed
    page = type_tags(page, "banjo")
    assert page.query_params["tag"] in ("banjo", ["banjo"])
    assert "70 sounds × 1 tag," in sound(page)


def test_a_line_of_100_000_characters_is_left_out(open_page: Open, root: Path) -> None:
    page = type_tags(open_page("tags", root), "banjo\n" + "x" * 100_000)
    assert "1 line is left out, of up to 100,000 characters" in sound(page)


def test_a_row_of_the_table_opens_its_tag(open_page: Open, root: Path) -> None:
    page = open_page("tags", root, tag=["banjo", "accordion"], open_tag="accordion")
    text = sound(page)
    assert "Open: “accordion”" in text
    assert any("accordion" in element.value for element in page.subheader)


def test_a_new_class_takes_exactly_the_items_nearest_to_its_words(
    open_page: Open, root: Path
) -> None:
    handle = data.open_study(str(root))
    page = open_page("tags", root, tag=["someone plays banjo", "take 3"], new="someone plays banjo")
    text = sound(page)
    gallery = Gallery(handle, tagged.PAIR, "translation", "audio", 0)
    retriever = data.retriever(handle, tagged.PAIR)
    held_out = gallery.held_out
    words = [*tags.texts(tiny_items.CLASSES), "someone plays banjo"]
    scored = gallery.vectors.array[held_out] @ tags.embed(retriever, words, "translation").vectors.T
    items = gallery.items[held_out]
    single = (items["class"] != "").to_numpy()
    moved = int((scored.argmax(axis=1)[single] == len(tiny_items.CLASSES)).sum())
    assert f"“someone plays banjo” took {moved:,}" in text
    assert moved > 0
    cell = state.cell("banjo", "someone plays banjo")
    page = open_page(
        "tags", root, tag=["someone plays banjo"], new="someone plays banjo", tag_cell=cell
    )
    mine = items["class"][single].to_numpy() == "banjo"
    n = int((scored.argmax(axis=1)[single][mine] == len(tiny_items.CLASSES)).sum())
    items = "1 item" if n == 1 else f"{n:,} items"
    assert f"banjo taken for someone plays banjo: {items}" in sound(page)
    cards = [
        one
        for one in page.get("html")
        if "cosine" in one.proto.body and "jee-label" in one.proto.body
    ]
    assert len(cards) == min(n, 24)


def test_a_new_class_joins_a_trained_system(open_page: Open, root: Path) -> None:
    page = open_page(
        "tags", root, tag="someone plays banjo", new="someone plays banjo", tag_system="MMT"
    )
    text = sound(page)
    assert "MMT: all modalities, translated; the first seed&#x27;s forest." in text
    assert "“someone plays banjo” took" in text
    before = open_page("tags", root, tag="someone plays banjo", tag_system="MMT")
    assert "took" not in sound(before)


def test_the_stored_confusion_counts_what_is_stored(open_page: Open, root: Path) -> None:
    handle = data.open_study(str(root))
    stored = data.tagged(handle, tagged.PAIR, 0)
    mine = stored[
        (stored["target"] == "audio") & (stored["system"] == "{tag}") & (stored["truth"] != "")
    ]
    text = sound(open_page("tags", root))
    assert f"{len(mine):,} held-out sounds with one class, split 1" in text
    right = float((mine["truth"] == mine["predicted"]).mean())
    assert f"{right:.0%} right" in text


def test_without_words_the_page_names_the_command(open_page: Open, tiny: Path) -> None:
    text = sound(open_page("tags", tiny))
    assert "has no text encoder, so nothing can be tagged" in text
    assert "--text minilm" in text


def test_ready_texts_cannot_be_typed(open_page: Open, tmp_path: Path) -> None:
    encoders = {"audio": ("logmel",), "text": ("ready_text",)}
    workspace.build(tmp_path, n_splits=1, encoders=encoders)
    assert "came as ready vectors" in sound(open_page("tags", tmp_path))


@pytest.mark.parametrize("where", ["empty", "begun"])
def test_nothing_computed_names_the_command(
    where: str, open_page: Open, begun: Path, tmp_path: Path
) -> None:
    page = open_page("tags", begun if where == "begun" else tmp_path)
    assert "jee-notice" in sound(page)


def test_a_garbage_address(open_page: Open, root: Path) -> None:
    page = open_page(
        "tags", root, tag=["<b>", "x" * 5_000, "banjo"], tag_space="moon", tag_target="text",
        wording="<script>{tag}", new=["zither", "<b>"], tag_cell="a~~b", tag_system="SMI",
        keep="900", open_tag="<img>",
    )  # fmt: skip
    text = sound(page)
    assert "<script>" not in html_of(page)
    assert 'data-testid="provenance"' in text


def test_typed_tags_stay_in_their_session(open_page: Open, root: Path) -> None:
    mine = type_tags(open_page("tags", root), "my own banjo")
    assert "my own banjo" in "\n".join(mine.text_area[0].value.splitlines())
    theirs = open_page("tags", root)
    assert theirs.text_area[0].value == ""
    assert "my own banjo" not in text_of(theirs)
    assert scored_tags.KEPT in mine.session_state
