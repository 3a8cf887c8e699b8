"""Classifiers of a run: W's forest on mixed items, and simpler ones on the same items.

They work on the vectors of one space. A point of a curve has `n_target` class-balanced items of
the target in training, drawn as W's mix-in study draws them (`core.studies.forest_cells`), and all
items of the other modality, except for `target_only`.
"""

from collections.abc import Mapping

import numpy as np

from core.lab.recipe import Evaluation
from core.studies import forest_cells, forests
from core.studies.confusion import confusion
from core.studies.forest_cells import Cell, Labelled, Outcome
from core.studies.forests import Forest
from core.vectors import unit_rows

SPACE = "translation"
BY_MODALITY = Mapping[str, Labelled]


def test_point(
    evaluation: Evaluation,
    train: BY_MODALITY,
    test: BY_MODALITY,
    target: str,
    n_target: int,
    seed: int,
    n_classes: int,
) -> tuple[Forest | None, list[Outcome]]:
    """Train a classifier on one draw and test it.

    Returns
    -------
    The forest of W's classifier, else None; and the outcomes. With all items of the target W's
    forest is that of the classification study, and is tested on every modality.
    """
    n_all = len(train[target])
    if evaluation.classifier == "forest":
        cell = Cell("MMT", seed, *(() if n_target == n_all else (target, n_target)))
        spaces = {SPACE: train}, {SPACE: test}
        return forest_cells.run_cell(cell, *spaces, n_classes, evaluation.forest)
    parts = dict(train)
    drawn = forest_cells.balanced_draw(train[target].y, n_target, np.random.default_rng(seed))
    chosen = np.sort(drawn)
    parts[target] = Labelled(train[target].x[chosen], train[target].y[chosen])
    if evaluation.classifier == "target_only":
        parts = {target: parts[target]}
    x = np.concatenate([part.x for part in parts.values()])
    y = np.concatenate([part.y for part in parts.values()])
    proba = _probabilities(evaluation, x, y, test[target].x, n_classes, seed)
    counts = confusion(test[target].y, proba.argmax(axis=1), n_classes)
    cell = Cell("MMT", seed, target, n_target)
    return None, [Outcome(cell, target, n_target, counts, proba)]


def _probabilities(
    evaluation: Evaluation, x: np.ndarray, y: np.ndarray, tested: np.ndarray, k: int, seed: int
) -> np.ndarray:
    """`(n, k) float32`: class probabilities, or scores in their place, of the tested vectors."""
    if evaluation.classifier == "target_only":
        return forests.fit(x, y, k, seed, evaluation.forest, 1).predict_proba(tested)
    found = np.zeros((len(tested), k), np.float32)
    known = np.unique(y)
    if evaluation.classifier == "nearest_centroid":
        units = unit_rows(x)
        centres = unit_rows(np.stack([units[y == name].mean(axis=0) for name in known]))
        found[:] = -1.0
        found[:, known] = unit_rows(tested) @ centres.T
        return found
    if len(known) == 1:
        found[:, known] = 1.0
        return found
    from sklearn.linear_model import LogisticRegression

    # C as in CLIP's linear probes would be tuned; unit vectors need little regularisation.
    fitted = LogisticRegression(C=10.0, max_iter=500).fit(x, y)
    found[:, known] = fitted.predict_proba(tested)
    return found
