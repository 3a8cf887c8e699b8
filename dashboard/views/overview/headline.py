"""The headline numbers of an encoder set, grouped by the question that they answer.

Each has its chance level, n and standard deviation. Two of each question are in sight, the others
below "All numbers".
"""

import pandas as pd
import streamlit as st

from core.errors import MissingArtefact
from core.figures import theme
from core.kept import kept
from core.studies import headlines, zero_shot
from core.studies.forest_cells import COMBINED
from core.studies.mix_in import SINGLE_MODAL, line
from dashboard import data
from dashboard.page import Page
from dashboard.shared import summaries, widgets

TARGETS = ("image", "audio", "text")
RETRIEVAL = "Do they find each other?"
CARRIED = "Does a classifier carry over to a modality that it was not trained on?"
ALONE = "How well is each modality classified on its own?"
TAGGED = "Do words alone tag them?"
MOST_PER_QUESTION = 2
Number = tuple[str, str, str, str]


def show(page: Page) -> None:
    st.subheader("In numbers", anchor=False)
    try:
        rows = data.measurements(page.handle, page.encoder_set)
    except MissingArtefact as error:
        widgets.notice(str(error))
        return
    asked = questions(rows)
    if not any(asked.values()):
        widgets.small("No score is stored for this encoder set.")
        return
    for place, (question, found) in zip(
        st.columns(len(asked), gap="large"), asked.items(), strict=True
    ):
        with place:
            widgets.kicker(question)
            widgets.numbers(found[:MOST_PER_QUESTION])
    with st.expander("All numbers"):
        for question, found in asked.items():
            widgets.kicker(question)
            widgets.numbers(found, narrow=len(found) > 4)
    widgets.small(
        f"Means with their standard deviation. {covers(rows)} For a single run, its 95% bootstrap "
        "interval. Chance is the score of a random order or a random guess."
    )
    widgets.csv_button(rows, page, "measurements")


def covers(rows: pd.DataFrame) -> str:
    """What the standard deviations cover, and above all whether they cover training."""
    n_splits = rows["split"].nunique()
    n_trainings = rows["training"].nunique() if "training" in rows else 1
    if n_splits > 1:
        return f"It is over {n_splits} splits, each with a training of its own."
    if n_trainings > 1:
        return (
            f"The translation was trained {n_trainings} times with other seeds, and its numbers "
            "vary over these trainings; numbers of PCA and of one modality vary over draws of the "
            "forests."
        )
    return (
        "It is over draws of the forests: the translation was trained once, so no spread covers "
        "its training."
    )


@kept(most=32)
def questions(rows: pd.DataFrame) -> dict[str, list[Number]]:
    """The numbers that answer each question, the most telling first; none for other studies."""
    found = {
        RETRIEVAL: ranking_numbers(rows),
        CARRIED: classification_numbers(rows, carried=True),
        ALONE: classification_numbers(rows, carried=False),
        TAGGED: tagging_numbers(rows),
    }
    return {question: numbers for question, numbers in found.items() if numbers}


def ranking_numbers(rows: pd.DataFrame) -> list[Number]:
    """Precision among the first ten, then the lift of NDCG; sound and picture before text."""
    mine = rows[
        (rows["study"] == "ranking")
        & (rows["space"] == "translation")
        & (rows["system"] == "")
        & (rows["class"] == "")
        & rows["metric"].isin(["ndcg_lift", "precision@10"])
    ]
    table = headlines.summary(mine, ["metric", "direction"])
    with_text = table["direction"].str.contains("text")
    table = table.assign(with_text=with_text).sort_values(
        ["metric", "with_text", "direction"], ascending=[False, True, True]
    )
    shown = []
    for _, row in table.iterrows():
        direction = theme.DIRECTION_NAMES.get(row["direction"], row["direction"])
        gallery = theme.MODALITY_PLURALS.get(row["direction"].rpartition("_")[2], "")
        what = f"{summaries.metric_name(row['metric'])}, {direction}"
        shown.append(_number(what, row, summaries.scale_text(row, gallery)))
    return shown


def classification_numbers(rows: pd.DataFrame, carried: bool) -> list[Number]:
    """Zero-shot MMT of each target, then MMP and SMT; or the single modality's."""
    mix_in = rows[(rows["study"] == "mix_in") & (rows["metric"] == "macro_f1")]
    systems = ["MMT", "MMP", COMBINED] if carried else list(SINGLE_MODAL.values())
    part = mix_in[mix_in["n_target"] == 0] if carried else line(mix_in)
    part = part[part["system"].isin(systems)]
    table = headlines.summary(part, ["system", "target"])
    shown = []
    for system in systems:
        for target in TARGETS:
            for _, row in table[
                (table["system"] == system) & (table["target"] == target)
            ].iterrows():
                kind = " zero-shot" if carried else ""
                what = f"{system}{kind} on {theme.MODALITY_PLURALS[target]}"
                shown.append(_number(what, row, f"macro F1, {summaries.scale_text(row)}"))
    return shown


def tagging_numbers(rows: pd.DataFrame) -> list[Number]:
    """ROC-AUC of the tags' names in the text encoder's space: of unseen tags if there are any."""
    mine = rows[
        (rows["study"] == "zero_shot")
        & (rows["space"] == "generation")
        & (rows["system"] == zero_shot.NAMES)
        & (rows["class"] == "")
        & rows["direction"].str.startswith("text_to_")
    ]
    some = mine[mine["metric"] == "roc_auc_unseen"]
    which = "unseen tags" if len(some) else "all tags"
    counted = rows[(rows["metric"] == "tags_seen") & (rows["space"] == "generation")]
    table = headlines.summary(some if len(some) else mine[mine["metric"] == "roc_auc"], ["target"])
    shown = []
    for _, row in table.iterrows():
        scale = summaries.scale_text(row)
        if len(counted):
            n_seen, n = round(counted["value"].mean()), int(counted["n"].iloc[0])
            scale = f"{n_seen:,} of {n:,} tags are in the training texts; {scale}"
        what = f"zero-shot ROC-AUC of {which}, {theme.MODALITY_PLURALS[row['target']]}"
        shown.append(_number(what, row, scale))
    return shown


def _number(what: str, row: pd.Series, scale: str) -> Number:
    return what, summaries.number(row["mean"]), summaries.std_or_interval(row), scale
