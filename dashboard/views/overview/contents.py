"""What a set holds by class and subset, what is known of it, and what it left out."""

import streamlit as st

from core.figures import bars, theme
from dashboard import data
from dashboard.page import Page
from dashboard.shared import widgets


def counts(page: Page) -> None:
    st.subheader("Contents", anchor=False)
    counted = data.counts(page.handle, page.selection.split)
    made = bars.class_counts(counted, page.study.classes, widgets.dark())
    widgets.show(
        made,
        page.handle,
        "contents",
        "Items of each class by subset",
        table=counted,
    )
    table = counted.pivot_table(
        index="subset", columns="modality", values=["n_items", "n_clips"], aggfunc="sum"
    )
    table.columns = [
        theme.MODALITY_PLURALS[kind]
        if what == "n_items"
        else f"clips with {theme.MODALITY_PLURALS[kind]}"
        for what, kind in table.columns
    ]
    order = [name for name in data.SUBSETS if name in table.index]
    st.dataframe(table.loc[order].fillna(0).astype(int).reset_index(), hide_index=True)
    widgets.small(
        "Subsets are disjoint by clip: translation trains the spaces, crossmodal ranks, train and "
        "test classify. Items marked unpaired lie in galleries and on maps, and take no part in "
        "any training or score."
    )


def about(page: Page) -> None:
    dataset = page.study.dataset
    notes = [str(note) for note in dataset.get("notes", [])]
    if notes or dataset.get("citation"):
        st.subheader("About this set", anchor=False)
    if notes:
        listed = "".join(f"<li>{widgets.esc(note)}</li>" for note in notes)
        st.html(f"<ul>{listed}</ul>")
    for name in ("licence", "citation"):
        if dataset.get(name):
            widgets.small(f"{name.capitalize()}: {dataset[name]}")


def rejected(page: Page) -> None:
    table = data.rejected(page.handle)
    st.subheader("Files that were not taken in", anchor=False)
    if table.empty:
        widgets.small("None: every file that was found could be read.")
        return
    widgets.small(f"{len(table):,} of them, each with its reason.")
    st.dataframe(table, hide_index=True, height=min(320, 38 + 35 * len(table)))
    widgets.csv_button(table, page.handle, "rejected")
