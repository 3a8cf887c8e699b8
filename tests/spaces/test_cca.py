"""CCA against its definition, and what ridge, groups and the closed form do."""

import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.cross_decomposition import CCA

from core.errors import UserError
from core.spaces import cca

N = 600


def paired(n: int = N, noise: float = 0.5, seed: int = 0) -> dict[str, np.ndarray]:
    """Two views of three shared factors, with noise of their own."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 3))
    turns = np.random.default_rng(9)
    return {
        m: (factors @ turns.normal(size=(3, d)) + noise * rng.normal(size=(n, d))).astype("f4")
        for m, d in (("audio", 12), ("image", 9))
    }


def fitted(natives: dict[str, np.ndarray], groups: np.ndarray | None = None) -> cca.Cca:
    own = np.arange(len(natives["audio"]))
    groups = own if groups is None else groups
    folds = own % cca.N_FOLDS
    return cca.fit(natives, dict.fromkeys(natives, groups), dict.fromkeys(natives, folds), 3)


def test_the_correlations_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cca, "RIDGES", (1e-9,))
    natives = paired()
    found = fitted(natives)
    reference = CCA(3, scale=False, max_iter=5_000, tol=1e-12).fit(
        natives["audio"], natives["image"]
    )
    x, y = reference.transform(natives["audio"], natives["image"])
    expected = [abs(np.corrcoef(x[:, k], y[:, k])[0, 1]) for k in range(3)]
    assert found.correlations == pytest.approx(sorted(expected, reverse=True), abs=1e-3)


def test_new_pairs_find_each_other() -> None:
    found, new = fitted(paired()), paired(100, seed=5)
    a, b = (found.project(m, new[m]) for m in ("audio", "image"))
    scores = a @ b.T
    rank = (scores > np.diag(scores)[:, None]).sum(axis=1)
    assert (rank < 5).mean() > 0.6  # of 100, so 0.05 by chance
    assert np.linalg.norm(a, axis=1) == pytest.approx(1, abs=1e-6)
    assert np.abs(a.mean(axis=0) - b.mean(axis=0)).max() < 0.2


def test_the_ridge_is_the_one_that_finds_most_held_out_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n = len(cca.RIDGES)
    areas = iter([0.9 if k % n == 4 else 0.5 for k in range(n * cca.N_FOLDS)])
    monkeypatch.setattr(cca, "_found", lambda shared, groups: next(areas))
    assert fitted(paired(60)).ridge == cca.RIDGES[4]


def test_the_held_out_measure_is_the_area_under_the_roc_curve() -> None:
    groups = {"audio": np.array([0, 1]), "image": np.array([0, 1, 2])}
    eye = np.eye(3)
    perfect = {"audio": eye[:2], "image": eye}
    assert cca._found(perfect, groups) == 1.0
    assert cca._found(perfect | {"audio": eye[[1, 0]]}, groups) < 0.5


def test_groups_are_all_pairs_within_them() -> None:
    """Classes as groups give the cross-covariance of every pair of one class."""
    rng = np.random.default_rng(3)
    classes = {"audio": np.repeat(np.arange(5), 4), "image": np.repeat(np.arange(5), 6)}
    vectors = {m: rng.normal(size=(len(c), 4)) + c[:, None] for m, c in classes.items()}
    moments = cca._moments(vectors, classes)
    assert moments is not None
    centred = {m: x - x.mean(axis=0) for m, x in vectors.items()}
    every = [
        np.mean(
            [
                np.outer(x, y)
                for x in centred["audio"][classes["audio"] == c]
                for y in centred["image"][classes["image"] == c]
            ],
            axis=0,
        )
        for c in range(5)
    ]
    assert moments.cross == pytest.approx(np.mean(every, axis=0))


def test_arrays_restore_it() -> None:
    found = fitted(paired())
    back = cca.Cca.from_arrays(load(save(found.arrays())))
    native = paired(5)["image"]
    assert np.array_equal(back.project("image", native), found.project("image", native))
    assert back.ridge == found.ridge


def test_unusable_input_is_refused() -> None:
    natives = paired(10)
    with pytest.raises(UserError, match="at least two clips or classes with both audio and image"):
        fitted(natives, np.zeros(10, int))
    with pytest.raises(UserError, match="CCA has no text"):
        fitted(natives).project("text", natives["image"])
