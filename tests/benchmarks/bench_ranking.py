"""Ranking 10,000 queries against 10,000 items at k = 30, both directions, against scikit-learn.

Ours: all metrics of `core.studies.ranking` with 1,000 bootstrap draws. Theirs: only NDCG, by
`sklearn.metrics.ndcg_score` on the dense relevance matrix, 1,000 queries per call; their time does
not include making that matrix. Each side runs in its own process, to measure its own peak memory.

    python -m tests.benchmarks.bench_ranking
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from core import taxonomy
from core.studies import ranking

N_ITEMS = 10_000
N_DIM = 128
K = 30
MEMORY_LIMIT_MB = 1_000


def make_data(seed: int = 0) -> dict:
    """Noisy copies of 18 class centres in two modalities; every twentieth item has two labels."""
    rng = np.random.default_rng(seed)
    ontology = taxonomy.demo()
    classes = [name for name, _ in ontology.classes]
    label = rng.integers(0, len(classes), N_ITEMS)
    second = rng.integers(0, len(classes), N_ITEMS)
    labels = [
        tuple(sorted({int(a), int(b)})) if row % 20 == 0 else (int(a),)
        for row, (a, b) in enumerate(zip(label, second, strict=True))
    ]
    centres = rng.standard_normal((len(classes), N_DIM))
    audio, image = (
        (centres[label] + 4 * rng.standard_normal((N_ITEMS, N_DIM))).astype(np.float32)
        for _ in range(2)
    )
    relevance = taxonomy.relevance_table(ontology, classes)
    return {"audio": audio, "image": image, "labels": labels, "relevance": relevance}


def ours(data: dict) -> dict:
    pair_of = np.arange(N_ITEMS)
    start = time.perf_counter()
    ndcg = []
    for queries, gallery in (("audio", "image"), ("image", "audio")):
        result = ranking.study(
            data[queries],
            data[gallery],
            data["labels"],
            data["labels"],
            data["relevance"],
            pair_of=pair_of,
            k=K,
        )
        ndcg.append(next(row["value"] for row in result.rows if row["metric"] == f"ndcg@{K}"))
    return {"seconds": time.perf_counter() - start, "ndcg": ndcg}


def theirs(data: dict) -> dict:
    from sklearn.metrics import ndcg_score

    n_labels = len(data["relevance"])
    has = np.array([[label in labels for label in range(n_labels)] for labels in data["labels"]])
    seconds, ndcg = 0.0, []
    for queries, gallery in (("audio", "image"), ("image", "audio")):
        unit_q, unit_g = (
            data[name] / np.linalg.norm(data[name], axis=1, keepdims=True)
            for name in (queries, gallery)
        )
        total = 0.0
        for first in range(0, N_ITEMS, 1_000):
            block = slice(first, first + 1_000)
            dense = np.zeros((1_000, N_ITEMS), dtype=np.float32)
            for a in range(n_labels):
                for b in range(n_labels):
                    both = np.ix_(has[block, a], has[:, b])
                    dense[both] = np.maximum(dense[both], data["relevance"][a, b])
            start = time.perf_counter()
            total += ndcg_score(dense, unit_q[block] @ unit_g.T, k=K) * 1_000
            seconds += time.perf_counter() - start
        ndcg.append(total / N_ITEMS)
    return {"seconds": seconds, "ndcg": ndcg}


def run() -> list[dict]:
    """One row {what, against, ratio, at_least, detail}; fails when the NDCGs differ."""
    found = {}
    for side in ("ours", "theirs"):
        command = [sys.executable, "-m", "tests.benchmarks.bench_ranking", side]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found[side] = json.loads(done.stdout)
    difference = float(np.abs(np.subtract(found["ours"]["ndcg"], found["theirs"]["ndcg"])).max())
    assert difference < 1e-6, f"NDCG differs by {difference}"
    peak_mb = found["ours"]["peak_mb"]
    assert peak_mb < MEMORY_LIMIT_MB, f"ranking took {peak_mb:.0f} MB"
    seconds = [found[side]["seconds"] for side in ("ours", "theirs")]
    return [
        {
            "what": "ranking, 10k × 10k, k = 30, both directions, all metrics",
            "against": "sklearn.metrics.ndcg_score on the dense relevance matrix, only NDCG",
            "ratio": seconds[1] / seconds[0],
            "at_least": 8.0,
            "detail": f"{seconds[0]:.1f} s against {seconds[1]:.1f} s, peak {peak_mb:.0f} MB, "
            f"NDCG equal to {difference:.0e}",
        }
    ]


def peak_mb() -> float:
    """The peak memory of this process, in MB.

    Not `ru_maxrss`, which starts at the peak of the parent when it forked.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000_000  # macOS: bytes
    (line,) = (row for row in status.read_text().splitlines() if row.startswith("VmHWM:"))
    return int(line.split()[1]) / 1_000


def main() -> None:
    if len(sys.argv) == 1:
        print(json.dumps(run(), indent=2, ensure_ascii=False))
        return
    found = {"ours": ours, "theirs": theirs}[sys.argv[1]](make_data())
    print(json.dumps({**found, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
