"""Averaged measurements as text: metric names, numbers, intervals, sizes. No Streamlit here.

Rows come from `core.studies.headlines.summary`, the one place that averages.
"""

import numpy as np
import pandas as pd

from core.studies import mix_in
from core.studies.forest_cells import COMBINED

METRIC_NAMES = {
    "ndcg@30": "NDCG@30",
    "ndcg_lift": "NDCG lift",
    "macro_f1": "macro F1",
    "map": "mAP",
}


def metric_name(metric: str) -> str:
    return METRIC_NAMES.get(metric, metric.replace("_", " "))


def number(value: float, digits: int = 3) -> str:
    """A measurement as text; "–" where it is undefined."""
    if not np.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{digits}f}"


def std_or_interval(row: pd.Series, digits: int = 3) -> str:
    """`± 0.012` over splits or draws, else the bootstrap interval, else nothing."""
    if np.isfinite(row["sd"]):
        return f"± {row['sd']:.{digits}f}"
    if np.isfinite(row["low"]):
        return f"{number(row['low'], digits)} to {number(row['high'], digits)}"
    return ""


def headline(what: str, row: pd.Series, scale: str = "") -> tuple[str, str, str, str]:
    """A mean for `widgets.numbers`, with its standard deviation or interval and its scale."""
    return what, number(row["mean"]), std_or_interval(row), scale or scale_text(row)


def scale_text(row: pd.Series, gallery: str = "") -> str:
    """Chance, sizes and runs of a number in one line; `gallery` names the items of the gallery."""
    parts = []
    if np.isfinite(row["chance"]):
        parts.append(f"chance {number(row['chance'])}")
    if row["n"] > 0:
        parts.append(f"n = {row['n']:,}")
    if row["gallery_size"] > 0:
        parts.append(f"gallery of {row['gallery_size']:,} {gallery}".rstrip())
    parts.append(runs_text(row))
    return ", ".join(parts)


def runs_text(row: pd.Series) -> str:
    """The runs behind a mean: `5 splits × 5 draws`, `1 split × 3 trainings`."""
    runs, splits, trainings = (int(row[name]) for name in ("runs", "splits", "trainings"))
    by_split = "1 split" if splits == 1 else f"{splits} splits"
    if trainings > 1:
        return f"{by_split} × {trainings} trainings"
    draws = runs // splits if splits else runs
    return by_split if draws <= 1 else f"{by_split} × {draws} draws"


def confidence_text(system: str, confidence: float) -> str:
    """The share of a forest's votes for its class; SMT has no trees, but probabilities."""
    if system == COMBINED:
        return f"probability {confidence:.0%}"
    return f"{confidence:.0%} of the votes"


def zero_shot_share(rows: pd.DataFrame, target: str) -> tuple[float, str] | None:
    """The zero-shot share (W §4.2, see `core.studies.mix_in`), and the best system with its n.

    None without a zero-shot MMT.
    """
    mine = mix_in.of_w(rows[(rows["target"] == target) & (rows["metric"] == "macro_f1")])
    share = mix_in.zero_shot_share(mine.to_dict("records")).get(target)
    if share is None:
        return None
    system, n_target = mine.groupby(["system", "n_target"])["value"].mean().idxmax()
    at = "" if str(system).startswith("SM") else f" at n = {int(n_target):,}"
    return share, f"{system}{at}"
