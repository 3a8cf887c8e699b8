"""CKA and mutual neighbours: known values, and a null that unrelated vectors do not beat."""

import numpy as np
import pytest

from core.studies import similarity
from core.studies.similarity import Representation, calibrated, cka, mutual_neighbours

N = 200


def normal(seed: int, d: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(N, d))


@pytest.mark.parametrize("measure", [cka, mutual_neighbours])
def test_a_representation_is_like_itself_and_like_its_rotation(measure) -> None:
    x = normal(0, 20)
    turn = np.linalg.qr(normal(1, 20)[:20])[0]
    for other in (x, 3 * x @ turn):
        found = measure(Representation(x), Representation(other), seed=0)
        assert found.score == pytest.approx(1, abs=1e-4)
        assert found.above == pytest.approx(1, abs=1e-4)
        assert found.p == pytest.approx(1 / 201)


@pytest.mark.parametrize("measure", [cka, mutual_neighbours])
def test_unrelated_vectors_are_not_above_their_null(measure) -> None:
    ps = []
    for seed in range(12):
        found = measure(
            Representation(normal(2 * seed, 60)), Representation(normal(2 * seed + 1, 90)), seed
        )
        assert found.score > 0  # the raw score is not 0, which is why it is calibrated
        assert found.above < 0.05
        ps.append(found.p)
    assert np.mean(ps) > 0.25
    assert sum(p <= 0.05 for p in ps) <= 2  # one in twenty is expected


@pytest.mark.parametrize("measure", [cka, mutual_neighbours])
def test_a_common_part_is_found(measure) -> None:
    z = normal(0, 5)
    x, y = z @ normal(1, 30)[:5] + normal(2, 30), z @ normal(3, 40)[:5] + normal(4, 40)
    found = measure(Representation(x), Representation(y), seed=0)
    assert 0 < found.above < found.score
    assert found.p == pytest.approx(1 / 201)


def test_cka_is_kornblith_s() -> None:
    x, y = normal(0, 6), normal(1, 7) + normal(0, 7)
    unit = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in (x, y)]
    a, b = (one - one.mean(axis=0) for one in unit)
    by_grams = np.sum((a @ a.T) * (b @ b.T))
    by_grams /= np.linalg.norm(a @ a.T) * np.linalg.norm(b @ b.T)
    found = cka(Representation(x), Representation(y), seed=0)
    assert found.score == pytest.approx(by_grams, rel=1e-4)


def test_mutual_neighbours_count_what_both_lists_have() -> None:
    x, y = normal(0, 6), normal(0, 6) + 0.5 * normal(1, 6)
    near = []
    for one in (x, y):
        unit = one / np.linalg.norm(one, axis=1, keepdims=True)
        cosines = unit @ unit.T - 2 * np.eye(N)
        near.append([set(row) for row in np.argsort(-cosines, axis=1)[:, :10].tolist()])
    expected = np.mean([len(a & b) / 10 for a, b in zip(*near, strict=True)])
    found = mutual_neighbours(Representation(x), Representation(y), seed=0)
    assert found.score == pytest.approx(expected, abs=0.01)


def test_the_calibration_is_the_formula() -> None:
    null = np.linspace(0.0, 0.2, 200)
    found = calibrated(0.6, null)
    threshold = np.sort(null)[int(np.ceil(0.95 * 201)) - 1]
    assert found.threshold == pytest.approx(threshold)
    assert found.above == pytest.approx((0.6 - threshold) / (1 - threshold))
    assert found.p == pytest.approx(1 / 201)
    low = calibrated(0.1, null)
    assert low.above == 0
    assert low.p == pytest.approx((1 + (null >= 0.1).sum()) / 201)


def test_more_rows_than_the_most_are_drawn() -> None:
    assert len(similarity.rows_of(500, 0)) == 500
    drawn = similarity.rows_of(similarity.MOST_ROWS + 5, 0)
    assert len(np.unique(drawn)) == similarity.MOST_ROWS
