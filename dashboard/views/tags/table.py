"""Every typed tag: the classes that it is near to, and a table with one row per tag."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from core.figures import tags as figures
from dashboard import session
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.tags.scored_tags import ScoredTags

TABLE = "tags_table"
MAX_COLUMNS = 40  # tags in the figure by class
AREAS = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "prevalence": "PR chance"}
NAMES = {"tag": "tag", "best": "best cosine", "label": "is the class", **AREAS}


def show(page: Page, scored: ScoredTags) -> None:
    """The figure by class and the table; a click on a row opens its tag."""
    st.subheader("Tags and classes", anchor=False)
    by_class(page, scored)
    table = scored.table
    shown = table[list(NAMES)].rename(columns=NAMES)
    for name in AREAS.values():  # as text, so that undefined areas are blank
        shown[name] = [f"{value:.3f}" if np.isfinite(value) else "" for value in shown[name]]
    shown["held-out items"] = [str(n) if n else "" for n in table["n"]]
    labelled = table["label"].ne("").any()
    if not labelled:
        shown = shown[["tag", "best cosine"]]
    st.dataframe(
        shown,
        key=TABLE,
        hide_index=True,
        height=min(420, 38 + 35 * len(shown)),
        on_select=lambda: open_selected(scored),
        selection_mode="single-row",
        column_config={"best cosine": st.column_config.NumberColumn(format="%.3f")},
    )
    text = f"Choose a row to hear or see what a tag found. Open: “{scored.open_tag[:60]}”."
    if labelled:
        text += (
            " A tag that names a class of the collection is measured on the held-out items: "
            "chance is 0.5 for ROC-AUC, and for PR-AUC the share of items with the label."
        )
    widgets.small(text)
    widgets.csv_button(
        table.drop(columns=["known"]),
        page,
        f"tags_{scored.gallery.modality}_{scored.gallery.space}",
        more=scored.provenance,
    )


def open_selected(scored: ScoredTags) -> None:
    """Open the tag of the selected row. For callbacks."""
    event: Any = st.session_state.get(TABLE)
    rows = ((event or {}).get("selection") or {}).get("rows") or []
    if rows and 0 <= int(rows[0]) < len(scored.tags):
        session.change(open_tag=scored.tags[int(rows[0])], items=())


def by_class(page: Page, scored: ScoredTags) -> None:
    """The mean cosine of each class with each tag."""
    columns = np.flatnonzero(scored.known)
    if not len(columns):
        widgets.small("The encoder knows no word of these tags.")
        return
    means = scored.class_means()
    rows = np.flatnonzero(np.isfinite(means).any(axis=1))
    drawn = ""
    if len(columns) > MAX_COLUMNS:
        drawn = (
            f" The {MAX_COLUMNS} tags of {len(columns):,} that differ most between classes are "
            "drawn."
        )
        ranges = np.ptp(means[np.ix_(rows, columns)], axis=0)
        columns = np.sort(columns[np.argsort(-ranges, kind="stable")[:MAX_COLUMNS]])
    title = f"Mean cosine of each class's {scored.gallery.plural} with each tag"
    widgets.show(
        partial(
            figures.by_class,
            means[np.ix_(rows, columns)],
            [page.study.classes[row] for row in rows],
            [scored.tags[column] for column in columns],
            widgets.dark(),
        ),
        page,
        f"tags_by_class_{scored.gallery.modality}",
        title,
        more=scored.provenance,
        own=scored.own,
    )
    widgets.small(
        f"{title}, over the whole collection: blue is similar, brown is dissimilar.{drawn}"
    )
