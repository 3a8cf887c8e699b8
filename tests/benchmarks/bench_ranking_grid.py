"""Figure 2's ranking, nine encoder sets in both directions, against scikit-learn's NDCG.

10,000 items per modality, k = 30. Ours: every metric of `core.studies.ranking` with 1,000 bootstrap
draws, for all nine encoder sets. Theirs: only NDCG and no interval, by `sklearn.metrics.ndcg_score`
on the dense relevance matrix. It is timed on the first `N_SAMPLED` queries of every encoder set and
direction and scaled to all of them; its time does not include making the matrix.

    python -m tests.benchmarks ranking_grid
"""

import time

import numpy as np

from core import taxonomy
from core.studies import ranking

N_ITEMS = 10_000
N_DIM = 128
N_SAMPLED = 500  # queries of a direction that scikit-learn is timed on
N_BOOTSTRAP = 1_000
K = 30
AUDIO = {"yamnet": 3.0, "vggish": 4.0, "openl3_audio": 5.0}  # std of items around their class
IMAGE = {"resnet50": 3.5, "vgg16": 4.5, "openl3_image": 7.0}


def run() -> list[dict]:
    """One row {what, against, ratio, at_least, detail}; fails when the NDCGs differ."""
    ontology = taxonomy.demo()
    names = [name for name, _ in ontology.classes]
    relevance = taxonomy.relevance_table(ontology, names)
    rng = np.random.default_rng(0)
    classes = rng.integers(len(names), size=N_ITEMS)
    labels = [(int(c),) for c in classes]
    ours_s = theirs_s = worst = 0.0
    for audio_std in AUDIO.values():
        for image_std in IMAGE.values():
            # Every encoder set has its own space.
            centres = rng.standard_normal((len(names), N_DIM))
            audio, image = (
                (centres[classes] + std * rng.standard_normal((N_ITEMS, N_DIM))).astype(np.float32)
                for std in (audio_std, image_std)
            )
            for queries, gallery in ((audio, image), (image, audio)):
                started = time.perf_counter()
                found = ranking.study(
                    queries,
                    gallery,
                    labels,
                    labels,
                    relevance,
                    pair_of=np.arange(N_ITEMS),
                    k=K,
                    n_bootstrap=N_BOOTSTRAP,
                )
                ours_s += time.perf_counter() - started
                intervals = [row["low"] for row in found.rows if row["metric"] == f"ndcg@{K}"]
                assert intervals[0] is not None
                seconds, plain = theirs(queries, gallery, relevance[classes[:N_SAMPLED]], classes)
                theirs_s += seconds * N_ITEMS / N_SAMPLED
                ours = float(found.per_query[f"ndcg@{K}"][:N_SAMPLED].mean())
                worst = max(worst, abs(ours - plain))
    assert worst < 1e-6, f"NDCG differs by {worst}"
    n_sets = len(AUDIO) * len(IMAGE)
    return [
        {
            "what": f"ranking, {n_sets} encoder sets × 2 directions, 10k × 10k, k = {K}, all "
            f"metrics, {N_BOOTSTRAP:,} bootstrap draws",
            "against": "sklearn.metrics.ndcg_score, only NDCG, no interval",
            "ratio": theirs_s / ours_s,
            "at_least": 5.0,
            "detail": f"{ours_s:.1f} s against {theirs_s:.0f} s (timed on {N_SAMPLED} of "
            f"{N_ITEMS:,} queries a direction, and scaled), NDCG equal to {worst:.0e}",
        }
    ]


def theirs(
    queries: np.ndarray, gallery: np.ndarray, gains: np.ndarray, classes: np.ndarray
) -> tuple[float, float]:
    """Seconds and mean NDCG of scikit-learn over the first queries; `gains` (sampled, classes)
    are those of each query and class."""
    from sklearn.metrics import ndcg_score

    unit_q, unit_g = (
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        for vectors in (queries[:N_SAMPLED].astype(np.float64), gallery.astype(np.float64))
    )
    dense = gains[:, classes]
    started = time.perf_counter()
    value = float(ndcg_score(dense, unit_q @ unit_g.T, k=K))
    return time.perf_counter() - started, value


if __name__ == "__main__":
    print(run())
