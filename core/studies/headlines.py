"""Averages over splits and seeds, and the headline numbers of a study.

`summary` is the only place where stored measurements are averaged; pages and `report` both use
it, so they always agree.

    headlines.summary(rows, ["direction", "space"])   # one row per combination, with its scale
    headlines.table(study.measurements())             # the headline numbers of every encoder set
"""

from collections.abc import Sequence

import pandas as pd

from core.items import MODALITIES
from core.studies import zero_shot
from core.studies.mix_in import SINGLE_MODAL

DIRECTIONS = tuple(f"{a}_to_{b}" for a in MODALITIES for b in MODALITIES if a != b)
ENCODERS = ("audio", "image", "text")  # the columns that name an encoder set

# (name, its rows); for mix-in, `n_target` "zero" and "all" are the two ends of a curve.
HEADLINES: tuple[tuple[str, dict[str, str]], ...] = (
    *(
        (
            f"{label}, {direction}",
            {"study": "ranking", "space": space, "metric": metric, "system": ""}
            | {"direction": direction},
        )
        for space, metric, label in (
            ("translation", "ndcg_lift", "NDCG@30 lift over random"),
            ("translation", "precision@10", "precision@10"),
            ("translation", "precision@5", "precision@5"),
            ("pca", "precision@10", "precision@10 without translation"),
        )
        for direction in DIRECTIONS
    ),
    *(
        (
            f"{label}, target {target}",
            {"study": "mix_in", "metric": "macro_f1", "system": system}
            | {"target": target, "n_target": n_target},
        )
        for system, n_target, label in (
            ("MMT", "zero", "zero-shot MMT, macro F1"),
            ("MMP", "zero", "zero-shot MMP, macro F1"),
            ("MMT", "all", "MMT with everything, macro F1"),
            ("MMP", "all", "MMP with everything, macro F1"),
        )
        for target in MODALITIES
    ),
    *(
        (f"{system}, macro F1", {"study": "mix_in", "metric": "macro_f1", "system": system})
        for system in SINGLE_MODAL.values()
    ),
    *(
        (
            f"zero-shot by name, {label}{where}, target {target}",
            {"study": "zero_shot", "space": space, "metric": metric, "system": zero_shot.NAMES}
            | {"target": target}
            | ({"direction": f"text_to_{target}"} if metric == "roc_auc" else {}),
        )
        for space, where in (("translation", ""), ("generation", " in the text space"))
        for metric, label in (("accuracy", "accuracy"), ("roc_auc", "ROC-AUC per tag"))
        for target in MODALITIES
        if target != "text"
    ),
    (
        "tags of musicnn, supervised, ROC-AUC per tag, target audio",
        {"study": "zero_shot", "space": "supervised", "metric": "roc_auc", "system": "musicnn"}
        | {"target": "audio", "direction": "text_to_audio"},
    ),
)


def summary(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """One row for each combination of `by`: the mean over splits and seeds, and its scale.

    Columns: `by`; `mean` over splits of the mean over seeds; `sd` over splits, or over seeds with
    a single split, NaN for a single number; the numbers of `runs` and `splits`; `low` and `high`,
    the mean bootstrap bounds; `n`, `gallery_size` and `chance`, means.
    """
    columns = [*by, "mean", "sd", "runs", "splits", "low", "high", "n", "gallery_size", "chance"]
    if frame.empty:
        return pd.DataFrame(columns=columns)
    split_means = frame.groupby([*by, "split"], sort=False, dropna=False)["value"].mean()
    over_splits = split_means.groupby(list(by), sort=False, dropna=False).agg(["mean", "std"])
    grouped = frame.groupby(list(by), sort=False, dropna=False)
    table = grouped.agg(
        sd=("value", "std"),
        runs=("value", "size"),
        splits=("split", "nunique"),
        low=("low", "mean"),
        high=("high", "mean"),
        n=("n", "mean"),
        gallery_size=("gallery_size", "mean"),
        chance=("chance", "mean"),
    )
    table["mean"] = over_splits["mean"]
    table["sd"] = table["sd"].where(table["splits"] == 1, over_splits["std"])
    table = table.reset_index()
    for name in ("n", "gallery_size"):
        table[name] = table[name].round().astype(int)
    return table[columns]


def table(measurements: pd.DataFrame) -> pd.DataFrame:
    """`audio, image, (text,) what, mean, sd, chance, n, n_splits`: one row per headline.

    The numbers are those of `summary`; there is a column for each modality of the measurements.
    """
    encoders = [name for name in ENCODERS if name in measurements.columns]
    columns = [*encoders, "what", "mean", "sd", "chance", "n", "n_splits"]
    metrics = {wanted["metric"] for _, wanted in HEADLINES}
    overall = measurements[(measurements["class"] == "") & measurements["metric"].isin(metrics)]
    parts = [
        _choose(overall, wanted, [*encoders, "split"]).assign(what=what)
        for what, wanted in HEADLINES
    ]
    found = summary(pd.concat(parts), [*encoders, "what"]).rename(columns={"splits": "n_splits"})
    order = [*map(tuple, overall[encoders].drop_duplicates().to_numpy())]
    rank = [order.index(tuple(names)) for names in found[encoders].to_numpy()]
    places = sorted(range(len(found)), key=rank.__getitem__)  # set by set, as they were stored
    return found.iloc[places].reset_index(drop=True)[columns]


def _choose(frame: pd.DataFrame, wanted: dict[str, str], one_run: list[str]) -> pd.DataFrame:
    """The rows of a headline; "all" is the largest `n_target` within equal `one_run` columns."""
    for column, value in wanted.items():
        if column != "n_target":
            frame = frame[frame[column] == value]
    if wanted.get("n_target") == "zero":
        return frame[frame["n_target"] == 0]
    if wanted.get("n_target") == "all":
        return frame[frame["n_target"] == frame.groupby(one_run)["n_target"].transform("max")]
    return frame
