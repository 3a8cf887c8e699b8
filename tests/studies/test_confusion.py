"""Confusion matrices and F1, compared with scikit-learn's and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score

from core.errors import UserError
from core.studies.confusion import confusion, f1_per_class


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(st.data())
@settings(max_examples=80, deadline=None)
def test_they_are_scikit_learns(data: st.DataObject) -> None:
    n_classes = data.draw(st.integers(1, 6))
    n = data.draw(st.integers(1, 30))
    labels = st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n)
    true, predicted = data.draw(labels), data.draw(labels)
    order = list(range(n_classes))
    counts = confusion(true, predicted, n_classes)
    np.testing.assert_array_equal(counts, confusion_matrix(true, predicted, labels=order))
    options = {"labels": order, "zero_division": 0}
    expected = f1_score(true, predicted, average=None, **options)
    np.testing.assert_allclose(f1_per_class(counts), expected)


def test_they_are_right_by_hand() -> None:
    # Class 0: tp 2, fn 1, fp 1. Class 1: tp 1, fn 1, fp 1. Class 2: no items, no predictions.
    counts = confusion([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], 3)
    assert counts.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert f1_per_class(counts) == pytest.approx([2 / 3, 1 / 2, 0])
    assert confusion([], [], 2).tolist() == [[0, 0], [0, 0]]
    assert f1_per_class(confusion([], [], 2)).tolist() == [0, 0]


def test_wrong_labels_are_refused() -> None:
    with pytest.raises(UserError, match="from 0 to 2"):
        confusion([0, 3], [0, 1], 3)
    with pytest.raises(UserError, match="from 0 to 2"):
        confusion([0, 1], [0, -1], 3)
    with pytest.raises(UserError, match="2 true labels and 1 predicted"):
        confusion([0, 1], [0], 3)
