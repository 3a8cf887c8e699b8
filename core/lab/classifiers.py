"""Classifiers of a run: W's forest on mixed items, SMT, and simpler ones on the same items.

They work on the vectors of the run's space; SMT uses the study's PCA as well. A point of a curve
has `n_target` class-balanced items of the target in training, drawn as W's mix-in study draws them
(`core.studies.forest_cells`), and all items of the other modality, except for `target_only`.
"""

import numpy as np

from core.lab.recipe import Evaluation
from core.studies import forest_cells, forests
from core.studies.forest_cells import Cell, Items, Labelled, Outcome
from core.studies.forests import Forest
from core.vectors import unit_rows

SPACE = "translation"
SYSTEMS = {"forest": "MMT", "combined": "SMT"}  # classifiers that a study has, too


def test_point(
    evaluation: Evaluation,
    train: Items,
    test: Items,
    target: str,
    n_target: int,
    seed: int,
    n_classes: int,
) -> tuple[Forest | None, list[Outcome]]:
    """Train a classifier on one draw and test it.

    Returns
    -------
    The forest of W's classifier, else None; and the outcomes. With all items of the target the
    classifiers of `SYSTEMS` are those of the classification study, tested on every modality.
    """
    mine, tested = train[SPACE], test[SPACE][target]
    if evaluation.classifier in SYSTEMS:
        whole = n_target == len(mine[target])
        cell = Cell(SYSTEMS[evaluation.classifier], seed, *(() if whole else (target, n_target)))
        return forest_cells.run_cell(cell, train, test, n_classes, evaluation.forest)
    parts = dict(mine)
    drawn = forest_cells.balanced_draw(mine[target].y, n_target, np.random.default_rng(seed))
    chosen = np.sort(drawn)
    parts[target] = Labelled(mine[target].x[chosen], mine[target].y[chosen])
    if evaluation.classifier == "target_only":
        parts = {target: parts[target]}
    x = np.concatenate([part.x for part in parts.values()])
    y = np.concatenate([part.y for part in parts.values()])
    proba = _probabilities(evaluation, x, y, tested.x, n_classes, seed)
    cell = Cell("MMT", seed, target, n_target)
    return None, [forest_cells.outcome(cell, target, n_target, proba, tested.y)]


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
