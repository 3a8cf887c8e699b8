"""Classify: confusions and F1 (W figure 5), mix-in curves (figure 3), labels and F1 (figure 6)."""

from dashboard import data
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.classify import by_class, confusions, mix_in


def show(page: Page) -> None:
    widgets.heading(
        "Classify",
        "Classifiers trained on one modality or several: their confusions, and how few "
        "examples of a modality they need.",
    )
    rows = data.measurements(page.handle, page.encoder_set, study=["classification", "mix_in"])
    if rows.empty:
        widgets.notice(
            "No classification is stored for this encoder set: run "
            f"`{page.study.command('evaluate')}`."
        )
        return
    classified = rows[rows["study"] == "classification"]
    mix_in.show(page, rows[rows["study"] == "mix_in"])
    confusions.show(page, classified)
    by_class.f1(page, classified)
    by_class.distribution(page, classified)
