"""One query among 100k and among 1M vectors of 128, against NumPy's product and argpartition.

The vectors imitate a trained space: classes of uneven size with sub-clusters and noise; the queries
come from the other side of a modality gap. Run with `python -m tests.benchmarks index`.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from core.spaces.index import Index

N_DIMS, TOP = 128, 10
N_QUERIES = 100
N_CLUSTERS = 400


def run() -> list[dict]:
    """Two rows {what, against, ratio, at_least, detail}; fails when recall@10 is below 0.99."""
    return [_row(100_000, at_least=1.0, floor=1.0), _row(1_000_000, at_least=5.0, floor=0.99)]


def _row(n: int, at_least: float, floor: float) -> dict:
    gallery, queries = _space(n)
    index = Index(gallery)
    started = time.perf_counter()
    index.search(queries[0], TOP)  # builds the lists
    build_s = time.perf_counter() - started

    def plain(query: np.ndarray) -> np.ndarray:
        scores = gallery @ query
        best = np.argpartition(scores, n - TOP)[n - TOP :]
        return best[np.argsort(-scores[best])]

    def ours(query: np.ndarray) -> np.ndarray:
        return index.search(query, TOP)[0][0]

    found: dict[str, list[np.ndarray]] = {"ours": [], "plain": []}
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    sides: dict[str, Callable[[np.ndarray], np.ndarray]] = {"ours": ours, "plain": plain}
    for query in queries:  # the sides take turns, so that other load slows both
        for name, search in sides.items():
            started = time.perf_counter()
            rows = search(query)
            seconds[name].append(time.perf_counter() - started)
            found[name].append(rows)
    hits = [len(np.intersect1d(a, b)) for a, b in zip(found["ours"], found["plain"], strict=True)]
    recall = sum(hits) / (TOP * len(queries))
    # Items with equal scores may swap places at the end of the list.
    assert recall >= floor - 0.002, f"recall@{TOP} {recall:.4f} of {floor}"
    mine, theirs = (statistics.median(seconds[name]) for name in ("ours", "plain"))
    return {
        "what": f"one query in {n:,} × {N_DIMS}",
        "against": "NumPy product + argpartition",
        "ratio": theirs / mine,
        "at_least": at_least,
        "detail": f"{1000 * mine:.2f} ms against {1000 * theirs:.2f} ms, "
        f"recall@{TOP} {recall:.3f}, built in {build_s:.0f} s",
    }


def _space(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Gallery (n, d) and queries of the other modality, of unit length."""
    rng = np.random.default_rng(0)
    classes = rng.normal(size=(18, N_DIMS))
    clusters = classes[rng.integers(18, size=N_CLUSTERS)] + rng.normal(size=(N_CLUSTERS, N_DIMS))
    share = rng.dirichlet(np.full(N_CLUSTERS, 0.5))
    axes = rng.normal(size=(24, N_DIMS)) / 5  # a cluster varies in fewer dimensions
    gap = 0.5 * rng.normal(size=N_DIMS)

    def draw(count: int, shift: np.ndarray | float) -> np.ndarray:
        out = np.empty((count, N_DIMS), np.float32)
        for start in range(0, count, 50_000):  # in parts: float64 noise of a million is 1 GB
            part = out[start : start + 50_000]
            size = len(part)
            chosen = clusters[rng.choice(N_CLUSTERS, size=size, p=share)]
            part[:] = chosen + rng.normal(size=(size, 24)) @ axes + shift
            part += 0.15 * rng.standard_normal(size=part.shape, dtype=np.float32)
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        return out

    return draw(n, 0.0), draw(N_QUERIES, gap)


if __name__ == "__main__":
    print(run())
