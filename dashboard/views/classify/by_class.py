"""F1 of each class (W figure 5), and the labels that training has seen (figure 6)."""

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
    mine = rows[(rows["metric"] == "f1") & (rows["target"] == session.current().target)]
    systems = [name for name in reversed(theme.SYSTEMS) if (mine["system"] == name).any()]
    table = headlines.summary(mine, ["class", "system"])
    macro = headlines.summary(
        rows[(rows["metric"] == "macro_f1") & (rows["target"] == session.current().target)],
        ["system"],
    )
    widgets.numbers(
        (
            f"{row['system']}, macro F1",
            summaries.number(row["mean"]),
            summaries.std_or_interval(row),
            summaries.scale_text(row),
        )
        for _, row in macro.iterrows()
    )
    target = theme.MODALITY_PLURALS[session.current().target]
    widgets.show(
        bars.f1_by_class(table, page.study.paired_classes, systems, widgets.dark()),
        page.handle,
        f"f1_{session.current().target}",
        f"F1 of each class on {target}",
        encoder_set=page.encoder_set,
        table=table,
    )


def distribution(page: Page, rows: pd.DataFrame) -> None:
    stored = data.measurements(page.handle, page.encoder_set, study="distribution")
    target = session.current().target
    counted = stored[
        (stored["metric"] == "label_count")
        & (stored["other"] == "translation")
        & (stored["target"] == target)
    ]
    if counted.empty:
        return
    found = counterparts.distribution(stored)
    st.subheader("Labels seen in training, and F1", anchor=False)
    counts = counted.groupby("class", sort=False)["value"].mean()
    systems = [name for name in ("MMT", "MMP") if (rows["system"] == name).any()]
    mine = rows[(rows["metric"] == "f1") & (rows["target"] == target)]
    f1_of = {
        system: mine[mine["system"] == system].groupby("class")["value"].mean()
        for system in systems
    }
    made = bars.labels_beside_f1(
        counts,
        f1_of,
        page.study.paired_classes,
        theme.class_colours(page.study.classes),
        widgets.dark(),
    )
    widgets.show(
        made,
        page.handle,
        f"labels_{target}",
        f"Labels of the translation subset beside F1 on {theme.MODALITY_PLURALS[target]}",
        encoder_set=page.encoder_set,
        table=counted,
        more=paper.facts(paper.of_encoder_set(page), found),
    )
    correlations(stored[stored["target"] == target])
    widgets.small(
        "Training the spaces uses no label: they are counted here for the analysis alone (W §4.3). "
        "Classes stand by falling count."
    )
    paper.show(paper.of_encoder_set(page), found)


def correlations(stored: pd.DataFrame) -> None:
    mine = stored[stored["metric"].isin(["correlation_spearman", "correlation_pearson"])]
    mine = mine.dropna(subset=["value"])
    if mine.empty:
        widgets.small("No correlation is defined: too few classes, or all counts are equal.")
        return
    table = headlines.summary(mine, ["metric", "system"])
    widgets.numbers(
        (
            f"{row['metric'].removeprefix('correlation_')}, labels and F1 of {row['system']}",
            summaries.number(row["mean"], 2),
            summaries.std_or_interval(row, 2),
            f"{row['n']} classes, " + summaries.runs_text(int(row["runs"]), int(row["splits"]))
            if row["n"] > 0
            else summaries.runs_text(int(row["runs"]), int(row["splits"])),
        )
        for _, row in table.iterrows()
    )
