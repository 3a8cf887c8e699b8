"""Label distribution (W figure 6) and whether classes seen more often are classified better.

W's analysis (§4.3): the subset that trains the translation is skewed, and its rare classes are
those that MMT confuses. Labels are counted after the fact; no training here has used them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import UserError

Row = dict[str, Any]

_FEWEST_CLASSES = 3  # two points always lie on a line


def label_counts(
    subsets: Sequence[str],
    modalities: Sequence[str],
    labels: Sequence[Sequence[str]],
    classes: Sequence[str],
) -> list[Row]:
    """How many items of each subset and modality carry each class.

    subsets, modalities, labels: one each an item; an item of several labels counts for each of
    them, once. Rows `{metric: "label_count", other: subset, target: modality, class, value, n}`,
    subsets and modalities sorted, classes in the order given, 0 where there are none; n is the
    number of items of that subset and modality, also those of no class.
    """
    if not len(subsets) == len(modalities) == len(labels):
        raise ValueError(
            f"{len(subsets)} subsets, {len(modalities)} modalities and {len(labels)} label lists: "
            "expected one each an item"
        )
    n_items = Counter(zip(subsets, modalities, strict=True))
    counts = Counter(
        (subset, modality, label)
        for subset, modality, own in zip(subsets, modalities, labels, strict=True)
        for label in set(own)
    )
    return [
        {
            "metric": "label_count",
            "other": subset,
            "target": modality,
            "class": class_,
            "value": float(counts[subset, modality, class_]),
            "n": n,
        }
        for (subset, modality), n in sorted(n_items.items())
        for class_ in classes
    ]


def imbalance(counts: Mapping[str, float]) -> list[Row]:
    """How skewed class counts are, in two rows `{metric, value, n}`; n counts the classes.

    imbalance_ratio  the most frequent class over the least frequent one that occurs
    label_evenness   Shannon entropy over that of equal counts (Pielou 1966): 1 is balanced
    Raises UserError when no class has an item.
    """
    values = np.array([value for value in counts.values() if value > 0], dtype=np.float64)
    if len(values) == 0:
        raise UserError(
            "The label distribution is empty: no item of this subset carries any of the classes, "
            "so check the labels or choose another subset."
        )
    share = values / values.sum()
    n = len(counts)
    evenness = float(-(share * np.log(share)).sum() / np.log(n)) if n > 1 else 1.0
    return [
        {"metric": "imbalance_ratio", "value": float(values.max() / values.min()), "n": n},
        {"metric": "label_evenness", "value": evenness, "n": n},
    ]


def correlation(counts: Mapping[str, float], scores: Mapping[str, float]) -> list[Row]:
    """Does a class that occurs more often score better? Over the classes that have both numbers.

    counts: items per class (of the translation subset); scores: F1 per class. Rows
    `{metric, value, n}` with metrics correlation_spearman (ranks, so that a skew does not lead),
    correlation_pearson (raw counts), and the two-sided p-value of each, metric + "_p". No rows
    where a correlation means nothing: fewer than three classes, or all counts or scores equal.
    """
    shared = [
        name
        for name in counts
        if name in scores and np.isfinite(counts[name]) and np.isfinite(scores[name])
    ]
    x = np.array([counts[name] for name in shared], dtype=np.float64)
    y = np.array([scores[name] for name in shared], dtype=np.float64)
    if len(shared) < _FEWEST_CLASSES or np.ptp(x) == 0 or np.ptp(y) == 0:
        return []
    from scipy.stats import pearsonr, spearmanr

    rows: list[Row] = []
    for name, found in (("spearman", spearmanr(x, y)), ("pearson", pearsonr(x, y))):
        metric = f"correlation_{name}"
        rows.append({"metric": metric, "value": float(found.statistic), "n": len(shared)})
        rows.append({"metric": f"{metric}_p", "value": float(found.pvalue), "n": len(shared)})
    return rows
