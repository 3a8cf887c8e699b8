"""Overview: what lies in the workspace, how good it is, and some of it to hear and see."""

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import MissingArtefact
from dashboard import cards, data, session, summaries, theme, widgets
from dashboard.figures import bars
from dashboard.page import Page

N_EXAMPLES = 6


def show(page: Page) -> None:
    dataset = page.study.dataset
    widgets.heading(
        str(dataset.get("title") or dataset["name"]), str(dataset.get("description", ""))
    )
    headline(page)
    examples(page)
    contents(page)
    about(page)
    rejected(page)
    studies(page)


# -- headline numbers ----------------------------------------------------------------------------


def headline(page: Page) -> None:
    st.subheader("In numbers", anchor=False)
    try:
        rows = data.measurements(page.handle, page.pair)
    except MissingArtefact as error:
        widgets.notice(str(error))
        return
    shown = [*ranking_numbers(rows), *classification_numbers(rows)]
    if not shown:
        widgets.small("No score is stored for this pair of encoders.")
        return
    widgets.numbers(shown)
    widgets.small(
        "Means with their standard deviation over splits, or over draws where there is one split, "
        "or else the 95 % bootstrap interval. Chance is what a random order or guess reaches."
    )
    widgets.csv_button(rows, page.handle, "measurements", pair=page.pair)


def ranking_numbers(rows: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    mine = rows[
        (rows["study"] == "ranking")
        & (rows["space"] == "translation")
        & (rows["system"] == "")
        & (rows["class"] == "")
        & rows["metric"].isin(["ndcg_lift", "precision@10"])
    ]
    table = summaries.spread(mine, ["metric", "direction"])
    shown = []
    for _, row in table.sort_values(["metric", "direction"]).iterrows():
        what = f"{summaries.metric_name(row['metric'])}, {_direction(row['direction'])}"
        things = theme.MODALITY_PLURALS.get(str(row["direction"]).rpartition("_")[2], "")
        shown.append(_card(what, row, summaries.scale_text(row, things)))
    return shown


def classification_numbers(rows: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    mixin = rows[(rows["study"] == "mixin") & (rows["metric"] == "macro_f1")]
    zero = summaries.spread(mixin[mixin["n_target"] == 0], ["target", "system"])
    single = summaries.spread(mixin[mixin["system"].isin(["SMA", "SMI"])], ["target", "system"])
    shown = []
    for target in ("image", "audio"):
        for system in ("MMT", "MMP"):
            for _, row in zero[(zero["target"] == target) & (zero["system"] == system)].iterrows():
                what = f"{system} zero-shot on {theme.MODALITY_PLURALS[target]}"
                shown.append(_card(what, row, f"macro F1, {summaries.scale_text(row)}"))
        for _, row in single[single["target"] == target].iterrows():
            what = f"{row['system']} on {theme.MODALITY_PLURALS[target]}"
            shown.append(_card(what, row, f"macro F1, {summaries.scale_text(row)}"))
    return shown


def _card(what: str, row: pd.Series, scale: str) -> tuple[str, str, str, str]:
    return what, summaries.number(row["mean"]), summaries.spread_text(row), scale


def _direction(name: str) -> str:
    return theme.DIRECTION_NAMES.get(name, name)


# -- examples ------------------------------------------------------------------------------------


def examples(page: Page) -> None:
    """A strip of pairs, of as many classes as there is room for; another strip on demand."""
    st.subheader("Hear and see", anchor=False)
    turn = int(st.session_state.get("examples_turn", 0))
    found = example_pairs(page, turn)
    if not found:
        widgets.small("There is no pair of a sound and a picture in this set.")
        return
    for place, (audio, image) in zip(st.columns(N_EXAMPLES, gap="small"), found, strict=False):
        with place:
            cards.card(page.handle, image, key=f"example_image_{image}")
            cards.player(page.handle, audio)
    by = page.study.dataset.get("paired_by")
    if by == "class":
        widgets.small("These are paired within a class: their labels made the pairs.")
    st.button(
        "Show others",
        type="tertiary",
        icon=":material/refresh:",
        on_click=lambda: st.session_state.update(examples_turn=turn + 1),
    )


def example_pairs(page: Page, turn: int) -> list[tuple[str, str]]:
    """``(audio item, image item)`` of different classes, drawn by the turn's number."""
    frame = data.items(page.handle)
    rng = np.random.default_rng(turn)
    classes = list(rng.permutation(page.study.paired_classes))
    joined = data.pairs(page.handle)
    found = []
    for name in classes[:N_EXAMPLES]:
        mine = frame[frame["class"] == name]
        if len(joined):
            rows = joined[joined["image"].isin(mine["item_id"])]
            if len(rows):
                row = rows.iloc[int(rng.integers(len(rows)))]
                found.append((str(row["audio"]), str(row["image"])))
            continue
        kinds = [mine[mine["modality"] == kind]["item_id"] for kind in ("audio", "image")]
        if all(len(ids) for ids in kinds):
            audio, image = (str(ids.iloc[int(rng.integers(len(ids)))]) for ids in kinds)
            found.append((audio, image))
    return found


# -- contents ------------------------------------------------------------------------------------


def contents(page: Page) -> None:
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


def studies(page: Page) -> None:
    records = data.records(page.handle.root)
    if len(records) < 2:
        return
    st.subheader("Other studies of this workspace", anchor=False)
    for digest, title in data.study_titles(records).items():
        if digest != page.handle.digest:
            st.button(
                widgets.md(title),
                key=f"study_{digest}",
                type="tertiary",
                on_click=session.open_study,
                args=(digest,),
            )
