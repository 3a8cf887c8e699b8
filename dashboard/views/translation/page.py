"""Translation: how well one modality finds the other (W figure 2), and how training went."""

from core.figures import theme
from dashboard import data
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.translation import queries, ranking, training


def show(page: Page) -> None:
    widgets.heading(
        "Translation",
        f"Held-out {theme.listed(page.modalities)} look for their kind in each other's modality: "
        "how far up do the right ones come?",
    )
    rows = data.measurements(page.handle, study="ranking")
    rows = rows[rows["class"] == ""]
    if rows.empty:
        widgets.notice("No ranking is stored for this study: evaluate it again.")
        return
    ranking.figure(page, rows)
    ranking.table(page, rows)
    training.show(page)
    queries.show(page)
