"""Tags: typed words scored over the collection, and how well words alone classify (S §IV to VI)."""

from dashboard import data, state
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.tags import confusion, query_form, results, supervised, table, wordings


def show(page: Page) -> None:
    widgets.heading(
        "Tags",
        "Type any words: every item is scored by its similarity to them. No classifier was "
        "trained on a tag.",
    )
    if "text" not in page.modalities:
        widgets.notice(
            "This encoder set has no text encoder, so nothing can be tagged: run `python -m "
            f"precompute all --dataset {page.study.config['dataset']} --text minilm --workspace "
            f"{page.handle.root}`, or choose an encoder set with a text encoder."
        )
        return
    if not query_form.can_embed(page):
        widgets.notice(
            "The texts of this study came as ready vectors without an encoder, so typed words "
            "cannot be embedded: compute a study with a text encoder."
        )
        return
    rows = data.measurements(page.handle, page.encoder_set, study="zero_shot")
    if rows.empty:
        widgets.notice(
            "No zero-shot study is stored for this encoder set: run "
            f"`{page.study.command('evaluate')}`."
        )
        return
    targets = [name for name in state.CHOICES["tagged"] if (rows["target"] == name).any()]
    spaces = [name for name in state.CHOICES["tagged_in"] if (rows["space"] == name).any()]
    scored = query_form.show(page, spaces, targets)
    if scored is not None:
        table.show(page, scored)
        results.show(page, scored)
    wordings.show(page, rows)
    supervised.show(page, rows)
    confusion.show(page, rows, scored)
