"""This study's own numbers for each of W's findings.

Functions take stored measurements (`core.studies.measure`) and return the paper's finding with this
study's value. Means are over splits and seeds. A finding without stored rows, or about classes that
the study does not have, has no counterpart.

    counterparts.mix_in(rows)     # figure 3, of one encoder set
    counterparts.ranking(rows)    # figure 2, of a whole grid
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.encoder_sets import CROSS
from core.references import wu2021
from core.references.reference import Reference, find
from core.studies import centroid_matrix
from core.studies.headlines import summary
from core.studies.mix_in import SINGLE_MODAL, zero_shot_share

SHARE, SCORE, RATIO, TIMES, NAME = "share", "score", "ratio", "times chance", "name"
DIRECTIONS = ("audio_to_image", "image_to_audio")  # those of W
N_FAR = 3
BEST, WEAKEST = ("yamnet", "resnet50"), "openl3_image"


@dataclass(frozen=True)
class Counterpart:
    """A reported finding and this study's own.

    Attributes
    ----------
    values : `(label, value)`, the label a modality, a direction, a name or ""; NaN if only the
        label matters
    unit : how to read a value
    same : whether the study agrees with the finding; None if that is not a yes or no
    n : the number of items of each value, if it is not the whole test subset
    """

    reference: Reference
    values: tuple[tuple[str, float], ...]
    unit: str
    same: bool | None = None
    n: tuple[int, ...] = ()


def ranking(rows: pd.DataFrame) -> list[Counterpart]:
    """Figure 2, from the ranking rows of every encoder set."""
    mine = rows[
        (rows["metric"] == "ndcg@30") & (rows["class"] == "") & rows["direction"].isin(DIRECTIONS)
    ]
    translated = mine[(mine["space"] == "translation") & (mine["system"] == "")]
    if translated.empty:
        return []
    found = []
    scores = summary(translated, ["audio", "image", "direction"])
    low, high = float(scores["mean"].min()), float(scores["mean"].max())
    ends = (("lowest", low), ("highest", high)) if len(scores) > 1 else (("", low),)
    found.append(_found("ndcg_range", ends, SCORE))
    by_set = scores.groupby(["audio", "image"], sort=False)["mean"].mean()
    if len(by_set) > 1:
        best = by_set.idxmax()
        same = tuple(best) == BEST if BEST in by_set.index else None
        label = CROSS.join(str(name) for name in best)
        found.append(_found("best_encoder_set", ((label, float(by_set.max())),), SCORE, same))
    by_image = scores.groupby("image", sort=False)["mean"].mean()
    if len(by_image) > 1:
        worst = str(by_image.idxmin())
        same = worst == WEAKEST if WEAKEST in by_image.index else None
        value = ((worst, float(by_image.min())),)
        found.append(_found("weakest_image_encoder", value, SCORE, same))
    native = mine[(mine["space"] == "native") & (mine["system"] == "")]
    random = mine[mine["system"] == "random"]
    one = find(wu2021.REPORTED, "random_beats_untranslated")
    native, random = (part[part["direction"] == one.direction] for part in (native, random))
    if len(native) and len(random):
        plain = summary(native, ["audio", "image"])
        sets = [tuple(names) for names in plain[["audio", "image"]].to_numpy()]
        order = float(summary(random, ["direction"])["mean"].iloc[0])
        row = sets.index(wu2021.UNTRANSLATED) if wu2021.UNTRANSLATED in sets else 0
        score = float(plain["mean"].iloc[row])
        same = order > score if sets[row] == wu2021.UNTRANSLATED else None
        values = (("random", order), (CROSS.join(sets[row]), score))
        found.append(Counterpart(one, values, SCORE, same))
    return found


def mix_in(rows: pd.DataFrame) -> list[Counterpart]:
    """Figure 3, from the mix-in rows of one encoder set."""
    mine = rows[rows["metric"] == "macro_f1"]
    if mine.empty:
        return []
    shares = zero_shot_share(mine.to_dict("records"))
    table = summary(mine, ["target", "system", "n_target"])
    targets = list(dict.fromkeys(table["target"]))
    values: dict[str, list[tuple[str, float]]] = {}
    for target in targets:
        of = table[table["target"] == target]
        ends = {
            system: part.sort_values("n_target")["mean"].to_numpy()
            for system, part in of.groupby("system", sort=False)
        }
        single = ends.get(SINGLE_MODAL.get(str(target), ""))
        chance = float(of["chance"].mean())
        if target in shares:
            values.setdefault("zero_shot_share", []).append((target, shares[target]))
        pca, translated = ends.get("MMP"), ends.get("MMT")
        if pca is not None and chance > 0:
            values.setdefault("zero_shot_pca", []).append((target, pca[0] / chance))
        if pca is not None and single is not None and single[-1] > 0:
            values.setdefault("pca_with_all", []).append((target, pca[-1] / single[-1]))
        if pca is not None and translated is not None and pca[-1] > 0:
            ratio = translated[-1] / pca[-1]
            values.setdefault("translation_with_all", []).append((target, ratio))
    units = {"zero_shot_pca": TIMES}
    agrees = {"translation_with_all": lambda found: all(value < 1 for _, value in found)}
    return [
        _found(
            key,
            tuple((name, float(value)) for name, value in found),
            units.get(key, SHARE),
            agrees[key](found) if key in agrees else None,
        )
        for key, found in values.items()
    ]


def centroids(rows: pd.DataFrame) -> list[Counterpart]:
    """Figure 4, from the centroid rows of one encoder set."""
    spaces = {
        space: centroid_matrix.read(rows, space, "euclidean", "modality", ())
        for space in ("pca", "translation")
    }
    if any(not space.names for space in spaces.values()):
        return []
    found = []
    mean = {name: _mean_between(space.distances) for name, space in spaces.items()}
    ratio = mean["translation"] / mean["pca"]
    values = (("translation", mean["translation"]), ("pca", mean["pca"]))
    found.append(_found("distances_shrink", values, SCORE, ratio < 1))
    ratios = summary(
        rows[(rows["metric"] == "class_distance_ratio") & (rows["space"] == "translation")],
        ["class", "other"],
    )
    if len(ratios):
        by_modalities = tuple(
            (f"{row['class']}_to_{row['other']}", float(row["mean"]))
            for _, row in ratios.iterrows()
        )
        same = all(value < 1 for _, value in by_modalities)
        found.append(_found("classes_come_together", by_modalities, RATIO, same))
    names, matrix = spaces["pca"].names, spaces["pca"].distances
    kinds = np.array([kind for kind, _ in names], dtype=object)
    within = {
        kind: _mean_between(matrix[np.ix_(kinds == kind, kinds == kind)])
        for kind in ("audio", "image")
        if (kinds == kind).sum() > 1
    }
    if len(within) == 2:
        same = within["audio"] < within["image"]
        found.append(_found("sounds_are_closer", tuple(within.items()), SCORE, same))
    pictures = np.flatnonzero(kinds == "image")
    if len(pictures) > N_FAR:
        reach = np.nanmean(np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix), axis=1)
        far = pictures[np.argsort(-reach[pictures], kind="stable")[:N_FAR]]
        listed = tuple((names[row][1], float("nan")) for row in far)
        known = set(wu2021.FAR_PICTURES) <= {names[row][1] for row in pictures}
        alike = {name for name, _ in listed} == set(wu2021.FAR_PICTURES)
        found.append(_found("far_pictures", listed, NAME, alike if known else None))
    names, matrix = spaces["translation"].names, spaces["translation"].distances
    blended = np.array([name in wu2021.BLENDED for _, name in names])
    if blended.sum() > 2 and not blended.all():
        share = _mean_between(matrix[np.ix_(blended, blended)]) / mean["translation"]
        found.append(_found("blended_classes", (("", share),), RATIO, share < 1))
    return found


def confusions(rows: pd.DataFrame) -> list[Counterpart]:
    """Figure 5, from the classification rows of one encoder set."""
    mine = rows[rows["metric"] == "confusion"]
    found = []
    totals: dict[str, float] = {}
    for one, other, _ in wu2021.CONFUSED:
        shares: list[tuple[str, float]] = []
        sizes: list[int] = []
        for target in dict.fromkeys(mine["target"]):
            for system in ("MMT", "MMP"):
                crossed, n = _confused(mine, system, str(target), one, other)
                if not n:
                    continue
                totals[system] = totals.get(system, 0.0) + crossed / n
                if system == "MMT":
                    shares.append((str(target), crossed / n))
                    sizes.append(n)
        if shares:
            key = f"confused_{one}_{other}"
            found.append(_found(key, tuple(shares), SHARE, n=tuple(sizes)))
    if totals.get("MMT", 0) > 0 and "MMP" in totals:
        ratio = totals["MMP"] / totals["MMT"]
        found.append(_found("pca_confuses_less", (("", ratio),), RATIO, ratio < 1))
    return found


def distribution(rows: pd.DataFrame) -> list[Counterpart]:
    """Figure 6, from the distribution rows of one encoder set."""
    mine = rows[(rows["metric"] == "correlation_spearman") & (rows["system"] == "MMT")]
    mine = mine.dropna(subset=["value"])
    if mine.empty:
        return []
    table = summary(mine, ["target"])
    values = tuple((str(row["target"]), float(row["mean"])) for _, row in table.iterrows())
    positive = all(value > 0 for _, value in values)
    return [_found("rare_classes_suffer", values, RATIO, positive)]


def _found(
    key: str,
    values: tuple[tuple[str, float], ...],
    unit: str,
    same: bool | None = None,
    n: tuple[int, ...] = (),
) -> Counterpart:
    return Counterpart(find(wu2021.REPORTED, key), values, unit, same, n)


def _mean_between(matrix: np.ndarray) -> float:
    """The mean distance of two different centroids."""
    return float(np.nanmean(matrix[~np.eye(len(matrix), dtype=bool)]))


def _confused(
    rows: pd.DataFrame, system: str, target: str, one: str, other: str
) -> tuple[int, int]:
    """The test items of two classes that are predicted as the other class, and all of theirs.

    Both numbers are 0 if the study does not have both classes.
    """
    mine = rows[(rows["system"] == system) & (rows["target"] == target)]
    mine = mine[mine["class"].isin([one, other])]
    if mine["class"].nunique() < 2:
        return 0, 0
    crossed = mine[mine["other"].isin([one, other]) & (mine["class"] != mine["other"])]
    return int(crossed["value"].sum()), int(mine["value"].sum())
