"""Classify: confusions and F1 (W figure 5), mix-in curves (figure 3), labels and F1 (figure 6)."""

from dashboard import data
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.classify import by_class, confusions, mix_in


def show(page: Page) -> None:
    widgets.heading(
        "Classify",
        "Random forests that hear, see, or both: what they confuse, and how few examples of a "
        "modality they need.",
    )
    rows = data.measurements(page.handle, page.encoder_set, study=["classification", "mix_in"])
    if rows.empty:
        widgets.notice(
            "No classification is stored for this encoder set: evaluate the study again."
        )
        return
    mix_in.show(page, rows[rows["study"] == "mix_in"])
    confusions.show(page, rows[rows["study"] == "classification"])
    by_class.f1(page, rows[rows["study"] == "classification"])
    by_class.distribution(page, rows[rows["study"] == "classification"])
