"""F1 of each class (W figure 5), and the labels in the training data (figure 6)."""

from functools import partial

import pandas as pd
import streamlit as st

from core.figures import bars, theme
from core.references import counterparts
from core.studies import headlines
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import paper, summaries, widgets


def f1(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("F1 by class", anchor=False)
    target = session.current().target
    rows = rows[rows["target"] == target]
    by_class = rows[rows["metric"] == "f1"]
    table = headlines.summary(by_class, ["class", "system"])
    macro = headlines.summary(rows[rows["metric"] == "macro_f1"], ["system"])
    widgets.numbers(
        summaries.headline(f"{row['system']}, macro F1", row) for _, row in macro.iterrows()
    )
    systems = [name for name in reversed(theme.SYSTEMS) if (by_class["system"] == name).any()]
    widgets.show(
        partial(bars.f1_by_class, table, page.study.paired_classes, systems, widgets.dark()),
        page,
        f"f1_{target}",
        f"F1 of each class on {theme.MODALITY_PLURALS[target]}",
        table=table,
    )


def distribution(page: Page, rows: pd.DataFrame) -> None:
    """The number of labels in the translation subset beside F1, class by class."""
    stored = data.measurements(page.handle, page.encoder_set, study="distribution")
    target = session.current().target
    counted = stored[
        (stored["metric"] == "label_count")
        & (stored["other"] == "translation")
        & (stored["target"] == target)
    ]
    if counted.empty:
        return
    reported = counterparts.distribution(stored)
    st.subheader("Labels in training, and F1", anchor=False)
    f1_rows = rows[(rows["metric"] == "f1") & (rows["target"] == target)]
    f1_of = {
        system: f1_rows[f1_rows["system"] == system].groupby("class")["value"].mean()
        for system in ("MMT", "MMP")
        if (rows["system"] == system).any()
    }
    widgets.show(
        partial(
            bars.labels_beside_f1,
            counted.groupby("class", sort=False)["value"].mean(),
            f1_of,
            page.study.paired_classes,
            theme.class_colours(page.study.classes),
            widgets.dark(),
        ),
        page,
        f"labels_{target}",
        f"Labels of the translation subset beside F1 on {theme.MODALITY_PLURALS[target]}",
        table=counted,
        more=paper.facts(page, reported),
    )
    correlations(stored[stored["target"] == target])
    widgets.small(
        "The spaces are trained without labels; labels are counted here for the analysis only "
        "(W §4.3). Classes are ordered by count."
    )
    paper.show(page, reported)


def correlations(stored: pd.DataFrame) -> None:
    """The correlation of labels and F1 over the classes."""
    rows = stored[stored["metric"].isin(["correlation_spearman", "correlation_pearson"])]
    rows = rows.dropna(subset=["value"])
    if rows.empty:
        widgets.small("No correlation is defined: too few classes, or all counts are equal.")
        return
    shown = []
    for _, row in headlines.summary(rows, ["metric", "system"]).iterrows():
        runs = summaries.runs_text(row)
        shown.append(
            (
                f"{row['metric'].removeprefix('correlation_')}, labels and F1 of {row['system']}",
                summaries.number(row["mean"], 2),
                summaries.std_or_interval(row, 2),
                f"{row['n']} classes, {runs}" if row["n"] > 0 else runs,
            )
        )
    widgets.numbers(shown)
