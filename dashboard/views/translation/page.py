"""Translation: how well modalities find each other (W figure 2), and the training curves."""

from core.figures import theme
from dashboard import data
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.translation import geometry, queries, ranking, training


def show(page: Page) -> None:
    widgets.heading(
        "Translation",
        f"Held-out {theme.in_words(page.modalities)} each search the other modalities: how high do "
        "relevant items rank?",
    )
    rows = data.measurements(page.handle, study="ranking")
    rows = rows[rows["class"] == ""]
    if rows.empty:
        widgets.notice(
            f"No ranking is stored for this study: run `{page.study.command('evaluate')}`."
        )
        return
    ranking.figure(page, rows)
    ranking.table(page, rows)
    geometry.show(page)
    training.show(page)
    queries.show(page)
