"""The page Lab without a browser: the recipe in the address, a run, a sweep, runs that are kept."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.lab import runs
from core.lab.recipe import Settings, settings_of
from core.lab.run import id_of, what_if
from core.store import Store
from core.study import Study, open_study
from dashboard import data
from dashboard.views.lab import form
from tests.dashboard.conftest import Open, text_of

SMALL = ["max_epochs=2", "points=0,12", "draws=2", "n_bootstrap=100"]


@pytest.fixture(scope="module")
def study(own_demo: Path) -> Study:
    return open_study(Store(own_demo))


@pytest.fixture(scope="module")
def small(study: Study) -> Settings:
    return settings_of(study).changed(dict(text.split("=") for text in SMALL))


@pytest.fixture(scope="module")
def made(study: Study, small: Settings) -> str:
    """A run of the small recipe; returns its id."""
    return str(list(what_if(study, small))[-1].facts["id"])


@pytest.fixture(scope="module", autouse=True)
def _queue() -> Iterator[None]:
    yield
    data.lab_queue().close()
    data.lab_queue.clear()


def texts(page: AppTest) -> str:
    assert not page.exception
    text = text_of(page)
    assert "could not be drawn" not in text
    return text


def followed(page: AppTest, until: str) -> str:
    """Draw the page until it says something."""
    end = time.monotonic() + 300
    while until not in (text := texts(page.run(timeout=120))):
        assert time.monotonic() < end, text[-2000:]
        time.sleep(0.3)
    return text


def test_every_control_has_help_and_the_value_of_the_study(open_page: Open, own_demo: Path) -> None:
    page = open_page("lab", own_demo)
    text = texts(page)
    assert "Study: info nce." in text
    assert "as the study" in text
    labels = [one.label for one in (*page.selectbox, *page.number_input, *page.multiselect)]
    for label in (
        "Space",
        "Loss",
        "Temperature",
        "Sampler",
        "Share of the pairs",
        "Unseen classes",
    ):
        assert label in labels
    assert "These are the numbers of the study" in text  # nothing was run
    assert "zero-shot F1, pictures" in text
    assert "chance 0.056" in text
    assert "this run" not in text


def test_a_choice_goes_into_the_address(open_page: Open, own_demo: Path) -> None:
    page = open_page("lab", own_demo)
    (loss,) = [one for one in page.selectbox if one.label == "Loss"]
    loss.select("siglip").run(timeout=120)
    assert page.query_params["set"] == "loss=siglip"
    (share,) = [one for one in page.number_input if one.label == "Share of the pairs"]
    share.set_value(0.1).run(timeout=120)
    assert sorted(page.query_params["set"]) == ["loss=siglip", "share=0.1"]
    assert "loss siglip, share 0.1" in texts(page)
    (temperature,) = [one for one in page.number_input if one.label == "Temperature"]
    assert temperature.value == 0.2


def test_a_link_opens_the_settings_and_the_result_of_a_run(
    open_page: Open, own_demo: Path, made: str
) -> None:
    text = texts(open_page("lab", own_demo, set=SMALL))
    assert "max epochs 2" in text
    assert f"Run {made[:8]}, made in" in text
    assert "zero-shot F1, pictures" in text
    assert "Differences" in text


def test_an_address_that_is_not_understood_is_one_sentence(open_page: Open, own_demo: Path) -> None:
    text = texts(open_page("lab", own_demo, set=["loss=hinge", "colour=red"]))
    assert "loss is &#x27;hinge&#x27;, expected margin" in text
    assert "no setting &#x27;colour&#x27;" in text


def test_impossible_settings_are_said_before_anything_starts(
    open_page: Open, own_demo: Path
) -> None:
    page = open_page("lab", own_demo, set=["share=0.001"])
    page.button(key="lab_run").click().run(timeout=120)
    assert "at least 10" in texts(page)
    assert "lab_job" not in page.session_state


def test_a_question_sets_its_recipe_and_runs_it(open_page: Open, own_demo: Path) -> None:
    page = open_page("lab", own_demo)
    (asked,) = [one for one in page.button if "tenth of the pairs were wrong" in one.label]
    asked.click().run(timeout=120)
    assert page.query_params["set"] == "mismatched=0.1"
    assert "lab_job" in page.session_state
    page.button(key="lab_cancel").click().run(timeout=120)
    assert "mismatched 0.1" in texts(page)


def test_another_space_has_no_controls_of_a_training(open_page: Open, own_demo: Path) -> None:
    page = open_page("lab", own_demo, set=["loss=siglip", "unseen=banjo"])
    (space,) = [one for one in page.selectbox if one.label == "Space"]
    space.select("cca").run(timeout=120)
    assert sorted(page.query_params["set"]) == ["space=cca", "unseen=banjo"]
    labels = [one.label for one in (*page.selectbox, *page.number_input)]
    assert "Loss" not in labels
    assert "Classifier" in labels


def test_a_run_shows_its_numbers_and_equals_the_command_line(
    open_page: Open, own_demo: Path, study: Study, small: Settings
) -> None:
    page = open_page("lab", own_demo, set=[*SMALL, "margin=0.5"])
    page.button(key="lab_run").click().run(timeout=120)
    text = followed(page, "made in")
    assert "precision@10, sound to picture" in text
    assert "chance 0." in text
    assert "F1 over the items and draws that both share" in text
    settings = small.changed({"margin": 0.5})
    kept = runs.find(study.store, id_of(study, settings))
    assert kept is not None
    again = list(what_if(study, settings))
    assert again[-1].facts["numbers"] == kept.numbers
    runs.delete(study.store, kept.id)
    direct = list(what_if(study, settings))
    assert direct[-1].facts["numbers"] == kept.numbers


def test_a_cancelled_run_leaves_nothing(open_page: Open, own_demo: Path, study: Study) -> None:
    page = open_page("lab", own_demo, set=["max_epochs=90000", "patience=90000"])
    page.button(key="lab_run").click().run(timeout=120)
    page.button(key="lab_cancel").click().run(timeout=120)
    assert "was cancelled" in followed(page, "was cancelled")
    settings = settings_of(study).changed({"max_epochs": 90000, "patience": 90000})
    assert runs.find(study.store, id_of(study, settings)) is None


def test_a_sweep_is_a_curve(open_page: Open, own_demo: Path) -> None:
    page = open_page("lab", own_demo, set=SMALL, sweep="share=0.5,1")
    page.button(key="lab_run_sweep").click().run(timeout=120)
    text = followed(page, "Bars are the 95 % interval")
    assert "Sweep over share" in [one.value for one in page.subheader], text[-500:]


@pytest.mark.parametrize("name", ["map", "classify", "centroids", "compare"])
def test_a_run_opens_on_other_pages_like_a_study(
    name: str, open_page: Open, own_demo: Path, made: str
) -> None:
    page = open_page(name, own_demo, study=made)
    text = texts(page)
    assert "jee-notice" not in text
    assert made in text  # in the provenance


def test_a_run_of_this_moment_opens_at_once(
    open_page: Open, own_demo: Path, study: Study, small: Settings
) -> None:
    texts(open_page("lab", own_demo))  # its list of studies is kept for a while
    new = str(list(what_if(study, small.changed({"margin": 0.77})))[-1].facts["id"])
    assert data.open_study(str(own_demo), new).digest == new


def test_a_kept_run_has_a_name_in_the_list_of_studies(
    open_page: Open, own_demo: Path, made: str
) -> None:
    data.keep_run(str(own_demo), made, "two epochs", "Ada")
    page = open_page("map", own_demo, study=made)
    assert any(
        "Run “two epochs”" in option for option in page.selectbox(key="choose_study").options
    )


def test_an_unfinished_study_names_the_command(open_page: Open, begun: Path) -> None:
    assert "python -m precompute" in texts(open_page("lab", begun))


def test_the_address_has_only_what_differs(small: Settings, study: Study) -> None:
    own = settings_of(study)
    assert form.in_address(own, own) == ()
    assert set(form.in_address(own, small)) == set(SMALL)
