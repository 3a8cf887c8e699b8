"""Zero-shot areas and curves against scikit-learn, ties and empty cases included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from core.studies import zero_shot


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.booleans())
def test_areas_are_scikit_learns(seed: int, n: int, tied: bool) -> None:
    rng = np.random.default_rng(seed)
    scored = rng.integers(0, 4, (5, n)) / 4.0 if tied else rng.standard_normal((5, n))
    truth = rng.random((5, n)) < 0.4
    found = zero_shot.areas(scored, truth)
    for row in range(5):
        if 0 < truth[row].sum() < n:
            assert found.roc_auc[row] == pytest.approx(roc_auc_score(truth[row], scored[row]))
            expected = average_precision_score(truth[row], scored[row])
            assert found.pr_auc[row] == pytest.approx(expected)
        else:
            assert np.isnan(found.roc_auc[row])
            assert np.isnan(found.pr_auc[row])
        assert found.prevalence[row] == pytest.approx(truth[row].mean())


def test_curves_enclose_the_areas() -> None:
    rng = np.random.default_rng(3)
    scored, truth = rng.integers(0, 9, 200) / 9, rng.random(200) < 0.2
    found = zero_shot.curves(scored, truth)
    fpr, tpr, _ = roc_curve(truth, scored, drop_intermediate=False)
    np.testing.assert_allclose(found.fpr, fpr)
    np.testing.assert_allclose(found.tpr, tpr)
    area = zero_shot.areas(scored[None], truth[None])
    assert np.trapezoid(found.tpr, found.fpr) == pytest.approx(area.roc_auc[0])
    assert np.sum(np.diff(found.recall) * found.precision[1:]) == pytest.approx(area.pr_auc[0])


@pytest.mark.parametrize("truth", [np.zeros(4, bool), np.ones(4, bool)])
def test_a_curve_needs_both_kinds(truth: np.ndarray) -> None:
    with pytest.raises(ValueError, match="of 4 items are positive"):
        zero_shot.curves(np.arange(4.0), truth)


def test_scores_are_cosines_and_a_zero_vector_scores_0() -> None:
    items = np.array([[2.0, 0.0], [0.0, 0.0]])
    tags = np.array([[1.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(zero_shot.scores(items, tags), [[1, 0.5**0.5], [0, 0]], atol=1e-6)


def test_wordings_fill_prompts_and_use_complete_descriptions() -> None:
    found = zero_shot.wordings(["hip_hop", "jazz"], ["{tag}", "{tag} music"])
    assert found == {
        "{tag}": ["hip hop", "jazz"],
        "{tag} music": ["hip hop music", "jazz music"],
    }
    described = {"hip_hop": "rhythmic rhymes", "jazz": "complex harmony"}
    words = zero_shot.wordings(["hip_hop", "jazz"], ["{tag}"], described)
    assert words["description"] == ["rhythmic rhymes", "complex harmony"]
    assert "description" not in zero_shot.wordings(["hip_hop", "rock"], ["{tag}"], described)


def test_confusion_counts_the_best_tag_of_each_item() -> None:
    scored = np.array([[0.9, 0.1], [0.2, 0.3], [0.8, 0.4]])
    np.testing.assert_array_equal(
        zero_shot.confusion(scored, np.array([0, 1, 1]), 2), [[1, 0], [1, 1]]
    )
