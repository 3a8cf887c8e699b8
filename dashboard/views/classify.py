"""Classify: confusions and F1 (W figure 5), mix-in curves (figure 3), labels and F1 (figure 6)."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import cards, data, session, state, summaries, theme, widgets
from dashboard.figures import bars, curves, matrices
from dashboard.page import Page

CHART = "confusion_matrix"
CELL_CARDS = state.MAX_ITEMS


def show(page: Page) -> None:
    widgets.heading(
        "Classify",
        "Random forests that hear, see, or both: what they confuse, and how few examples of a "
        "modality they need.",
    )
    rows = data.measurements(page.handle, page.pair, study=["classification", "mixin"])
    if rows.empty:
        widgets.notice("No classification is stored for this pair: evaluate the study again.")
        return
    mixin(page, rows[rows["study"] == "mixin"])
    confusions(page, rows[rows["study"] == "classification"])
    f1(page, rows[rows["study"] == "classification"])
    distribution(page, rows[rows["study"] == "classification"])


# -- figure 3 ------------------------------------------------------------------------------------


def mixin(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("From zero-shot to all data", anchor=False)
    rows = rows[rows["metric"] == "macro_f1"]
    if rows.empty:
        widgets.small("No mix-in curve is stored for this pair.")
        return
    for place, target in zip(st.columns(2, gap="medium"), ("image", "audio"), strict=True):
        with place:
            mixin_of(page, rows[rows["target"] == target], target)
    widgets.small(
        "Both systems learn from all of the other modality, and from n examples of the tested one, "
        "balanced over classes; MMT in the translated space, MMP in PCA. The dashed line learns "
        "from the tested modality alone. Boxes span the draws and splits."
    )


def mixin_of(page: Page, rows: pd.DataFrame, target: str) -> None:
    if rows.empty:
        widgets.small(f"No mix-in curve is stored for {theme.MODALITY_PLURALS[target]}.")
        return
    widgets.kicker(f"tested on {theme.MODALITY_PLURALS[target]}")
    single = rows[rows["system"].isin(["SMA", "SMI"])]
    one = summaries.spread(single, ["target"])
    chance = float(rows["chance"].mean())
    made = curves.mixin(
        rows[rows["system"].isin(["MMT", "MMP"])],
        target,
        float(one["mean"].iloc[0]) if len(one) else None,
        chance,
        widgets.dark(),
    )
    widgets.show(
        made,
        page.handle,
        f"mixin_{target}",
        f"Mix-in curves tested on {theme.MODALITY_PLURALS[target]}",
        pair=page.pair,
        table=rows,
    )
    share = summaries.zero_shot_share(rows, target)
    if share:
        n = int(rows["n"].median())
        runs = summaries.spread(rows[rows["n_target"] == 0], ["system"])
        over = summaries.runs_text(int(runs["runs"].max()), int(runs["splits"].max()))
        widgets.numbers(
            [
                (
                    "zero-shot share",
                    f"{share[0]:.0%}",
                    f"of the best, {share[1]}",
                    f"MMT without a single {theme.MODALITY_NAMES[target]}, n = {n:,} test items, "
                    f"chance {chance:.3f}, {over}. W reports almost 70 %.",
                )
            ]
        )


# -- figure 5 ------------------------------------------------------------------------------------


def confusions(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("Confusions", anchor=False)
    with st.container(horizontal=True, gap="medium"):
        st.segmented_control(
            "Tested on",
            state.CHOICES["target"],
            format_func=lambda name: theme.MODALITY_PLURALS[name],
            required=True,
            **session.bound("target", also=lambda _: {"cell": "", "items": ()}),
        )
        target = session.current().target
        there = rows[(rows["target"] == target) & (rows["metric"] == "confusion")]["system"]
        systems = [name for name in ("SMA", "SMI", "MMP", "MMT") if (there == name).any()]
        if not systems:
            widgets.small("No confusion matrix is stored for this target.")
            return
        if session.current().system not in systems:
            session.change(system=systems[-1])
        st.segmented_control(
            "System",
            systems,
            required=True,
            **session.bound("system", also=lambda _: {"cell": "", "items": ()}),
        )
        st.segmented_control(
            "Cells",
            state.CHOICES["matrix"],
            format_func=lambda name: "counts" if name == "counts" else "share of the row",
            required=True,
            **session.bound("matrix"),
        )
    chosen = session.current()
    classes = page.study.paired_classes
    mine = rows[
        (rows["metric"] == "confusion")
        & (rows["target"] == chosen.target)
        & (rows["system"] == chosen.system)
        & (rows["split"] == chosen.split)
    ]
    counts = matrix_of(mine, classes)
    cells = np.array([[state.cell(a, b) for b in classes] for a in classes], dtype=object)
    table = pd.DataFrame(counts.astype(int), columns=classes)
    table.insert(0, "true \\ predicted", classes)
    left, right = st.columns([1.25, 1.0], gap="medium")
    with left:
        widgets.show(
            matrices.confusion(
                counts,
                classes,
                widgets.dark(),
                by_row=chosen.matrix == "rows",
                picked=chosen.truth_and_predicted,
                cells=cells,
            ),
            page.handle,
            f"confusion_{chosen.system}_{chosen.target}",
            f"Confusion matrix of {chosen.system} on {theme.MODALITY_PLURALS[chosen.target]}",
            pair=page.pair,
            key=CHART,
            on_select=take,
            table=table,
        )
        widgets.small(
            f"{theme.SYSTEM_NAMES[chosen.system]}; {int(counts.sum()):,} test items of split "
            f"{chosen.split + 1}, the first seed's forest. Click a cell to meet its items."
        )
    with right:
        open_cell(page, classes)


def matrix_of(rows: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """``(C, C)`` counts, true by row, in the fixed class order."""
    table = rows.pivot_table(index="class", columns="other", values="value", aggfunc="sum")
    return np.asarray(table.reindex(index=classes, columns=classes).fillna(0.0), dtype=float)


def take() -> None:
    """A click on a cell opens it; on the open one, or beside all, closes it."""
    event: Any = st.session_state.get(CHART)
    points = ((event or {}).get("selection") or {}).get("points") or []
    value = points[0].get("customdata") if points else ""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    session.change(cell=value if isinstance(value, str) else "", items=())


def open_cell(page: Page, classes: list[str]) -> None:
    """The very items that the open cell counts."""
    chosen = session.current()
    cell = chosen.truth_and_predicted
    if cell is None:
        confused(page, classes)
        return
    truth, predicted = cell
    found = data.cell_items(
        page.handle, page.pair, chosen.split, chosen.system, chosen.target, truth, predicted
    )
    said = "recognised" if truth == predicted else f"taken for {predicted}"
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.kicker(f"{truth} {said}: {len(found):,} items")
        st.button(
            "Close",
            key="close_cell",
            type="tertiary",
            icon=":material/close:",
            on_click=lambda: session.change(cell="", items=()),
        )
    if found.empty:
        widgets.small("This cell counts no item.")
        return
    if chosen.items:
        cards.card(page.handle, chosen.items[0], key="cell_open")
    shown = found.head(CELL_CARDS)
    if len(found) > len(shown):
        widgets.small(f"{len(shown)} of {len(found):,} shown, the surest first.")
    notes = [f"{row.confidence:.0%} of the votes" for row in shown.itertuples()]
    cards.grid(page.handle, list(shown["item_id"]), key="cell", notes=notes, columns=3)
    widgets.csv_button(found, page.handle, f"cell_{chosen.system}_{chosen.target}", pair=page.pair)


def confused(page: Page, classes: list[str]) -> None:
    """With no cell open: the largest confusions, as buttons."""
    chosen = session.current()
    rows = data.measurements(
        page.handle,
        page.pair,
        metric="confusion",
        system=chosen.system,
        target=chosen.target,
        split=chosen.split,
    )
    wrong = rows[(rows["class"] != rows["other"]) & (rows["value"] > 0)]
    widgets.kicker("largest confusions")
    if wrong.empty:
        widgets.small("None: every test item is recognised.")
        return
    for row in wrong.sort_values("value", ascending=False).head(10).itertuples(index=False):
        truth, predicted = row[wrong.columns.get_loc("class")], row[wrong.columns.get_loc("other")]
        st.button(
            f"{widgets.md(truth)} taken for {widgets.md(predicted)}: {int(row.value):,}",
            key=f"confused_{state.cell(truth, predicted)}",
            type="tertiary",
            on_click=session.change,
            kwargs={"cell": state.cell(truth, predicted), "items": ()},
        )


def f1(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("F1 by class", anchor=False)
    mine = rows[(rows["metric"] == "f1") & (rows["target"] == session.current().target)]
    systems = [name for name in ("MMT", "MMP", "SMA", "SMI") if (mine["system"] == name).any()]
    table = summaries.spread(mine, ["class", "system"])
    macro = summaries.spread(
        rows[(rows["metric"] == "macro_f1") & (rows["target"] == session.current().target)],
        ["system"],
    )
    widgets.numbers(
        (
            f"{row['system']}, macro F1",
            summaries.number(row["mean"]),
            summaries.spread_text(row),
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
        pair=page.pair,
        table=table,
    )


# -- figure 6 ------------------------------------------------------------------------------------


def distribution(page: Page, rows: pd.DataFrame) -> None:
    stored = data.measurements(page.handle, page.pair, study="distribution")
    target = session.current().target
    counted = stored[
        (stored["metric"] == "label_count")
        & (stored["other"] == "translation")
        & (stored["target"] == target)
    ]
    if counted.empty:
        return
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
        pair=page.pair,
        table=counted,
    )
    correlations(stored[stored["target"] == target])
    widgets.small(
        "Training the spaces uses no label: they are counted here for the analysis alone (W §4.3). "
        "Classes stand by falling count."
    )


def correlations(stored: pd.DataFrame) -> None:
    mine = stored[stored["metric"].isin(["correlation_spearman", "correlation_pearson"])]
    mine = mine.dropna(subset=["value"])
    if mine.empty:
        widgets.small("No correlation is defined: too few classes, or all counts are equal.")
        return
    table = summaries.spread(mine, ["metric", "system"])
    widgets.numbers(
        (
            f"{row['metric'].removeprefix('correlation_')}, labels and F1 of {row['system']}",
            summaries.number(row["mean"], 2),
            summaries.spread_text(row, 2),
            f"{row['n']} classes, " + summaries.runs_text(int(row["runs"]), int(row["splits"]))
            if row["n"] > 0
            else summaries.runs_text(int(row["runs"]), int(row["splits"])),
        )
        for _, row in table.iterrows()
    )
