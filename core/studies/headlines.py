"""Averages over splits and seeds, and the headline numbers of a study.

`summary` is the only place where stored measurements are averaged; pages and `report` both use
it, so they always agree.

    headlines.summary(rows, ["direction", "space"])   # one row per combination, with its scale
    headlines.table(study.measurements())             # the headline numbers of every encoder set
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.items import MODALITIES
from core.kept import kept
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
            ("united", "ndcg_lift", "NDCG@30 lift over random in the united space"),
            ("united", "precision@10", "precision@10 in the united space"),
            ("united", "modality_gap", "modality gap in the united space"),
            ("cca", "precision@10", "precision@10 in the space of CCA"),
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
            ("SMT", "zero", "zero-shot SMT, macro F1"),
            ("SMT", "all", "SMT with everything, macro F1"),
        )
        for target in MODALITIES
    ),
    *(
        (
            f"{system}, macro F1",
            {"study": "mix_in", "metric": "macro_f1", "system": system, "n_target": "all"},
        )
        for system in SINGLE_MODAL.values()
    ),
    *(
        (
            f"zero-shot by name, {label}{where}, target {target}",
            {"study": "zero_shot", "space": space, "metric": metric, "system": zero_shot.NAMES}
            | {"target": target}
            | ({"direction": f"text_to_{target}"} if metric.startswith("roc_auc") else {}),
        )
        for space, where in (
            ("translation", ""),
            ("generation", " in the text space"),
            ("generation_tuned", " in the fine-tuned text space"),
        )
        for metric, label in (
            ("accuracy", "accuracy"),
            ("accuracy_unseen", "accuracy of unseen tags"),
            ("roc_auc", "ROC-AUC per tag"),
            ("roc_auc_unseen", "ROC-AUC per unseen tag"),
        )
        for target in MODALITIES
        if target != "text"
    ),
    (
        "tags of musicnn, supervised, ROC-AUC per tag, target audio",
        {"study": "zero_shot", "space": "supervised", "metric": "roc_auc", "system": "musicnn"}
        | {"target": "audio", "direction": "text_to_audio"},
    ),
)


@kept(most=512)
def summary(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """One row for each combination of `by`: the mean over splits, trainings and seeds, its scale.

    Columns: `by`; `mean` over splits of the mean over trainings of the mean over seeds; `sd` over
    splits, with a single split over trainings, with a single training over seeds, NaN for a single
    number; the numbers of `runs`, `splits` and `trainings` (of one split); `low` and `high`, the
    mean bootstrap bounds; `n`, `gallery_size` and `chance`, means.
    """
    sizes = ["runs", "splits", "trainings", "low", "high", "n", "gallery_size", "chance"]
    columns = [*by, "mean", "sd", *sizes]
    if frame.empty:
        return pd.DataFrame(columns=columns)
    if "training" not in frame:
        frame = frame.assign(training=0)

    def grouped(values: pd.Series | pd.DataFrame, *more: str) -> Any:
        return values.groupby([*by, *more], sort=False, dropna=False)

    fits = grouped(frame, "split", "training")["value"].mean()
    split_means = grouped(fits, "split").mean()
    table = grouped(frame).agg(
        sd=("value", "std"),
        runs=("value", "size"),
        splits=("split", "nunique"),
        trainings=("training", "nunique"),
        low=("low", "mean"),
        high=("high", "mean"),
        n=("n", "mean"),
        gallery_size=("gallery_size", "mean"),
        chance=("chance", "mean"),
    )
    table["mean"] = grouped(split_means).mean()
    table["sd"] = table["sd"].where(table["trainings"] == 1, grouped(fits).std())
    table["sd"] = table["sd"].where(table["splits"] == 1, grouped(split_means).std())
    table = table.reset_index()
    for name in ("n", "gallery_size"):
        table[name] = table[name].round().astype(int)
    return table[columns]


def spread_over(splits: int, trainings: int, runs: int) -> str:
    """What the standard deviation of a summary's row covers, in words; "" for a single number."""
    if splits > 1:
        return f"{splits} splits"
    if trainings > 1:
        return f"{trainings} trainings"
    return f"{runs} draws" if runs > 1 else ""


def table(measurements: pd.DataFrame) -> pd.DataFrame:
    """`audio, image, (text,) what, mean, sd, over, chance, n, n_splits`: one row per headline.

    The numbers are those of `summary`; `over` says what `sd` covers. There is a column for each
    modality of the measurements.
    """
    encoders = [name for name in ENCODERS if name in measurements.columns]
    columns = [*encoders, "what", "mean", "sd", "over", "chance", "n", "n_splits"]
    metrics = {wanted["metric"] for _, wanted in HEADLINES}
    overall = measurements[(measurements["class"] == "") & measurements["metric"].isin(metrics)]
    parts = [
        _choose(overall, wanted, [*encoders, "split"]).assign(what=what)
        for what, wanted in HEADLINES
    ]
    found = summary(pd.concat(parts), [*encoders, "what"]).rename(columns={"splits": "n_splits"})
    sizes = found[["n_splits", "trainings", "runs"]].astype(int).to_numpy().tolist()
    found["over"] = [spread_over(*row) for row in sizes]
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
