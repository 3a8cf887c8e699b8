"""Tags: any words, scored over the collection, and how well words alone tag it (S §IV to VI)."""

from dashboard import data, state
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.tags import tags_confusion, tags_found, tags_table, tags_typed, tags_wordings


def show(page: Page) -> None:
    widgets.heading(
        "Tags",
        "Type any words: every item is scored by how near it lies to them. No classifier was "
        "trained on a tag.",
    )
    if "text" not in page.modalities:
        widgets.notice(
            "These encoders read no words, so nothing can be tagged: run `python -m precompute "
            f"all --dataset {page.study.config['dataset']} --text minilm --workspace "
            f"{page.handle.root}`, or choose encoders with words."
        )
        return
    if not tags_typed.can_read(page):
        widgets.notice(
            "The texts of this study came as ready vectors, without an encoder that could read "
            "new words: nothing can be typed."
        )
        return
    rows = data.measurements(page.handle, page.encoder_set, study="zero_shot")
    if rows.empty:
        widgets.notice(
            "No zero-shot study is stored for these encoders: run "
            f"`{page.study.command('evaluate')}`."
        )
        return
    targets = [name for name in state.CHOICES["tagged"] if (rows["target"] == name).any()]
    spaces = [name for name in state.CHOICES["tagged_in"] if (rows["space"] == name).any()]
    found = tags_typed.show(page, spaces, targets)
    if found is not None:
        tags_table.show(page, found)
        tags_found.show(page, found)
    tags_wordings.show(page, rows)
    tags_confusion.show(page, rows, found)
