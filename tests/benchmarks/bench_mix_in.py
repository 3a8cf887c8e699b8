"""Mix-in study: forests of this project against scikit-learn's, one after another.

The full study is 11 points x 5 draws x {MMT, MMP} x 2 targets on 16,200 train items x 128
dimensions x 2 modalities: 220 forests, hours of scikit-learn on one core. A part of it is measured
that covers both spaces, both targets and the smallest and largest forests; each cell is computed by
all sides in turn, from the same arrays, draw included. The test subset has 18,000 items instead of
1,800, so that a difference in macro F1 comes from the forests and not from few test items.

    python -m tests.benchmarks.bench_mix_in
"""

import time
from typing import Any

import numpy as np

from core.studies import forest_cells
from core.studies.confusion import confusion, f1_per_class
from core.studies.forest_cells import Cell, Items, Labelled, run_cell

N_CLASSES = 18
N_TRAIN = 16_200
N_TEST = 18_000
N_DIMS = 128
N_JOBS = (None, -1)  # of scikit-learn: its default, one core; all cores
AT_LEAST = {None: 3.0, -1: 1.5}
CLOSE = 0.01  # the largest difference in macro F1, at every point
CELLS = (Cell("MMT", 0, "image", 0), Cell("MMP", 1, "audio", 2000), Cell("MMP", 2))


def make_items(rng: np.random.Generator, n_train: int, n_test: int) -> tuple[Items, Items]:
    """Train and test items of 18 overlapping Gaussian classes in two spaces.

    In the PCA space the classes of the two modalities are unrelated and image is the wider one. In
    the translated space both modalities have the same centres, an offset apart, and vectors have
    length 1. The variance falls with the dimension, as in a PCA.
    """
    std = 1 / np.sqrt(1 + np.arange(N_DIMS))
    shared = rng.normal(size=(N_CLASSES, N_DIMS)) * std
    train: dict[str, dict[str, Labelled]] = {"pca": {}, "translation": {}}
    test: dict[str, dict[str, Labelled]] = {"pca": {}, "translation": {}}
    for modality, width in (("audio", 1.0), ("image", 3.0)):
        centres = rng.normal(size=(N_CLASSES, N_DIMS)) * std
        offset = 0.3 * rng.normal(size=N_DIMS) * std
        for items, n in ((train, n_train), (test, n_test)):
            y = rng.permutation(np.arange(n) % N_CLASSES)
            noise = rng.normal(size=(n, N_DIMS)) * std
            x = width * (0.36 * centres[y] + noise)
            items["pca"][modality] = Labelled(x.astype(np.float32), y)
            x = 0.3 * shared[y] + offset + noise
            x /= np.linalg.norm(x, axis=1, keepdims=True)
            items["translation"][modality] = Labelled(x.astype(np.float32), y)
    return train, test


def macro_f1_of_ours(cell: Cell, train: Items, test: Items) -> float:
    _, outcomes = run_cell(cell, train, test, N_CLASSES, n_jobs=None)
    return float(np.mean([one.macro_f1 for one in outcomes]))


def macro_f1_of_sklearn(cell: Cell, train: Items, test: Items, n_jobs: int | None) -> float:
    """The plain way: the same items, scikit-learn's forest."""
    from sklearn.ensemble import RandomForestClassifier

    parts = dict(train[cell.space])
    if cell.target is not None:
        mixed, rng = parts.pop(cell.target), np.random.default_rng(cell.seed)
        chosen = forest_cells.balanced_draw(mixed.y, cell.n_target, rng)
        parts[cell.target] = Labelled(mixed.x[chosen], mixed.y[chosen])
    forest = RandomForestClassifier(100, max_depth=32, random_state=cell.seed, n_jobs=n_jobs)
    forest.fit(*(np.concatenate([getattr(part, side) for part in parts.values()]) for side in "xy"))
    targets = test[cell.space] if cell.target is None else [cell.target]
    scores = []
    for target in targets:
        items = test[cell.space][target]
        counts = confusion(items.y, forest.predict(items.x), N_CLASSES)
        scores.append(f1_per_class(counts).mean())
    return float(np.mean(scores))


def run() -> list[dict[str, Any]]:
    """Measure, assert equal quality, and return `{what, against, ratio, at_least, detail}` rows."""
    train, test = make_items(np.random.default_rng(0), N_TRAIN, N_TEST)
    few = make_items(np.random.default_rng(1), 90, 90)
    start = time.perf_counter()
    macro_f1_of_ours(Cell("MMP", 0), *few)
    start_s = time.perf_counter() - start  # compiling, or reading what was compiled before

    ours_s, points = 0.0, []
    plain_s = dict.fromkeys(N_JOBS, 0.0)
    for cell in CELLS:
        start = time.perf_counter()
        ours = macro_f1_of_ours(cell, train, test)
        ours_s += time.perf_counter() - start
        for n_jobs in N_JOBS:
            start = time.perf_counter()
            plain = macro_f1_of_sklearn(cell, train, test, n_jobs)
            plain_s[n_jobs] += time.perf_counter() - start
        points.append(f"{cell.name}: {ours:.3f} / {plain:.3f}")
        assert abs(ours - plain) <= CLOSE, f"macro F1 differs by more than {CLOSE}: {points[-1]}"
    return [
        {
            "what": f"mix-in study, {N_TRAIN:,} x {N_DIMS} x 2, {len(CELLS)} of its forests",
            "against": f"one scikit-learn forest after another, n_jobs={n_jobs}",
            "ratio": plain_s[n_jobs] / ours_s,
            "at_least": AT_LEAST[n_jobs],
            "detail": f"{ours_s:.1f} s on all cores / {plain_s[n_jobs]:.1f} s; first call "
            f"{start_s:.1f} s, not counted; macro F1 {'; '.join(points)}",
        }
        for n_jobs in N_JOBS
    ]


if __name__ == "__main__":
    for row in run():
        print(
            f"{row['what']} against {row['against']}: {row['ratio']:.1f}x "
            f"(at least {row['at_least']}x) — {row['detail']}"
        )
