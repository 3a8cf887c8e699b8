"""Label distribution (W figure 6), and whether frequent classes are classified better.

W's analysis (§4.3): the subset that trains the translation is skewed, and MMT confuses its rare
classes. Labels are only counted here; training does not use them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import UserError

Row = dict[str, Any]

_FEWEST_CLASSES = 3  # two points always correlate perfectly


def label_counts(
    subsets: Sequence[str],
    modalities: Sequence[str],
    labels: Sequence[Sequence[str]],
    classes: Sequence[str],
) -> list[Row]:
    """The number of items of each class, per subset and modality.

    `subsets`, `modalities` and `labels` have one entry per item; an item with several labels
    counts once for each. Rows are `{metric: "label_count", other: subset, target: modality, class,
    value, n}`, subsets and modalities sorted, classes in their order, 0 for none. n counts all
    items of that subset and modality, also those without a class.
    """
    if not len(subsets) == len(modalities) == len(labels):
        raise ValueError(
            f"{len(subsets)} subsets, {len(modalities)} modalities and {len(labels)} label lists: "
            "expected one of each per item"
        )
    n_items = Counter(zip(subsets, modalities, strict=True))
    counts = Counter(
        (subset, modality, label)
        for subset, modality, found in zip(subsets, modalities, labels, strict=True)
        for label in set(found)
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
    """The skew of class counts, as two rows `{metric, value, n}`; n counts the classes.

    imbalance_ratio  the most frequent class over the least frequent one that occurs
    label_evenness   Shannon entropy over that of equal counts (Pielou 1966): 1 is balanced

    Raises
    ------
    UserError
        No class has an item.
    """
    values = np.array([value for value in counts.values() if value > 0], dtype=np.float64)
    if len(values) == 0:
        raise UserError(
            "The label distribution is empty: no item of this subset has one of the classes; "
            "check the labels or choose another subset."
        )
    share = values / values.sum()
    n = len(counts)
    evenness = float(-(share * np.log(share)).sum() / np.log(n)) if n > 1 else 1.0
    return [
        {"metric": "imbalance_ratio", "value": float(values.max() / values.min()), "n": n},
        {"metric": "label_evenness", "value": evenness, "n": n},
    ]


def correlation(counts: Mapping[str, float], scores: Mapping[str, float]) -> list[Row]:
    """Whether frequent classes score better, over the classes that have both numbers.

    `counts`: items per class (of the translation subset); `scores`: F1 per class. Rows are
    `{metric, value, n}` with metrics correlation_spearman (of ranks, so that a skew has no weight),
    correlation_pearson (of raw counts), and the two-sided p-value of each, metric + "_p". There are
    no rows for fewer than three classes, or if all counts or all scores are equal.
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
