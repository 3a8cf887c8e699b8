"""Mix-in study: forests of this project against scikit-learn's, one after another.

The full study is 11 points x 5 draws x {MMT, MMP} x 2 targets on 16,200 train items x 128
dimensions x 2 modalities: 220 forests, hours of scikit-learn on one core. Measured here is a
part of it that spans both spaces, both targets and its smallest and largest forests; each cell
is computed by both sides in turn, from the same arrays, draw included. The test subset has
18,000 items instead of 1,800, so that the difference in macro F1 is one of forests and not of
few test items; both sides predict them within their time.

    python -m tests.benchmarks.bench_mix_in
"""

import time
from typing import Any

import numpy as np

from core.studies import mix_in
from core.studies.classification import Items, Labelled, macro_f1
from core.studies.mix_in import Cell

N_CLASSES = 18
N_TRAIN = 16_200
N_TEST = 18_000
N_DIMS = 128
AT_LEAST = 3.0
CLOSE = 0.01  # macro F1 of both sides, at every point
CELLS = (
    Cell("translation", "MMT", "image", 0, 0),
    Cell("pca", "MMP", "audio", 2000, 1),
    Cell("pca", "MMP", "image", N_TRAIN, 2),
)


def make_items(rng: np.random.Generator, n_train: int, n_test: int) -> tuple[Items, Items]:
    """Train and test items of 18 overlapping Gaussian classes in two spaces.

    In the PCA space the modalities' classes have nothing to do with each other and image is the
    wider one; in the translated space both modalities share their centres, an offset apart, and
    vectors have length 1. Variance falls with the dimension, as in a PCA.
    """
    spread = 1 / np.sqrt(1 + np.arange(N_DIMS))
    shared = rng.normal(size=(N_CLASSES, N_DIMS)) * spread
    train: dict[str, dict[str, Labelled]] = {"pca": {}, "translation": {}}
    test: dict[str, dict[str, Labelled]] = {"pca": {}, "translation": {}}
    for modality, width in (("audio", 1.0), ("image", 3.0)):
        own = rng.normal(size=(N_CLASSES, N_DIMS)) * spread
        offset = 0.3 * rng.normal(size=N_DIMS) * spread
        for items, n in ((train, n_train), (test, n_test)):
            y = rng.permutation(np.arange(n) % N_CLASSES)
            noise = rng.normal(size=(n, N_DIMS)) * spread
            x = width * (0.36 * own[y] + noise)
            items["pca"][modality] = Labelled(x.astype(np.float32), y)
            x = 0.3 * shared[y] + offset + noise
            x /= np.linalg.norm(x, axis=1, keepdims=True)
            items["translation"][modality] = Labelled(x.astype(np.float32), y)
    return train, test


def run_cell_with_sklearn(cell: Cell, train: Items, test: Items) -> float:
    """The plain way: macro F1 of the cell by scikit-learn's forest with its default `n_jobs`."""
    from sklearn.ensemble import RandomForestClassifier

    own = train[cell.space][cell.target]
    (other,) = (part for name, part in train[cell.space].items() if name != cell.target)
    chosen = mix_in.balanced_draw(own.y, cell.n_target, np.random.default_rng(cell.seed))
    forest = RandomForestClassifier(n_estimators=100, max_depth=32, random_state=cell.seed)
    forest.fit(np.concatenate([other.x, own.x[chosen]]), np.concatenate([other.y, own.y[chosen]]))
    wanted = test[cell.space][cell.target]
    return macro_f1(wanted.y, forest.predict(wanted.x), N_CLASSES)


def run() -> list[dict[str, Any]]:
    """Measure, assert equal quality, and return `{what, against, ratio, at_least, detail}` rows."""
    train, test = make_items(np.random.default_rng(0), N_TRAIN, N_TEST)
    few_train, few_test = make_items(np.random.default_rng(1), 90, 90)
    start = time.perf_counter()
    mix_in.run_cell(Cell("pca", "MMP", "audio", 90, 0), few_train, few_test, N_CLASSES)
    start_s = time.perf_counter() - start  # compiling, or reading what was compiled before

    plain_s, own_s, points = 0.0, 0.0, []
    for cell in CELLS:
        start = time.perf_counter()
        own = mix_in.run_cell(cell, train, test, N_CLASSES)["value"]
        own_s += time.perf_counter() - start
        start = time.perf_counter()
        plain = run_cell_with_sklearn(cell, train, test)
        plain_s += time.perf_counter() - start
        points.append(f"{cell.system} {cell.target} n={cell.n_target}: {own:.3f} / {plain:.3f}")
        assert abs(own - plain) <= CLOSE, f"macro F1 differs by more than {CLOSE}: {points[-1]}"
    return [
        {
            "what": f"mix-in study, {N_TRAIN:,} x {N_DIMS} x 2, {len(CELLS)} of its 220 forests",
            "against": "one scikit-learn forest after another, default n_jobs",
            "ratio": plain_s / own_s,
            "at_least": AT_LEAST,
            "detail": f"{own_s:.1f} s / {plain_s:.1f} s; first call {start_s:.1f} s, not counted; "
            f"macro F1 {'; '.join(points)}",
        }
    ]


if __name__ == "__main__":
    for row in run():
        print(f"{row['what']}: {row['ratio']:.1f}x (at least {row['at_least']}x) — {row['detail']}")
