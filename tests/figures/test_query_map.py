"""A query's place on a map."""

import numpy as np

from core.figures import query_map
from core.figures.map_points import MapPoints

CLASSES = ["banjo", "<b>cello</b>", "voice"]


def test_a_query_map_has_every_point_rings_and_one_star() -> None:
    rng = np.random.default_rng(0)
    ids = np.array([f"item {row}" for row in range(30)], dtype=object)
    kinds = np.array(["audio", "image"] * 15, dtype=object)
    rows = rng.integers(-1, 3, size=30).astype(np.int16)
    xyz = rng.normal(size=(30, 2)).astype(np.float32)
    star = np.array([0.5, -0.5], dtype=np.float32)
    points = MapPoints(ids, xyz, kinds, rows, np.full(30, "test", dtype=object))
    made = query_map.figure(points, CLASSES, star, found=["item 3", "item 8"])
    points = [trace for trace in made.data if trace.customdata is not None]
    assert sorted(str(item) for trace in points for item in trace.customdata) == sorted(ids)
    assert not any("<b>cello" in text for trace in points for text in trace.text)
    by_name = {trace.name: trace for trace in made.data if trace.showlegend is not False}
    assert len(by_name["found"].x) == 2
    assert (by_name["your query"].x[0], by_name["your query"].y[0]) == (0.5, -0.5)
    assert {"sounds", "pictures"} <= set(by_name)
