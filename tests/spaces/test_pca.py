"""PCA against scikit-learn's, and its edges."""

import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.decomposition import PCA

from core.errors import UserError
from core.spaces import pca


def vectors(n: int = 200, d: int = 30, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) * np.linspace(3, 0.1, d) + 5).astype(np.float32)


def test_equals_sklearn_up_to_sign() -> None:
    native = vectors()
    fitted = pca.fit(native, 8)
    theirs = PCA(8, svd_solver="full").fit(native)
    assert np.abs(fitted.project(native)) == pytest.approx(
        np.abs(theirs.transform(native)), abs=1e-3
    )
    expected = theirs.explained_variance_ratio_
    assert fitted.explained_variance_ratio_ == pytest.approx(expected, rel=1e-4)


def test_signs_do_not_depend_on_the_data_being_mirrored() -> None:
    native = vectors()
    one, other = pca.fit(native, 8), pca.fit(10 - native, 8)
    assert one.components_ == pytest.approx(other.components_, abs=1e-3)
    assert (one.components_.max(axis=1) >= -one.components_.min(axis=1)).all()


@pytest.mark.parametrize("shape", [(300, 520), (700, 520)], ids=["few rows", "many rows"])
def test_components_are_exact_where_variances_fall_slowly(shape: tuple[int, int]) -> None:
    """Such vectors are common, and a randomised solver gives other components with every seed."""
    rng = np.random.default_rng(0)
    native = (rng.normal(size=shape) * np.arange(1, shape[1] + 1) ** -0.5).astype(np.float32)
    wide = native.astype(np.float64)
    axes = np.linalg.svd(wide - wide.mean(axis=0), full_matrices=False)[2][:128]
    found = pca.fit(native).components_
    assert np.abs((found * axes).sum(axis=1)).min() > 0.999


def test_components_are_capped() -> None:
    assert pca.fit(vectors(n=12)).n_dims == 12
    assert pca.fit(vectors(d=7)).n_dims == 7
    assert pca.fit(vectors(), 5).project(vectors()[:3]).shape == (3, 5)


def test_alone_or_in_a_batch_and_after_storing() -> None:
    native = vectors()
    fitted = pca.fit(native, 8)
    batch = fitted.project(native)
    alone = np.concatenate([fitted.project(row[None]) for row in native])
    assert batch.dtype == np.float32
    assert np.abs(batch - alone).max() < 1e-6
    back = pca.Pca.from_arrays(load(save(fitted.arrays())))
    assert np.array_equal(back.project(native), batch)


def test_constant_vectors_explain_nothing() -> None:
    fitted = pca.fit(np.ones((5, 4), np.float32))
    assert fitted.explained_variance_ratio_.tolist() == [0, 0, 0, 0]
    assert np.array_equal(fitted.project(np.ones((2, 4))), np.zeros((2, 4)))


def test_what_cannot_be_fitted_or_projected() -> None:
    with pytest.raises(UserError, match="at least two vectors"):
        pca.fit(vectors()[:1])
    broken = vectors()
    broken[3, 3] = np.inf
    with pytest.raises(UserError, match="NaN or infinity"):
        pca.fit(broken)
    with pytest.raises(UserError, match="takes 30 numbers a row;"):
        pca.fit(vectors()).project(np.ones((2, 31)))


@pytest.mark.parametrize("exact_dims", [3072, 0], ids=["covariance", "subspace"])
def test_in_blocks_it_is_the_fit_of_the_whole(
    exact_dims: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    # Variances that fall by a half, as a subspace can tell apart within its passes.
    native = (rng.normal(size=(1_500, 40)) * 0.7 ** np.arange(40) + 20).astype(np.float32)
    rows = np.sort(rng.permutation(1_500)[:1_100])
    wide = native[rows].astype(np.float64)
    _, sizes, axes = np.linalg.svd(wide - wide.mean(axis=0), full_matrices=False)
    monkeypatch.setattr(pca, "EXACT_DIMS", exact_dims)
    monkeypatch.setattr(pca, "CHUNK_ROWS", 128)
    for fitted in (pca.fit(native[rows], 8), pca.fit(native, 8, rows=rows)):
        assert fitted.mean_ == pytest.approx(wide.mean(axis=0), abs=1e-4)
        assert np.abs((fitted.components_ * axes[:8]).sum(axis=1)) == pytest.approx(
            np.ones(8), abs=1e-4
        )
        shares = (sizes**2 / (sizes**2).sum())[:8]
        assert fitted.explained_variance_ratio_ == pytest.approx(shares, rel=1e-3)
    constant = pca.fit(np.ones((50, 4), np.float32))
    assert constant.explained_variance_ratio_ == pytest.approx(np.zeros(4), abs=1e-6)
    native[rows[3], 3] = np.nan
    with pytest.raises(UserError, match="NaN or infinity"):
        pca.fit(native, 8, rows=rows)


def test_rows_choose_what_is_fitted_on() -> None:
    native = vectors()
    chosen = np.arange(0, 200, 3)
    some, same = pca.fit(native, 8, rows=chosen), pca.fit(native[chosen], 8)
    assert np.array_equal(some.components_, same.components_)
    with pytest.raises(UserError, match=r"at least two vectors, and the shape is \(1, 30\)"):
        pca.fit(native, 8, rows=chosen[:1])
