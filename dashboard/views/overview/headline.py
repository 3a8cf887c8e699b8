"""The headline numbers of an encoder set, each with its chance level, n and standard deviation."""

import pandas as pd
import streamlit as st

from core.errors import MissingArtefact
from core.figures import theme
from core.studies import headlines
from core.studies.mix_in import SINGLE_MODAL
from dashboard import data
from dashboard.page import Page
from dashboard.shared import summaries, widgets

TARGETS = ("image", "audio", "text")


def show(page: Page) -> None:
    st.subheader("In numbers", anchor=False)
    try:
        rows = data.measurements(page.handle, page.encoder_set)
    except MissingArtefact as error:
        widgets.notice(str(error))
        return
    retrieval, classification = ranking_numbers(rows), classification_numbers(rows)
    if not (retrieval or classification):
        widgets.small("No score is stored for this encoder set.")
        return
    widgets.numbers(retrieval, narrow=len(retrieval) > 4)
    widgets.numbers(classification, narrow=True)
    widgets.small(
        "Means with their standard deviation over splits, or over draws where there is one split; "
        "for a single run, its 95% bootstrap interval. Chance is the score of a random order or a "
        "random guess."
    )
    widgets.csv_button(rows, page, "measurements")


def ranking_numbers(rows: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    mine = rows[
        (rows["study"] == "ranking")
        & (rows["space"] == "translation")
        & (rows["system"] == "")
        & (rows["class"] == "")
        & rows["metric"].isin(["ndcg_lift", "precision@10"])
    ]
    table = headlines.summary(mine, ["metric", "direction"]).sort_values(["metric", "direction"])
    shown = []
    for _, row in table.iterrows():
        direction = theme.DIRECTION_NAMES.get(row["direction"], row["direction"])
        gallery = theme.MODALITY_PLURALS.get(row["direction"].rpartition("_")[2], "")
        what = f"{summaries.metric_name(row['metric'])}, {direction}"
        shown.append(_number(what, row, summaries.scale_text(row, gallery)))
    return shown


def classification_numbers(rows: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Zero-shot MMT and MMP, then the single modality, for each target."""
    mix_in = rows[(rows["study"] == "mix_in") & (rows["metric"] == "macro_f1")]
    zero_shot = mix_in[(mix_in["n_target"] == 0) & mix_in["system"].isin(["MMT", "MMP"])]
    single = mix_in[mix_in["system"].isin(SINGLE_MODAL.values())]
    shown = []
    for target in TARGETS:
        for kind, part in ((" zero-shot", zero_shot), ("", single)):
            table = headlines.summary(part[part["target"] == target], ["system"])
            for _, row in table.sort_values("system", ascending=False).iterrows():
                what = f"{row['system']}{kind} on {theme.MODALITY_PLURALS[target]}"
                shown.append(_number(what, row, f"macro F1, {summaries.scale_text(row)}"))
    return shown


def _number(what: str, row: pd.Series, scale: str) -> tuple[str, str, str, str]:
    return what, summaries.number(row["mean"]), summaries.std_or_interval(row), scale
