"""Words beside a network that was trained on some of the tags: a supervised baseline."""

import pandas as pd
import streamlit as st

from core.figures import theme
from core.stages.network_tags import SPACE
from core.studies import headlines
from dashboard import session
from dashboard.page import Page
from dashboard.shared import summaries, widgets


def show(page: Page, rows: pd.DataFrame) -> None:
    """A table of the tags that the network knows; nothing where there is none."""
    chosen = session.current()
    rows = rows[
        (rows["target"] == chosen.tagged)
        & (rows["direction"] == f"text_to_{chosen.tagged}")
        & (rows["metric"] == "roc_auc")
        & (rows["class"] != "")
    ]
    trained = rows[rows["space"] == SPACE]
    words = rows[(rows["space"] == chosen.tagged_in) & rows["class"].isin(trained["class"])]
    if trained.empty or words.empty:
        return
    (network, *_) = trained["system"].unique()
    table = beside(trained[trained["system"] == network], words, chosen.wording)
    plural = theme.MODALITY_PLURALS[chosen.tagged]
    st.subheader("Beside a network trained on tags", anchor=False)
    widgets.small(
        f"{network} was trained with labels, and {len(table):,} of its tags are classes of this "
        f"collection. On them it reaches ROC-AUC {summaries.number(table['supervised'].mean())} "
        f"for {plural}; words reach {summaries.number(table['words'].mean())} without a label "
        "(chance 0.500)."
    )
    st.dataframe(
        table.rename(
            columns={
                "class": "class",
                "tag": f"tag of {network}",
                "words": "words, ROC-AUC",
                "supervised": f"{network}, supervised, ROC-AUC",
            }
        ).round(3),
        hide_index=True,
    )
    widgets.csv_button(table, page, "zeroshot_supervised")


def beside(trained: pd.DataFrame, words: pd.DataFrame, wording: str) -> pd.DataFrame:
    """`class, tag, words, supervised`: mean ROC-AUC of each class, the best for words first.

    Of the stored wordings the one that is chosen, or else the first.
    """
    system = wording if (words["system"] == wording).any() else str(words["system"].iloc[0])
    mine = headlines.summary(words[words["system"] == system], ["class"]).set_index("class")
    theirs = headlines.summary(trained, ["class", "other"]).rename(columns={"other": "tag"})
    table = theirs[["class", "tag", "mean"]].rename(columns={"mean": "supervised"})
    table["words"] = table["class"].map(mine["mean"])
    ordered = table.sort_values("words", ascending=False, ignore_index=True)
    return ordered[["class", "tag", "words", "supervised"]]
