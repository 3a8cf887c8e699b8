"""The matrix of centroid distances: its orders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.studies import centroid_matrix, centroids
from tests.studies.test_centroids import make


def test_orders():
    vectors, modalities, labels = make()
    names, distances = centroid_matrix.matrix_of(centroids.study(vectors, modalities, labels))
    kinds, classes = zip(*(name.split(":") for name in names), strict=True)
    known = (distances, kinds, classes)
    by_modality = centroid_matrix.order_of(*known, by="modality")
    assert [kinds[i] for i in by_modality] == ["audio"] * 3 + ["image"] * 3
    by_class = centroid_matrix.order_of(*known, by="class")
    assert [names[i] for i in by_class[:3]] == [
        "audio:class 0",
        "image:class 0",
        "audio:class 1",
    ]
    by_cluster = centroid_matrix.order_of(*known, by="cluster")
    shown = [classes[i] for i in by_cluster]
    assert shown[0::2] == shown[1::2]  # the modalities of each class side by side
    with pytest.raises(ValueError, match="order by 'size'"):
        centroid_matrix.order_of(*known, by="size")


@given(st.integers(1, 9), st.integers(0, 99), st.sampled_from(centroid_matrix.ORDERS))
@settings(max_examples=40, deadline=None)
def test_every_order_is_a_permutation(n, seed, by):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, (n, 2)).astype(float)  # many at distance 0
    distances = centroids.pairwise(points, points, "euclidean")
    modalities = rng.choice(["audio", "image"], n).tolist()
    classes = rng.choice(["a", "b", "c"], n).tolist()
    found = centroid_matrix.order_of(distances, modalities, classes, by)
    assert sorted(found.tolist()) == list(range(n))
