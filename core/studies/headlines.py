"""The few numbers that a study is first asked for, averaged over splits and seeds.

One table, read by the Overview page and by ``report``, so that the two cannot disagree.
"""

import pandas as pd

# (what, the rows it rests on); of a mix-in, ``n_target`` "zero" and "all" pick its two ends.
HEADLINES: tuple[tuple[str, dict[str, str]], ...] = (
    tuple(
        (
            f"{label}, {direction}",
            {
                "study": "ranking",
                "space": space,
                "metric": metric,
                "system": "",
                "direction": direction,
            },
        )
        for space, metric, label in (
            ("translation", "ndcg_lift", "NDCG@30 lift over random"),
            ("translation", "precision@10", "precision@10"),
            ("translation", "precision@5", "precision@5"),
            ("pca", "precision@10", "precision@10 without translation"),
        )
        for direction in ("audio_to_image", "image_to_audio")
    )
    + tuple(
        (
            f"{label}, target {target}",
            {
                "study": "mixin",
                "metric": "macro_f1",
                "system": system,
                "target": target,
                "n_target": n_target,
            },
        )
        for system, n_target, label in (
            ("MMT", "zero", "zero-shot MMT, macro F1"),
            ("MMP", "zero", "zero-shot MMP, macro F1"),
            ("MMT", "all", "MMT with everything, macro F1"),
            ("MMP", "all", "MMP with everything, macro F1"),
        )
        for target in ("audio", "image")
    )
    + (
        ("SMA, macro F1", {"study": "mixin", "metric": "macro_f1", "system": "SMA"}),
        ("SMI, macro F1", {"study": "mixin", "metric": "macro_f1", "system": "SMI"}),
    )
)


def table(measurements: pd.DataFrame) -> pd.DataFrame:
    """``audio, image, what, mean, sd, chance, n, n_splits``: one row per headline.

    ``mean`` is over splits of the mean over seeds; ``sd`` over splits, or over seeds where there
    is one split (NaN where there is one number); ``n`` is the queries or test items of a split.
    """
    overall = measurements[measurements["class"] == ""]
    rows = []
    for (audio, image), frame in overall.groupby(["audio", "image"], sort=False):
        for what, wanted in HEADLINES:
            chosen = _choose(frame, wanted)
            if chosen.empty:
                continue
            by_split = chosen.groupby("split")["value"].mean()
            spread = by_split if len(by_split) > 1 else chosen["value"]
            rows.append(
                {
                    "audio": audio,
                    "image": image,
                    "what": what,
                    "mean": float(by_split.mean()),
                    "sd": float(spread.std()) if len(spread) > 1 else float("nan"),
                    "chance": float(chosen["chance"].mean()),
                    "n": int(chosen["n"].iloc[0]),
                    "n_splits": len(by_split),
                }
            )
    columns = ["audio", "image", "what", "mean", "sd", "chance", "n", "n_splits"]
    return pd.DataFrame(rows, columns=columns)


def _choose(frame: pd.DataFrame, wanted: dict[str, str]) -> pd.DataFrame:
    for column, value in wanted.items():
        if column != "n_target":
            frame = frame[frame[column] == value]
    if wanted.get("n_target") == "zero":
        return frame[frame["n_target"] == 0]
    if wanted.get("n_target") == "all":
        return frame[frame["n_target"] == frame.groupby("split")["n_target"].transform("max")]
    return frame
