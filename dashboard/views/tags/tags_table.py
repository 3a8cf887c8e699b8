"""Every typed tag in one table, and which classes it means: the live half of the page Tags."""

from typing import Any

import numpy as np
import streamlit as st

from core.figures import tags as figures
from core.figures import theme
from dashboard import session
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.tags import tagging

TABLE = "tags_table"
MAX_COLUMNS = 40  # tags in the figure by class
NAMES = {
    "tag": "tag",
    "best": "best cosine",
    "label": "is the class",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "prevalence": "PR chance",
    "n": "held-out items",
}


def show(page: Page, found: tagging.Tagged) -> None:
    """The class figure and the table; a row that is chosen opens its tag."""
    st.subheader("What the words mean here", anchor=False)
    by_class(page, found)
    table = found.table
    shown = table[list(NAMES)].rename(columns=NAMES)
    for name in ("ROC-AUC", "PR-AUC", "PR chance"):  # as text, so that what is undefined is blank
        shown[name] = [f"{value:.3f}" if np.isfinite(value) else "" for value in shown[name]]
    shown["held-out items"] = [str(n) if n else "" for n in table["n"]]
    labelled = table["label"].ne("").any()
    if not labelled:
        shown = shown[["tag", "best cosine"]]
    opened = open_tag(found)
    st.dataframe(
        shown,
        key=TABLE,
        hide_index=True,
        height=min(420, 38 + 35 * len(shown)),
        on_select=lambda: take(found),
        selection_mode="single-row",
        column_config={"best cosine": st.column_config.NumberColumn(format="%.3f")},
    )
    text = f"Choose a row to hear what a tag found; open now: “{opened[:60]}”."
    if labelled:
        text += (
            " A tag that names a class of the collection is measured on the held-out items: "
            "ROC-AUC has chance 0.5, PR-AUC the share of items that bear it."
        )
    widgets.small(text)
    widgets.csv_button(
        table.drop(columns=["known"]),
        page.handle,
        f"tags_{found.where.modality}_{found.where.space}",
        encoder_set=page.encoder_set,
        more=facts(found),
    )


def facts(found: tagging.Tagged) -> dict[str, str]:
    """What the exports say of how the tags were scored."""
    return {
        "scored": f"{len(found.gallery.item_ids):,} {theme.MODALITY_PLURALS[found.where.modality]}",
        "space": found.where.space,
        "wording": found.wording,
        "areas": "over the held-out items (subset test)",
    }


def open_tag(found: tagging.Tagged) -> str:
    """The tag whose items are shown: the chosen one, else the first that has a known word."""
    chosen = session.current().open_tag
    if chosen in found.tags:
        return chosen
    known = [tag for tag, one in zip(found.tags, found.known, strict=True) if one]
    return (known or list(found.tags))[0]


def take(found: tagging.Tagged) -> None:
    """A chosen row opens its tag. For callbacks."""
    event: Any = st.session_state.get(TABLE)
    rows = ((event or {}).get("selection") or {}).get("rows") or []
    if rows and 0 <= int(rows[0]) < len(found.tags):
        session.change(open_tag=found.tags[int(rows[0])], items=())


def by_class(page: Page, found: tagging.Tagged) -> None:
    """Which classes lie near which words."""
    known = np.flatnonzero(found.known)
    if not len(known):
        widgets.small("No tag has a word that the encoder knows.")
        return
    means = tagging.class_means(found)
    some = np.flatnonzero(np.isfinite(means).any(axis=1))
    spread = np.nanmax(means[some], axis=0) - np.nanmin(means[some], axis=0)
    columns = known
    said = ""
    if len(known) > MAX_COLUMNS:
        columns = np.sort(known[np.argsort(-spread[known], kind="stable")[:MAX_COLUMNS]])
        said = (
            f" The {MAX_COLUMNS} tags of {len(known):,} that tell the classes apart most are drawn."
        )
    classes = [page.study.classes[row] for row in some]
    things = theme.MODALITY_PLURALS[found.where.modality]
    widgets.show(
        figures.by_class(
            means[np.ix_(some, columns)],
            classes,
            [found.tags[column] for column in columns],
            widgets.dark(),
        ),
        page.handle,
        f"tags_by_class_{found.where.modality}",
        f"Mean cosine of each class's {things} with each tag",
        encoder_set=page.encoder_set,
        more=facts(found),
    )
    widgets.small(
        f"Mean cosine of each class's {things} with each tag, over the whole collection: strong "
        f"blue is near, brown is away.{said}"
    )
