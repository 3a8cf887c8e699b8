"""The measures of two spaces in one table, with their difference."""

import itertools

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import theme
from core.kept import kept
from core.studies import headlines, zero_shot
from core.studies.forest_cells import COMBINED
from dashboard import data
from dashboard.shared import summaries, widgets
from dashboard.views.compare.form import Side

METRICS = (
    "ndcg@30",
    "ndcg_lift",
    "precision@10",
    "recall@10",
    "map",
    "median_rank",
    "modality_gap",
    "hubness",
    "class_distance_ratio",
    "nearest_centroid_accuracy",
    "alignment",
    "uniformity",
)
ZERO_SHOT = ("accuracy", "roc_auc", "pr_auc")
ENDS = {"": "", "_seen": ", seen tags", "_unseen": ", unseen tags"}
KEYS, SHOWN = ["measure", "of"], ["mean", "sd", "chance", "n", "runs"]


def show(left: Side, right: Side) -> None:
    st.subheader("Numbers", anchor=False)
    try:
        tables = [measures(left), measures(right)]
    except UserError as error:
        widgets.notice(str(error))
        return
    rows = pd.concat([table[KEYS] for table in tables]).drop_duplicates()  # keeps their order
    for side, table in zip((left, right), tables, strict=True):
        named = table.rename(columns={name: f"{name} {side.name}" for name in SHOWN})
        rows = rows.merge(named, on=KEYS, how="left")
    after_left = len(KEYS) + len(SHOWN)
    rows.insert(after_left, "difference", rows["mean right"] - rows["mean left"])
    decimals = [name for name in rows if name.split()[0] in ("mean", "sd", "chance", "difference")]
    st.dataframe(
        rows,
        hide_index=True,
        height=420,
        placeholder="–",
        column_config=dict.fromkeys(decimals, st.column_config.NumberColumn(format="%.3f")),
    )
    widgets.csv_button(rows, left, "compare")
    widgets.small(
        "difference: right minus left. sd: the standard deviation over splits, or over draws where "
        "there is one split; a difference smaller than that means little. Lower is better for "
        "median rank, modality gap, hubness, class distance ratio, alignment and uniformity. "
        "Zero-shot tags are the classes' names alone; over text → sound each tag ranks its items, "
        "over sound → text each item its tags."
    )


@kept(most=64)
def measures(side: Side) -> pd.DataFrame:
    """`measure, of, mean, sd, chance, n, runs` of one space of one study."""
    rows = data.measurements(side.handle, side.encoder_set)
    mine = rows[(rows["space"] == side.space) & rows["metric"].isin(METRICS)]
    ranked = mine[(mine["study"] == "ranking") & (mine["system"] == "") & (mine["class"] == "")]
    shape = mine[mine["study"] == "geometry"]
    central = mine[mine["study"] == "centroids"]
    plural = theme.MODALITY_PLURALS
    central = central.assign(
        of=central["class"].replace(plural) + " to " + central["other"].replace(plural)
    )
    mixed = data.measurements(
        side.handle,
        side.encoder_set,
        study="mix_in",
        space=side.space,
        metric="macro_f1",
        system=["MMT", "MMP", COMBINED],
    )
    most = mixed.groupby("target")["n_target"].transform("max")
    of_smt = mixed["system"] == COMBINED
    parts = [
        _named(ranked, "direction"),
        *_tagged(rows[(rows["space"] == side.space) & (rows["study"] == "zero_shot")]),
        _named(central, "of"),
        _named(shape[shape["direction"] != ""], "direction"),
        _named(shape[shape["direction"] == ""], "target"),
        _named(mixed[~of_smt & (mixed["n_target"] == 0)], "target", "zero-shot "),
        _named(mixed[~of_smt & (mixed["n_target"] == most)], "target", "all data, "),
        _named(mixed[of_smt & (mixed["n_target"] == 0)], "target", "SMT, zero-shot "),
        _named(mixed[of_smt & (mixed["n_target"] == most)], "target", "SMT, all data, "),
    ]
    return pd.concat(parts, ignore_index=True)


def _tagged(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """The zero-shot measures by the tags' names: over all tags, seen ones and unseen ones."""
    named = rows[(rows["class"] == "") & (rows["system"] == zero_shot.NAMES)]
    parts = []
    for metric, (end, label) in itertools.product(ZERO_SHOT, ENDS.items()):
        mine = named[named["metric"] == f"{metric}{end}"]
        by = "target" if metric == "accuracy" else "direction"
        mine = mine.assign(metric=metric)
        parts.append(_named(mine, by, "zero-shot tags, ", label))
    return parts


def _named(rows: pd.DataFrame, by: str, prefix: str = "", end: str = "") -> pd.DataFrame:
    """The means of each metric and each value of a column, with names for people."""
    table = headlines.summary(rows, ["metric", by])
    names = {**theme.DIRECTION_NAMES, **theme.MODALITY_PLURALS}
    return table.assign(
        measure=[f"{prefix}{summaries.metric_name(name)}{end}" for name in table["metric"]],
        of=[names.get(name, name) for name in table[by]],
        runs=[summaries.runs_text(row) for _, row in table.iterrows()],
    )[[*KEYS, *SHOWN]]
