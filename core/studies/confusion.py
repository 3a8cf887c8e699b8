"""Confusion matrices and F1 scores of a classifier.

Classes are whole numbers `[0, n_classes)` in one fixed order. Every matrix and list keeps that
order and has a place for every class, also for classes without items.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import UserError
from core.studies.forests import checked_labels


def confusion(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Counts of items by true class (row) and predicted class (column).

    The same as scikit-learn's `confusion_matrix` with `labels=range(n_classes)`.

    Returns
    -------
    (n_classes, n_classes) int64

    Raises
    ------
    UserError
        A label is out of range, or the numbers of labels differ.
    """
    true, predicted = checked_labels(y_true, n_classes), checked_labels(y_pred, n_classes)
    if true.size != predicted.size:
        raise UserError(f"Found {true.size} true labels and {predicted.size} predicted ones.")
    cells = true.astype(np.int64) * n_classes + predicted
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)


def f1_per_class(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 = 2·tp / (2·tp + fp + fn) of each class of a confusion matrix: `(n_classes,)`.

    A class that is neither true nor predicted for any item has F1 0 (scikit-learn's `f1_score`
    with `average=None, zero_division=0`). Macro F1 (W §3.3) is the mean over all classes.
    """
    twice_true_positives = 2.0 * counts.diagonal()
    involved = counts.sum(axis=0) + counts.sum(axis=1)
    return np.divide(twice_true_positives, involved, out=np.zeros(len(counts)), where=involved > 0)
