"""The headline numbers of an encoder set, each with its chance level, n and spread."""

import pandas as pd
import streamlit as st

from core.errors import MissingArtefact
from core.figures import theme
from core.studies import headlines
from core.studies.mix_in import SINGLE_MODAL
from dashboard import data
from dashboard.page import Page
from dashboard.shared import summaries, widgets


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
        "Means with their standard deviation over splits, or over draws where there is one split, "
        "or else the 95% bootstrap interval. Chance is what a random order or guess reaches."
    )
    widgets.csv_button(rows, page.handle, "measurements", encoder_set=page.encoder_set)


def ranking_numbers(rows: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    mine = rows[
        (rows["study"] == "ranking")
        & (rows["space"] == "translation")
        & (rows["system"] == "")
        & (rows["class"] == "")
        & rows["metric"].isin(["ndcg_lift", "precision@10"])
    ]
    table = headlines.summary(mine, ["metric", "direction"])
    shown = []
    for _, row in table.sort_values(["metric", "direction"]).iterrows():
        what = f"{summaries.metric_name(row['metric'])}, {_direction(row['direction'])}"
        things = theme.MODALITY_PLURALS.get(str(row["direction"]).rpartition("_")[2], "")
        shown.append(_card(what, row, summaries.scale_text(row, things)))
    return shown


def classification_numbers(rows: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    mix_in = rows[(rows["study"] == "mix_in") & (rows["metric"] == "macro_f1")]
    zero = headlines.summary(mix_in[mix_in["n_target"] == 0], ["target", "system"])
    alone = mix_in[mix_in["system"].isin(SINGLE_MODAL.values())]
    single = headlines.summary(alone, ["target", "system"])
    shown = []
    for target in ("image", "audio", "text"):
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
