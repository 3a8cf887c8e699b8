"""`vggish`: its samples, front end, post-processing and size."""

from pathlib import Path

import numpy as np
import pytest

from core.encoders import savedmodel, vggish, weights
from core.encoders.base import Encoder
from core.errors import MissingWeights, UserError
from tests.encoders import published_log_mel, tiny_savedmodels

CARD = vggish.CARD


@pytest.fixture(scope="module")
def encoder(savedmodel_folder: Path) -> Encoder:
    return vggish.load(savedmodel_folder, 2)


def second(seed: int = 0, n: int = 16_000) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype(np.float32)


def quantised(embeddings: np.ndarray, pca: dict[str, np.ndarray]) -> np.ndarray:
    """`vggish_postprocess.py`, step by step: `(n, 128)` uint8."""
    matrix, means = pca["pca_eigen_vectors"], pca["pca_means"].reshape(-1, 1)
    applied = np.dot(matrix, embeddings.T - means).T
    clipped = np.clip(applied, -2.0, 2.0)
    return ((clipped - -2.0) * (255.0 / (2.0 - -2.0))).astype(np.uint8)


def test_the_vector_is_the_published_one_to_a_step(
    encoder: Encoder, savedmodel_folder: Path
) -> None:
    seconds = [second(seed) * gain for seed, gain in enumerate((1.0, 0.1, 0.01, 0.0))]
    tiny = tiny_savedmodels.module("vggish").weights[0].numpy()
    embeddings = []
    for each in seconds:
        frames = published_log_mel.log_mel(each[200:15_800], 0.01)
        assert frames.shape == (96, 64)
        embeddings.append(frames.reshape(2, 48, 64).mean(axis=1).ravel() @ tiny)
    with np.load(savedmodel_folder / "vggish_pca_params.npz") as pca:
        expected = quantised(np.array(embeddings), dict(pca))
    vectors = encoder.embed(seconds)
    np.testing.assert_array_equal(vectors, np.round(vectors))
    assert vectors.min() >= 0
    assert vectors.max() <= 255
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1)
    assert (vectors == expected).mean() > 0.97
    assert ((expected > 0) & (expected < 255)).mean() > 0.5  # most of it is not clipped


def test_the_front_end_of_the_savedmodel_is_the_published_one() -> None:
    tf = savedmodel.start(2)
    found = tiny_savedmodels.log_mel(tf.constant(second()), 0.01).numpy()
    np.testing.assert_allclose(found, published_log_mel.log_mel(second(), 0.01), atol=2e-4)


@pytest.mark.parametrize("seed", range(3))
def test_postprocessing_is_the_published_one(seed: int, tmp_path: Path) -> None:
    pca = tiny_savedmodels.save_pca(tmp_path / "vggish_pca_params.npz", seed)
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(0, 5.0, (500, 128)).astype(np.float32)
    found = vggish.postprocess(embeddings, *vggish.read_pca(tmp_path / "vggish_pca_params.npz"))
    expected = quantised(embeddings.astype(np.float64), pca)
    assert found.dtype == np.float32
    assert 0.2 < ((expected > 0) & (expected < 255)).mean() < 1  # some of it is clipped
    np.testing.assert_array_equal(found, expected)


def test_postprocessing_keeps_to_its_scale() -> None:
    eye, means = np.eye(128), np.zeros(128)
    ends = np.array([[-1e9], [-2.0], [0.0], [2.0], [1e9]]) * np.ones(128)
    found = vggish.postprocess(ends, eye, means)
    np.testing.assert_array_equal(found[:, 0], [0, 0, 127, 255, 255])
    turned = np.roll(np.eye(128), 1, axis=0)  # a component a row, not a column
    one = np.zeros((1, 128))
    one[0, 0] = 2.0
    assert vggish.postprocess(one, turned, means).argmax() == 1


def test_alone_and_in_a_batch_vectors_agree_to_a_step(encoder: Encoder) -> None:
    seconds = [second(seed) for seed in range(70)]
    alone = np.vstack([encoder.embed([each]) for each in seconds])
    vectors = encoder.embed(seconds)
    np.testing.assert_allclose(vectors, alone, rtol=0, atol=1)
    assert (vectors == alone).mean() > 0.99


def test_both_files_are_part_of_its_sum(
    encoder: Encoder, savedmodel_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "vggish_1").symlink_to(savedmodel_folder / "vggish_1")
    tiny_savedmodels.save_pca(tmp_path / "vggish_pca_params.npz", seed=1)
    other = weights.sha256_of(weights.find_all(CARD, tmp_path))
    assert encoder.weights_sha256 != other


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"pca_eigen_vectors": np.zeros((128, 64))},
            "pca_eigen_vectors is 128x64, expected 128x128",
        ),
        ({"pca_means": np.zeros(64)}, "pca_means is 64, expected 128"),
        ({"pca_means": np.full(128, np.nan)}, "numbers that are not finite"),
        ({"pca_means": np.array([None] * 128)}, "is damaged or holds no PCA"),  # pickled
        ({"pca_means": np.array(["a"] * 128)}, "is damaged or holds no PCA"),
    ],
)
def test_another_pca_is_refused(changes: dict, match: str, tmp_path: Path) -> None:
    tiny_savedmodels.save_pca(tmp_path / "vggish_pca_params.npz", **changes)
    with pytest.raises(UserError, match=match):
        vggish.read_pca(tmp_path / "vggish_pca_params.npz")


@pytest.mark.parametrize("content", [b"", b"<html>", None, "short", "other"])
def test_a_damaged_pca_is_refused(content: bytes | str | None, tmp_path: Path) -> None:
    path = tmp_path / "vggish_pca_params.npz"
    tiny_savedmodels.save_pca(path)
    if content == "short":
        path.write_bytes(path.read_bytes()[:3000])
    elif content == "other":
        np.savez(path, means=np.zeros(3))
    elif content is None:
        np.save(tmp_path / "pca.npy", np.zeros(3))
        (tmp_path / "pca.npy").replace(path)
    else:
        path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"is damaged or holds no PCA; vggish expects vggish_pca_params"
    ):
        vggish.read_pca(path)


def test_an_absent_pca_is_named(savedmodel_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "vggish_1").symlink_to(savedmodel_folder / "vggish_1")
    with pytest.raises(MissingWeights, match=r"vggish_pca_params\.npz is not on this machine"):
        vggish.load(tmp_path, 1)


def test_parameters_are_those_of_the_published_layers() -> None:
    rows, columns, n_channels, n_parameters = 96, 64, 1, 0
    for n_next in tiny_savedmodels.VGG:
        if n_next:
            n_parameters += (9 * n_channels + 1) * n_next
            n_channels = n_next
        else:
            rows, columns = rows // 2, columns // 2
    n_channels *= rows * columns
    assert n_channels == 12_288
    for n_next in tiny_savedmodels.DENSE:
        n_parameters += (n_channels + 1) * n_next
        n_channels = n_next
    assert CARD.parameters == n_parameters
    assert n_channels == CARD.dim == 128
    # Table 1 of Wu et al. 2021 says 62M; the published layers have 10M more.
    assert round(CARD.parameters / 1e6, 1) == 72.1
