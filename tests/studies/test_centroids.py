"""Centroids: means and distances against plain loops, scales, and the summary."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cosine as scipy_cosine

from core.errors import UserError
from core.studies import centroid_matrix, centroids


def make(seed: int = 0, n: int = 90, n_dim: int = 6, std: float = 0.1):
    """Three classes in two modalities; a class is near itself across modalities."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, n)
    vectors = 5 * np.eye(n_dim)[classes] + std * rng.standard_normal((n, n_dim))
    modalities = np.where(np.arange(n) % 2, "image", "audio").tolist()
    return vectors.astype(np.float32), modalities, [f"class {c}" for c in classes]


def rows_of(rows, metric):
    return [row for row in rows if row["metric"] == metric]


def scale_of(rows) -> float:
    (row,) = rows_of(rows, "centroid_scale")
    return row["value"]


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_centroids_are_means_and_distances_those_between_them(distance):
    vectors, modalities, labels = make(std=2.0)
    result = centroids.study(vectors, modalities, labels, distance=distance)
    names, _ = centroid_matrix.matrix_of(result)
    assert names[:2] == ["audio:class 0", "audio:class 1"]
    assert names[3] == "image:class 0"
    wide = vectors.astype(np.float64)
    means, counts = {}, {}
    for name in names:
        mine = [f"{m}:{c}" == name for m, c in zip(modalities, labels, strict=True)]
        means[name], counts[name] = wide[mine].mean(axis=0), sum(mine)
    for row in rows_of(result, "centroid_distance"):
        a, b = means[row["class"]], means[row["other"]]
        plain = np.linalg.norm(a - b) if distance == "euclidean" else scipy_cosine(a, b)
        assert row["value"] == pytest.approx(plain)
        assert row["n"] == min(counts[row["class"]], counts[row["other"]])
    assert len(rows_of(result, "centroid_distance")) == 6 * 5 / 2


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_scale_is_the_mean_distance_between_two_items(distance):
    vectors, modalities, labels = make(n=20, std=1.0)
    result = centroids.study(vectors, modalities, labels, distance=distance)
    wide = vectors.astype(np.float64)
    pairs = [(i, j) for i in range(20) for j in range(i)]
    between = [
        np.linalg.norm(wide[i] - wide[j])
        if distance == "euclidean"
        else scipy_cosine(wide[i], wide[j])
        for i, j in pairs
    ]
    assert scale_of(result) == pytest.approx(np.mean(between))
    larger = centroids.study(8 * vectors, modalities, labels, distance=distance)
    one, other = (centroid_matrix.matrix_of(rows)[1] / scale_of(rows) for rows in (larger, result))
    np.testing.assert_allclose(one, other)


def test_scale_of_many_items_is_sampled_by_seed():
    vectors = np.random.default_rng(0).standard_normal((5_000, 4))
    expected = 2 * math.gamma(2.5) / math.gamma(2)  # E|x − y| of normal vectors in 4 dimensions
    one, again, other = (centroids.mean_item_distance(vectors, "euclidean", s) for s in (0, 0, 1))
    assert one == again
    assert one != other
    assert one == pytest.approx(other, rel=0.03)
    assert one == pytest.approx(expected, rel=0.02)
    assert np.isnan(centroids.mean_item_distance(vectors[:1], "euclidean"))


def test_a_space_that_joins_the_modalities_and_one_that_does_not():
    vectors, modalities, labels = make()
    joined = centroids.study(vectors, modalities, labels)
    (ratio,) = rows_of(joined, "class_distance_ratio")
    assert ratio["value"] < 0.05
    for metric in ("nearest_class_accuracy", "nearest_centroid_accuracy"):
        found = {(row["class"], row["other"]): row for row in rows_of(joined, metric)}
        assert set(found) == {("audio", "image"), ("image", "audio")}
        for row in found.values():
            assert row["value"] == 1
            assert row["chance"] == pytest.approx(1 / 3)

    # Images get the place of another class: each class is nearest to a wrong one.
    turned = np.array(vectors)
    image = np.array(modalities) == "image"
    turned[image] = np.roll(vectors[:, :3], 1, axis=1)[image] @ np.eye(3, 6)
    apart = centroids.study(turned, modalities, labels)
    (ratio,) = rows_of(apart, "class_distance_ratio")
    assert ratio["value"] > 1.5
    assert [row["value"] for row in rows_of(apart, "nearest_class_accuracy")] == [0, 0]
    assert [row["value"] for row in rows_of(apart, "nearest_centroid_accuracy")] == [0, 0]


def test_summary_by_hand():
    vectors = np.array([[0.0], [10.0], [1.0], [4.0]])
    result = centroids.study(vectors, ["audio", "audio", "image", "image"], ["a", "b", "a", "b"])
    value = {row["metric"]: row["value"] for row in result}
    assert value["same_class_distance"] == pytest.approx((1 + 6) / 2)
    assert value["other_class_distance"] == pytest.approx((4 + 9) / 2)
    assert value["class_distance_ratio"] == pytest.approx(7 / 13)
    nearest = {(r["class"], r["other"]): r for r in rows_of(result, "nearest_class_accuracy")}
    assert nearest["audio", "image"]["value"] == 1
    assert nearest["image", "audio"]["value"] == 0.5  # image b at 4 is nearer to audio a


def test_classes_without_items_are_left_out():
    vectors, modalities, labels = make()
    keep = [not (m == "image" and c == "class 1") for m, c in zip(modalities, labels, strict=True)]
    result = centroids.study(
        vectors[keep],
        [m for m, k in zip(modalities, keep, strict=True) if k],
        [c for c, k in zip(labels, keep, strict=True) if k],
        classes=["class 2", "class 1", "class 0", "class 9"],
    )
    names, _ = centroid_matrix.matrix_of(result)
    assert names == [
        "audio:class 2",
        "audio:class 1",
        "audio:class 0",
        "image:class 2",
        "image:class 0",
    ]
    (row,) = [r for r in rows_of(result, "nearest_class_accuracy") if r["class"] == "audio"]
    assert (row["n"], row["value"], row["chance"]) == (2, 1.0, 0.5)


def test_one_modality_has_no_summary():
    vectors, _, labels = make()
    result = centroids.study(vectors, ["audio"] * len(vectors), labels)
    assert {row["metric"] for row in result} == {"centroid_distance", "centroid_scale"}


@pytest.mark.parametrize(
    "vectors, modalities, labels, error, said",
    [
        (np.ones((2, 3)), ["audio"] * 2, ["a", "a"], UserError, "found 1 classes"),
        (np.empty((0, 3)), [], [], UserError, "found 0 classes"),
        (np.full((2, 3), np.inf), ["audio"] * 2, ["a", "b"], UserError, "2 of 2 vectors"),
        (np.ones((2, 3)), ["audio"], ["a", "b"], ValueError, "n of each"),
    ],
)
def test_inconsistent_arguments_are_refused(vectors, modalities, labels, error, said):
    with pytest.raises(error, match=said):
        centroids.study(vectors, modalities, labels)


def test_an_unknown_distance_is_refused():
    with pytest.raises(ValueError, match="distance is 'city'"):
        centroids.study(*make(), distance="city")
