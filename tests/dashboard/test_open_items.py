"""The open items of a page: what their cards say."""

from pathlib import Path

from tests.dashboard import workspace
from tests.dashboard.conftest import Open, text_of


def test_an_item_of_a_study_that_classifies_nothing_has_no_prediction(
    open_page: Open, tmp_path: Path
) -> None:
    workspace.build(tmp_path, 1, encoders={"audio": ("logmel",), "text": ("ready_text",)})
    text = text_of(open_page("map", tmp_path, item="clip1_03_a"))
    assert "No prediction is stored for this item." in text
    assert "nearest texts in the translated space" in text
    assert "jee-notice" not in text


def test_the_scale_of_percentiles_is_said_on_the_card(open_page: Open, tiny: Path) -> None:
    text = text_of(open_page("map", tiny, item="clip1_03_a"))
    assert "higher than that of 99% of random pairs of the two modalities" in text
    assert "same clip" in text
