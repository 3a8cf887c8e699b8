"""This study's own numbers for each of W's findings.

Functions take stored measurements (`core.studies.measure`) and return the paper's finding with this
study's value. Means are over splits and seeds. A finding without stored rows, or about classes that
the study does not have, has no counterpart.

    counterparts.mix_in(rows)     # figure 3, of one encoder set
    counterparts.ranking(rows)    # figure 2, of a whole grid
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.encoder_sets import CROSS
from core.kept import kept
from core.references import evidence, wu2021
from core.references.evidence import Verdict
from core.references.reference import Reference, find
from core.studies import centroid_matrix
from core.studies.centroid_matrix import CentroidMatrix
from core.studies.headlines import summary
from core.studies.mix_in import SINGLE_MODAL, of_w, zero_shot_share

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
    verdict : whether the study agrees with the finding; None if that is not a yes or no
    n : the number of items of each value, if it is not the whole test subset
    """

    reference: Reference
    values: tuple[tuple[str, float], ...]
    unit: str
    verdict: Verdict | None = None
    n: tuple[int, ...] = ()


@kept(most=32)
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
        label = CROSS.join(str(name) for name in best)
        verdict = None
        if BEST in by_set.index:
            rival = by_set.drop(index=[BEST]).idxmax()
            verdict = _lead(*(_of_set(translated, names) for names in (BEST, rival)))
        found.append(_found("best_encoder_set", ((label, float(by_set.max())),), SCORE, verdict))
    by_image = scores.groupby("image", sort=False)["mean"].mean()
    if len(by_image) > 1:
        worst = str(by_image.idxmin())
        value = ((worst, float(by_image.min())),)
        verdict = None
        if WEAKEST in by_image.index:
            rival = by_image.drop(index=WEAKEST).idxmin()
            verdict = _lead(*(translated[translated["image"] == name] for name in (rival, WEAKEST)))
        found.append(_found("weakest_image_encoder", value, SCORE, verdict))
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
        theirs = sets[row] == wu2021.UNTRANSLATED
        verdict = _lead(random, _of_set(native, sets[row])) if theirs else None
        values = (("random", order), (CROSS.join(sets[row]), score))
        found.append(Counterpart(one, values, SCORE, verdict))
    return found


@kept(most=32)
def mix_in(rows: pd.DataFrame) -> list[Counterpart]:
    """Figure 3, from the mix-in rows of one encoder set."""
    mine = of_w(rows[rows["metric"] == "macro_f1"])
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
    behind = {
        target: _behind(mine[mine["target"] == target])
        for target, _ in values.get("translation_with_all", [])
    }
    return [
        _found(
            key,
            tuple((name, float(value)) for name, value in found),
            units.get(key, SHARE),
            evidence.together(behind) if key == "translation_with_all" else None,
        )
        for key, found in values.items()
    ]


@kept(most=32)
def centroids(rows: pd.DataFrame) -> list[Counterpart]:
    """Figure 4, from the centroid rows of one encoder set.

    Distances of the two spaces are compared after each was divided by its space's scale.
    """
    spaces = {
        space: centroid_matrix.read(rows, space, "normalised", "modality", ())
        for space in ("pca", "translation")
    }
    if any(not space.names for space in spaces.values()):
        return []
    (kinds, names), pca = _arrays(spaces["pca"])
    found = []
    if spaces["pca"].names == spaces["translation"].names:
        after = spaces["translation"].distances
        values = (("translation", evidence.between(after)), ("pca", evidence.between(pca)))
        verdict = _over_classes(lambda use: _mean(after, use) / _mean(pca, use), names, "ratio")
        found.append(_found("distances_shrink", values, SCORE, verdict))
    found += _classes_together(spaces["translation"])
    sides = {kind: kinds == kind for kind in ("audio", "image")}
    if all(side.sum() > 1 for side in sides.values()):
        both = tuple(
            (kind, evidence.between(pca[np.ix_(side, side)])) for kind, side in sides.items()
        )
        verdict = _over_classes(
            lambda use: _mean(pca, use & sides["audio"]) / _mean(pca, use & sides["image"]),
            names,
            "ratio",
        )
        found.append(_found("sounds_are_closer", both, SCORE, verdict))
    pictures = np.flatnonzero(sides["image"])
    if len(pictures) > N_FAR:
        reach = np.nanmean(np.where(np.eye(len(pca), dtype=bool), np.nan, pca), axis=1)
        far = pictures[np.argsort(-reach[pictures], kind="stable")[:N_FAR]]
        listed = tuple((str(names[row]), float("nan")) for row in far)
        theirs = np.isin(names[pictures], wu2021.FAR_PICTURES)
        known = theirs.sum() == len(wu2021.FAR_PICTURES)
        rank = evidence.higher_ranks(reach[pictures], theirs) if known else None
        found.append(_found("far_pictures", listed, NAME, rank))
    (_, names), translated = _arrays(spaces["translation"])
    blended = np.isin(names, wu2021.BLENDED)
    if blended.sum() > 2 and not blended.all():
        share = evidence.between(translated[np.ix_(blended, blended)])
        share /= evidence.between(translated)
        verdict = evidence.closer_than_any(translated, blended, list(names))
        found.append(_found("blended_classes", (("", share),), RATIO, verdict))
    return found


@kept(most=32)
def confusions(rows: pd.DataFrame) -> list[Counterpart]:
    """Figure 5, from the classification rows of one encoder set."""
    mine = rows[rows["metric"] == "confusion"]
    found = []
    totals: dict[str, float] = {}
    counts = {"MMT": (0, 0), "MMP": (0, 0)}
    for one, other, _ in wu2021.CONFUSED:
        shares: list[tuple[str, float]] = []
        sizes: list[int] = []
        for target in dict.fromkeys(mine["target"]):
            for system in ("MMT", "MMP"):
                crossed, n = _confused(mine, system, str(target), one, other)
                if not n:
                    continue
                totals[system] = totals.get(system, 0.0) + crossed / n
                counts[system] = (counts[system][0] + crossed, counts[system][1] + n)
                if system == "MMT":
                    shares.append((str(target), crossed / n))
                    sizes.append(n)
        if shares:
            key = f"confused_{one}_{other}"
            found.append(_found(key, tuple(shares), SHARE, n=tuple(sizes)))
    if totals.get("MMT", 0) > 0 and "MMP" in totals:
        ratio = totals["MMP"] / totals["MMT"]
        verdict = evidence.rarer(*counts["MMP"], *counts["MMT"])
        found.append(_found("pca_confuses_less", (("", ratio),), RATIO, verdict))
    return found


@kept(most=32)
def distribution(rows: pd.DataFrame) -> list[Counterpart]:
    """Figure 6, from the distribution rows of one encoder set."""
    mine = rows[(rows["metric"] == "correlation_spearman") & (rows["system"] == "MMT")]
    mine = mine.dropna(subset=["value"])
    if mine.empty:
        return []
    table = summary(mine, ["target"])
    values = tuple((str(row["target"]), float(row["mean"])) for _, row in table.iterrows())
    verdict = evidence.together(
        {
            str(row["target"]): evidence.correlated(float(row["mean"]), int(row["n"]))
            for _, row in table.iterrows()
        }
    )
    return [_found("rare_classes_suffer", values, RATIO, verdict)]


def _found(
    key: str,
    values: tuple[tuple[str, float], ...],
    unit: str,
    verdict: Verdict | None = None,
    n: tuple[int, ...] = (),
) -> Counterpart:
    return Counterpart(find(wu2021.REPORTED, key), values, unit, verdict, n)


def _of_set(rows: pd.DataFrame, names: tuple[str, str]) -> pd.DataFrame:
    return rows[(rows["audio"] == names[0]) & (rows["image"] == names[1])]


def _lead(ours: pd.DataFrame, others: pd.DataFrame) -> Verdict:
    """Whether the scores of one part are above another's: over splits, or over queries."""
    ahead = ours.groupby("split")["value"].mean() - others.groupby("split")["value"].mean()
    if len(ahead) > 1:
        low, high = evidence.mean_interval(ahead.tolist())
        over = f"{len(ahead)} splits"
    else:
        halves = [((part["high"] - part["low"]) / 2).mean() for part in (ours, others)]
        half = float(np.hypot(*halves))
        low, high = float(ahead.mean()) - half, float(ahead.mean()) + half
        over = "queries"
    value = float(ahead.mean())
    return evidence.by_interval(value, low, high, limit=0.0, below=False, over=over)


def _behind(rows: pd.DataFrame) -> Verdict:
    """Whether MMT is below MMP with all data of one target: their ratio over splits, over trainings
    of a single split, or over draws of a single training."""
    most = rows[rows["n_target"] == rows["n_target"].max()]
    of = {system: most[most["system"] == system] for system in ("MMT", "MMP")}
    means = {system: part.groupby("split")["value"].mean() for system, part in of.items()}
    ratios, over = means["MMT"] / means["MMP"], "splits"
    if len(ratios) == 1 and "training" in most and of["MMT"]["training"].nunique() > 1:
        fits = of["MMT"].groupby("training")["value"].mean()
        ratios, over = fits / float(of["MMP"]["value"].mean()), "trainings"
    elif len(ratios) == 1:
        draws = [part.groupby("seed")["value"].mean() for part in of.values()]
        ratios, over = (draws[0] / draws[1]).dropna(), "draws of one fit"
    low, high = evidence.mean_interval(ratios.tolist())
    value, covers = float(ratios.mean()), f"{len(ratios)} {over}"
    return evidence.by_interval(value, low, high, limit=1.0, below=True, over=covers)


def _classes_together(space: CentroidMatrix) -> list[Counterpart]:
    """The distance of a class's two centroids over that of different classes, across modalities."""
    (kinds, names), distances = _arrays(space)
    values: list[tuple[str, float]] = []
    verdicts = {}
    for one, other in itertools.combinations(dict.fromkeys(kinds), 2):
        across = (kinds[:, None] == one) & (kinds[None, :] == other)
        same = across & (names[:, None] == names[None, :])
        apart = across & ~same
        if not same.any() or not apart.any():
            continue

        def ratio(use: np.ndarray, same: np.ndarray = same, apart: np.ndarray = apart) -> float:
            both = use[:, None] & use[None, :]
            return float(np.nanmean(distances[same & both]) / np.nanmean(distances[apart & both]))

        values.append((f"{one}_to_{other}", ratio(np.ones(len(names), dtype=bool))))
        verdicts[f"{one}_to_{other}"] = _over_classes(ratio, names, "ratio")
    if not values:
        return []
    return [_found("classes_come_together", tuple(values), RATIO, evidence.together(verdicts))]


def _over_classes(ratio: Callable[[np.ndarray], float], names: np.ndarray, what: str) -> Verdict:
    """Whether a ratio of distances is below 1, as classes are left out in turn."""
    value, low, high = evidence.ratio_over_classes(ratio, list(names))
    found = evidence.by_interval(value, low, high, limit=1.0, below=True, over="classes")
    return Verdict(found.outcome, f"{what} {found.test}")


def _arrays(space: CentroidMatrix) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The modality and the class of each centroid, and the distances."""
    kinds = np.array([kind for kind, _ in space.names], dtype=object)
    names = np.array([name for _, name in space.names], dtype=object)
    return (kinds, names), space.distances


def _mean(matrix: np.ndarray, use: np.ndarray) -> float:
    return evidence.between(matrix[np.ix_(use, use)])


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
