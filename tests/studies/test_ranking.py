"""Ranking against scikit-learn and against plain transcriptions of each definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from core import taxonomy
from core.errors import UserError
from core.studies import ranking
from core.studies.label_sets import chance_average_precision, chance_hit

CLASSES = [name for name, _ in taxonomy.demo().classes]
RELEVANCE = taxonomy.relevance_table(taxonomy.demo(), CLASSES)


def make(n: int, m: int, seed: int = 0, n_dim: int = 8, most_labels: int = 3):
    """Vectors that lean towards their first label; up to three labels an item."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((len(CLASSES), n_dim))

    def side(count: int):
        labels = [
            tuple(
                sorted(rng.choice(len(CLASSES), rng.integers(1, most_labels + 1), False).tolist())
            )
            for _ in range(count)
        ]
        first = [labels_[0] for labels_ in labels]
        vectors = centres[first] + 1.5 * rng.standard_normal((count, n_dim))
        return vectors.astype(np.float32), labels

    (queries, query_labels), (gallery, gallery_labels) = side(n), side(m)
    return queries, gallery, query_labels, gallery_labels


def cosine(queries, gallery) -> np.ndarray:
    wide = [np.asarray(x, dtype=np.float64) for x in (queries, gallery)]
    unit = [x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in wide]
    return unit[0] @ unit[1].T


def dense_gain(query_labels, gallery_labels, combine: str) -> np.ndarray:
    """The definition, letter by letter."""
    out = np.zeros((len(query_labels), len(gallery_labels)))
    for i, own in enumerate(query_labels):
        for j, other in enumerate(gallery_labels):
            best = [max(float(RELEVANCE[a, b]) for b in other) for a in own]
            out[i, j] = max(best) if combine == "best" else sum(best) / len(best)
    return out


def value(result, metric: str) -> float:
    (row,) = [row for row in result.rows if row["metric"] == metric]
    return row["value"]


@pytest.mark.parametrize("combine", ["best", "mean"])
@pytest.mark.parametrize("n, m, k", [(60, 150, 30), (40, 20, 30), (25, 70, 5)])
def test_ndcg_is_scikit_learns(combine, n, m, k):
    queries, gallery, query_labels, gallery_labels = make(n, m)
    result = ranking.study(
        queries, gallery, query_labels, gallery_labels, RELEVANCE, k=k, combine=combine
    )
    gain = dense_gain(query_labels, gallery_labels, combine)
    scores = cosine(queries, gallery)
    each = [ndcg_score(gain[i : i + 1], scores[i : i + 1], k=k) for i in range(n)]
    np.testing.assert_allclose(result.per_query[f"ndcg@{k}"], each, rtol=0, atol=1e-9)
    assert value(result, f"ndcg@{k}") == pytest.approx(ndcg_score(gain, scores, k=k), abs=1e-9)


def test_map_precision_and_hits_are_scikit_learns_and_plain_counts():
    queries, gallery, query_labels, gallery_labels = make(50, 120, seed=1)
    result = ranking.study(queries, gallery, query_labels, gallery_labels, RELEVANCE)
    right = np.array([[bool(set(a) & set(b)) for b in gallery_labels] for a in query_labels])
    scores = cosine(queries, gallery)
    each = [average_precision_score(right[i], scores[i]) for i in range(len(queries))]
    np.testing.assert_allclose(result.per_query["map"], each, rtol=0, atol=1e-9)
    order = np.argsort(-scores, axis=1)
    for k in (1, 5, 10):
        first = np.take_along_axis(right, order[:, :k], axis=1)
        np.testing.assert_array_equal(result.per_query[f"hit@{k}"], first.any(axis=1))
        if k > 1:
            np.testing.assert_allclose(result.per_query[f"precision@{k}"], first.mean(axis=1))
    np.testing.assert_array_equal(result.top, order[:, :30])


def test_rank_of_the_own_pair():
    queries, gallery, query_labels, gallery_labels = make(50, 80, seed=2)
    pair_of = np.random.default_rng(0).permutation(80)[:50]
    pair_of[7] = -1
    result = ranking.study(
        queries, gallery, query_labels, gallery_labels, RELEVANCE, pair_of=pair_of
    )
    scores = cosine(queries, gallery)
    ranks = 1.0 + (scores > scores[np.arange(50), pair_of][:, None]).sum(axis=1)
    ranks[7] = np.nan
    np.testing.assert_array_equal(result.per_query["median_rank"], ranks)
    assert value(result, "median_rank") == np.nanmedian(ranks)
    for k in (1, 5, 10):
        assert value(result, f"recall@{k}") == pytest.approx(np.mean(np.delete(ranks, 7) <= k))
    (row,) = [row for row in result.rows if row["metric"] == "recall@5"]
    assert (row["n"], row["gallery_size"], row["chance"]) == (49, 80, pytest.approx(5 / 80))


def test_perfect_and_opposite_spaces():
    # One dimension per class: a query finds its own class first, or with the sign changed, last.
    labels = [(label,) for label in range(len(CLASSES))] * 4
    vectors = np.eye(len(CLASSES), dtype=np.float32)[[label for (label,) in labels]]
    best = ranking.study(vectors, vectors, labels, labels, RELEVANCE, k=4, n_bootstrap=50)
    for metric in ("ndcg@4", "ndcg_lift", "map", "hit@1"):
        assert value(best, metric) == pytest.approx(1.0)
    assert value(best, "precision@5") == pytest.approx(4 / 5)
    worst = ranking.study(-vectors, vectors, labels, labels, RELEVANCE, n_bootstrap=0)
    assert value(worst, "hit@10") == 0
    assert value(worst, "ndcg_lift") < 0
    # The own class is exactly opposite: the last four places of 72.
    assert value(worst, "map") == pytest.approx(np.mean([(i + 1) / (69 + i) for i in range(4)]))


def test_equal_similarities_keep_row_order():
    gallery = np.array([[1, 0], [0, 1], [2, 0], [0, 0], [3, 0], [-1, 0]], dtype=np.float32)
    labels = [(0,)] * 6
    result = ranking.study(
        np.array([[5, 0], [0, 0]], dtype=np.float32),
        gallery,
        [(0,)] * 2,
        labels,
        RELEVANCE,
        pair_of=np.array([4, 3]),
    )
    np.testing.assert_array_equal(result.top, [[0, 2, 4, 1, 3, 5], [0, 1, 2, 3, 4, 5]])
    np.testing.assert_array_equal(result.per_query["median_rank"], [3, 4])


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 40), st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_blocks_and_threads_change_nothing(seed, n, m, block_rows):
    queries, gallery, query_labels, gallery_labels = make(n, m, seed)
    gallery[m // 2 :] = gallery[: m - m // 2]  # many ties
    pair_of = np.random.default_rng(seed).integers(-1, m, n)
    common = {"pair_of": pair_of, "n_bootstrap": 20}
    args = (queries, gallery, query_labels, gallery_labels, RELEVANCE)
    one = ranking.study(*args, **common, block_rows=n, n_threads=1)
    many = ranking.study(*args, **common, block_rows=block_rows, n_threads=3)
    assert one.rows == many.rows
    np.testing.assert_array_equal(one.top, many.top)
    # A stable sort of the similarities, rounded as the module says, is the order.
    steps = np.floor((1 - cosine(queries, gallery)) * ranking.STEPS_PER_UNIT + 0.5)
    expected = np.argsort(steps, axis=1, kind="stable")[:, :30]
    np.testing.assert_array_equal(one.top, expected)
    for row in one.rows:
        if row["metric"] not in ("median_rank", "modality_gap", "hubness", "ndcg_lift"):
            assert 0 <= row["value"] <= 1
        if row["low"] is not None:
            assert row["low"] <= row["high"]


def test_scale_of_the_vectors_changes_nothing():
    queries, gallery, query_labels, gallery_labels = make(20, 30, seed=4)
    args = (query_labels, gallery_labels, RELEVANCE)
    one = ranking.study(queries, gallery, *args, n_bootstrap=0)
    two = ranking.study(queries * 64, gallery / 8, *args, n_bootstrap=0)
    np.testing.assert_array_equal(one.top, two.top)
    assert one.rows == two.rows


def test_chance_levels_are_what_random_orders_reach():
    rng = np.random.default_rng(3)
    n, m = 400, 60
    _, _, query_labels, gallery_labels = make(n, m, seed=3)
    totals: dict[str, list[float]] = {}
    for draw in range(20):
        result = ranking.study(
            rng.standard_normal((n, 40)).astype(np.float32),
            rng.standard_normal((m, 40)).astype(np.float32),
            query_labels,
            gallery_labels,
            RELEVANCE,
            pair_of=rng.integers(0, m, n),
            n_bootstrap=0,
            seed=draw,
        )
        for row in result.rows:
            totals.setdefault(row["metric"], []).append(row["value"] - row["chance"])
    assert set(totals) >= {"ndcg@30", "map", "precision@10", "hit@5", "recall@5", "median_rank"}
    for metric, differences in totals.items():
        if metric == "hubness":  # hubs arise from geometry even in random vectors
            continue
        error = np.std(differences) / math.sqrt(len(differences))
        assert abs(np.mean(differences)) < 4 * error + 1e-12, metric


@pytest.mark.parametrize("n_right, m", [(1, 1), (1, 5), (3, 5), (5, 5)])
def test_chance_formulas_by_enumeration(n_right, m):
    from itertools import combinations

    precisions, hits = [], []
    for places in combinations(range(1, m + 1), n_right):
        precisions.append(np.mean([(i + 1) / place for i, place in enumerate(places)]))
        hits.append(places[0] <= 2)
    assert chance_average_precision(n_right, m) == pytest.approx(np.mean(precisions))
    assert chance_hit(n_right, m, 2) == pytest.approx(np.mean(hits))


def test_chance_without_relevant_items():
    assert math.isnan(chance_average_precision(0, 5))
    assert chance_hit(0, 5, 3) == 0


def test_random_rows_are_the_chance_levels():
    queries, gallery, query_labels, gallery_labels = make(40, 50, seed=5)
    result = ranking.study(
        queries, gallery, query_labels, gallery_labels, RELEVANCE, pair_of=np.arange(40)
    )
    chance = {row["metric"]: row["chance"] for row in result.rows}
    for row in result.random_rows:
        assert row["value"] == chance[row["metric"]]
    assert {row["metric"] for row in result.random_rows} == chance.keys() - {"modality_gap"}


def test_unlabelled_items_are_left_out_and_counted():
    queries, gallery, query_labels, gallery_labels = make(30, 40, seed=6)
    labels_q, labels_g = list(query_labels), list(gallery_labels)
    labels_q[3] = labels_q[11] = ()
    labels_g[0] = labels_g[17] = labels_g[39] = ()
    pair_of = np.arange(30)
    result = ranking.study(queries, gallery, labels_q, labels_g, RELEVANCE, pair_of=pair_of)
    assert (result.n_queries, result.n_queries_left_out) == (28, 2)
    assert (result.gallery_size, result.n_gallery_left_out) == (37, 3)
    keep_q = [row for row in range(30) if labels_q[row]]
    keep_g = [row for row in range(40) if labels_g[row]]
    alone = ranking.study(
        queries[keep_q],
        gallery[keep_g],
        [labels_q[row] for row in keep_q],
        [labels_g[row] for row in keep_g],
        RELEVANCE,
        pair_of=np.array([keep_g.index(row) if row in keep_g else -1 for row in keep_q]),
    )
    assert result.rows == alone.rows
    np.testing.assert_array_equal(result.top[keep_q], np.array(keep_g)[alone.top])
    assert (result.top[[3, 11]] == -1).all()
    assert np.isnan(result.per_query["ndcg@30"][[3, 11]]).all()


def test_without_labels_only_metrics_without_labels_are_given():
    queries, gallery, _, _ = make(10, 12, seed=7)
    nothing = [()] * 10, [()] * 12
    result = ranking.study(queries, gallery, *nothing, RELEVANCE, pair_of=np.arange(10))
    assert {row["metric"] for row in result.rows} == {
        *("recall@1", "recall@5", "recall@10", "median_rank", "modality_gap", "hubness")
    }
    assert result.n_queries_left_out == 0
    bare = ranking.study(queries, gallery, *nothing, RELEVANCE)
    assert [row["metric"] for row in bare.rows] == ["modality_gap", "hubness"]
    assert ranking.by_class(bare, nothing[0], CLASSES) == []


def test_a_query_without_relevant_items_is_left_out_of_map_only():
    queries, gallery, query_labels, gallery_labels = make(10, 12, seed=8, most_labels=1)
    query_labels, gallery_labels = [(0,)] * 9 + [(1,)], [(0,), (2,)] * 6
    result = ranking.study(queries, gallery, query_labels, gallery_labels, RELEVANCE)
    n = {row["metric"]: row["n"] for row in result.rows}
    assert (n["map"], n["precision@5"], n["ndcg@30"]) == (9, 10, 10)
    assert result.per_query["precision@5"][9] == 0


def test_by_class_averages_over_the_queries_with_a_label():
    queries, gallery, query_labels, gallery_labels = make(60, 50, seed=9)
    query_labels = [labels if 4 not in labels else (5,) for labels in query_labels]
    result = ranking.study(queries, gallery, query_labels, gallery_labels, RELEVANCE)
    rows = ranking.by_class(result, query_labels, CLASSES, n_bootstrap=100)
    assert {row["class"] for row in rows} == set(CLASSES) - {CLASSES[4]}
    own = [5 in labels for labels in query_labels]
    (row,) = [r for r in rows if r["class"] == CLASSES[5] and r["metric"] == "ndcg@30"]
    assert row["value"] == pytest.approx(result.per_query["ndcg@30"][own].mean())
    assert row["n"] == sum(own)
    assert row["low"] <= row["value"] <= row["high"]
    assert not any(row["metric"].startswith(("recall", "median")) for row in rows)


def test_modality_gap_and_hubness_by_hand():
    queries = np.array([[1, 0], [0, 2]], dtype=np.float32)
    gallery = np.array([[0, -1]] * 30, dtype=np.float32)
    labels = [(0,)] * 2, [(0,)] * 30
    result = ranking.study(queries, gallery, *labels, RELEVANCE, n_bootstrap=0)
    assert value(result, "modality_gap") == pytest.approx(math.hypot(0.5, 1.5))
    # Ten of thirty are everybody's neighbours (ties in row order): skewness of a 1 : 2 coin.
    assert value(result, "hubness") == pytest.approx((2 / 3 - 1 / 3) / math.sqrt(2 / 9))
    small = ranking.study(queries, gallery[:4], [(0,)] * 2, [(0,)] * 4, RELEVANCE)
    assert value(small, "hubness") == 0


def test_one_item_against_one():
    vector = np.ones((1, 3), dtype=np.float32)
    result = ranking.study(vector, vector, [(0,)], [(0,)], RELEVANCE, pair_of=np.array([0]))
    for metric in ("ndcg@30", "map", "precision@10", "recall@1", "median_rank"):
        assert value(result, metric) == 1.0
    # Any order is ideal here: there is no room for a lift.
    assert "ndcg_lift" not in {row["metric"] for row in result.rows}


def test_intervals_contain_the_true_mean_as_often_as_stated():
    rng = np.random.default_rng(0)
    labels = [(0,)] * 60, [(0,)] * 100
    held = 0
    for seed in range(60):
        # The pair is one of 100 random vectors: the true recall@10 is 0.1.
        result = ranking.study(
            rng.standard_normal((60, 30)),
            rng.standard_normal((100, 30)),
            *labels,
            RELEVANCE,
            pair_of=rng.integers(0, 100, 60),
            n_bootstrap=200,
            seed=seed,
        )
        (row,) = [row for row in result.rows if row["metric"] == "recall@10"]
        held += row["low"] <= 0.1 <= row["high"]
    assert held >= 50


@pytest.mark.parametrize(
    "change, error, said",
    [
        ({"queries": np.empty((0, 4)), "query_labels": []}, UserError, "no query items"),
        ({"gallery": np.empty((0, 4)), "gallery_labels": []}, UserError, "no gallery items"),
        ({"gallery": np.ones((3, 5))}, UserError, "4 dimensions and the gallery 5"),
        ({"queries": np.full((2, 4), np.nan)}, UserError, "2 of 2 query vectors hold NaN"),
        ({"query_labels": [(0,)]}, ValueError, "one label set a row"),
        ({"query_labels": [(0,), (99,)]}, ValueError, "labels outside"),
        ({"relevance": -RELEVANCE}, ValueError, "not negative"),
        ({"relevance": RELEVANCE[:, :5]}, ValueError, r"expected \(L, L\)"),
        ({"pair_of": np.array([0, 3])}, ValueError, "pair_of"),
        ({"combine": "sum"}, ValueError, "combine"),
        ({"k": 0}, ValueError, "k is 0"),
    ],
)
def test_inconsistent_arguments_are_refused(change, error, said):
    given = {
        "queries": np.ones((2, 4)),
        "gallery": np.ones((3, 4)),
        "query_labels": [(0,)] * 2,
        "gallery_labels": [(0,)] * 3,
        "relevance": RELEVANCE,
    }
    with pytest.raises(error, match=said):
        ranking.study(**{**given, **change})


def test_random_order_on_audioset_scores_what_is_known(shared_dir):
    """Chance NDCG@30 on AudioSet's evaluation clips: about 0.83 (best) and 0.81 to 0.82 (mean)."""
    whole = taxonomy.load(shared_dir / "metadata" / "audioset_ontology.json")
    lines = (shared_dir / "metadata" / "eval_segments.csv").read_text().splitlines()[1:]
    clips = [line.split('"')[1].split(",") for line in lines if '"' in line]
    tops = {whole.resolve(name) for name in ("Musical instrument", "Singing", "Tools")}

    def below_a_top(node: int) -> bool:
        above = whole.parents[node]
        return bool(tops & set(above)) or any(below_a_top(parent) for parent in above)

    labels, items = taxonomy.encode_labels(whole, clips)
    own = {place for place, label in enumerate(labels) if below_a_top(whole.resolve(label))}
    items = [item for item in items if own & set(item)]
    assert len(items) > 2000
    vectors = np.random.default_rng(0).standard_normal((len(items), 16)).astype(np.float32)
    relevance = taxonomy.relevance_table(whole, labels)
    for combine, low, high in (("best", 0.81, 0.85), ("mean", 0.80, 0.83)):
        result = ranking.study(
            vectors[::10], vectors, items[::10], items, relevance, combine=combine, n_bootstrap=0
        )
        (row,) = [row for row in result.rows if row["metric"] == "ndcg@30"]
        assert low < row["chance"] < high
