"""The same measures of two spaces in one table, with their difference."""

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import theme
from core.studies import headlines
from dashboard import data
from dashboard.shared import summaries, widgets
from dashboard.views.compare.form import Side

SUMMARIES = (
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
)


def show(left: Side, right: Side) -> None:
    st.subheader("Numbers", anchor=False)
    try:
        tables = [measures(left), measures(right)]
    except UserError as error:
        widgets.notice(str(error))
        return
    keys = ["measure", "of"]
    rows = pd.concat([table[keys] for table in tables]).drop_duplicates()  # in their own order
    joined = rows.merge(tables[0], on=keys, how="left").merge(
        tables[1], on=keys, how="left", suffixes=(" left", " right")
    )
    joined["difference"] = joined["mean right"] - joined["mean left"]
    columns = ["measure", "of"]
    for name in ("left", "right"):
        columns += [f"{what} {name}" for what in ("mean", "sd", "chance", "n", "runs")]
    columns.insert(7, "difference")
    number = st.column_config.NumberColumn(format="%.3f")
    numeric = [name for name in columns if name.split()[0] in ("mean", "sd", "chance")]
    st.dataframe(
        joined[columns],
        hide_index=True,
        height=420,
        placeholder="–",
        column_config=dict.fromkeys([*numeric, "difference"], number),
    )
    widgets.csv_button(joined[columns], left.handle, "compare", encoder_set=left.encoder_set)
    widgets.small(
        "difference is right minus left. sd is over splits, or over draws where there is one "
        "split; differences within it mean little. Lower is better for median rank, modality gap, "
        "hubness and class distance ratio."
    )


def measures(one: Side) -> pd.DataFrame:
    """`measure, of, mean, sd, chance, n, runs` of one space of one study."""
    rows = data.measurements(one.handle, one.encoder_set)
    mine = rows[(rows["space"] == one.space) & rows["metric"].isin(SUMMARIES)]
    ranked = mine[(mine["study"] == "ranking") & (mine["system"] == "") & (mine["class"] == "")]
    central = mine[mine["study"] == "centroids"]
    mixed = rows[(rows["study"] == "mix_in") & (rows["space"] == one.space)]
    mixed = mixed[(mixed["metric"] == "macro_f1") & mixed["system"].isin(["MMT", "MMP"])]
    most = mixed.groupby("target")["n_target"].transform("max")
    parts = [
        _named(ranked, "direction", ""),
        _named(central.assign(of=_sides(central)), "of", ""),
        _named(mixed[mixed["n_target"] == 0], "target", "zero-shot "),
        _named(mixed[mixed["n_target"] == most], "target", "all data, "),
    ]
    return pd.concat(parts, ignore_index=True)


def _sides(rows: pd.DataFrame) -> pd.Series:
    names = theme.MODALITY_PLURALS
    return rows["class"].replace(names) + " to " + rows["other"].replace(names)


def _named(rows: pd.DataFrame, by: str, prefix: str) -> pd.DataFrame:
    table = headlines.summary(rows, ["metric", by])
    names = {**theme.DIRECTION_NAMES, **theme.MODALITY_PLURALS}
    return pd.DataFrame(
        {
            "measure": [prefix + summaries.metric_name(name) for name in table["metric"]],
            "of": [names.get(name, name) for name in table[by]],
            "mean": table["mean"].astype(float),
            "sd": table["sd"].astype(float),
            "chance": table["chance"].astype(float),
            "n": table["n"].astype(int),
            "runs": [
                summaries.runs_text(int(row["runs"]), int(row["splits"]))
                for _, row in table.iterrows()
            ],
        }
    )
