"""The contents of a dataset by class and subset, its notes, licences, the files left out."""

from functools import partial

import streamlit as st

from core.figures import bars, theme
from dashboard import data
from dashboard.page import Page
from dashboard.shared import widgets

TESTED = (
    "All items are tested, and nothing was trained on them. Unpaired items are of files that the "
    "study has too: they are in galleries and on maps, but no score uses them."
)


def show(page: Page) -> None:
    counts(page)
    about(page)
    encoder_cards(page)
    rejected(page)


def counts(page: Page) -> None:
    st.subheader("Contents", anchor=False)
    counted = data.counts(page.handle, page.selection.split)
    widgets.show(
        partial(bars.class_counts, counted, page.study.classes, widgets.dark()),
        page.whole_study,
        "contents",
        "Items of each class by subset",
        table=counted,
    )
    table = counted.pivot_table(
        index="subset", columns="modality", values=["n_items", "n_clips"], aggfunc="sum"
    )
    table.columns = [
        theme.MODALITY_PLURALS[modality]
        if what == "n_items"
        else f"clips with {theme.MODALITY_PLURALS[modality]}"
        for what, modality in table.columns
    ]
    order = [name for name in data.SUBSETS if name in table.index]
    st.dataframe(table.loc[order].fillna(0).astype(int).reset_index(), hide_index=True)
    widgets.small(TESTED if page.handle.test_set else subsets_text(order))


def subsets_text(subsets: list[str]) -> str:
    """What each subset is for; a small set has no `crossmodal`, and ranks what no space saw."""
    ranked = "crossmodal" if "crossmodal" in subsets else "train and test"
    return (
        "No clip is in two subsets. The spaces are trained on translation, retrieval is scored on "
        f"{ranked}, classifiers are trained on train and scored on test. Unpaired items are in "
        "galleries and on maps, but no training and no score uses them."
    )


def about(page: Page) -> None:
    dataset = page.study.dataset
    notes = [str(note) for note in dataset.get("notes", [])]
    if notes or dataset.get("citation"):
        st.subheader("About this dataset", anchor=False)
    if notes:
        st.html(f"<ul>{''.join(f'<li>{widgets.esc(note)}</li>' for note in notes)}</ul>")
    for name in ("licence", "citation"):
        if dataset.get(name):
            widgets.small(f"{name.capitalize()}: {dataset[name]}")


def encoder_cards(page: Page) -> None:
    """The networks behind the vectors, each with its licence."""
    found = data.encoder_cards(page.handle, page.encoder_set)
    if not found:
        return
    st.subheader("Encoders", anchor=False)
    examined = data.examined(page.handle, page.encoder_set)
    for card in found:
        widgets.small(
            f"{card.name}: {card.title}; {card.dim:,} numbers. Licence: {card.licence}. "
            f"{card.citation}."
        )
    sane = [name for name, told in examined.items() if not told]
    if sane:
        widgets.small(
            f"Examined with a few dozen plain media before the collection was embedded, without a "
            f"fault: {', '.join(sane)}."
        )


def rejected(page: Page) -> None:
    table = data.rejected(page.handle)
    st.subheader("Files left out", anchor=False)
    if table.empty:
        widgets.small("None: all files could be read.")
        return
    widgets.small(f"{len(table):,} files, each with the reason.")
    st.dataframe(table, hide_index=True, height=min(320, 38 + 35 * len(table)))
    widgets.csv_button(table, page.whole_study, "rejected")
