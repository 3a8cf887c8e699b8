"""Cross-modal retrieval (W §3.3, figure 2): every item of one modality asks for the other's.

Conventions. Similarity is cosine; the gallery is ranked by falling similarity. Similarities are
computed in double precision and compared in steps of 2⁻²³ (float32's machine epsilon), and items
with equal similarity stand in the order of their gallery rows: the same numbers come out whatever
the block size, the number of threads or the linear-algebra library.

Two notions of a right answer stand side by side and are never mixed up:
  pair    the item cut from the query's own clip: recall@k, median_rank
  labels  `ndcg@30` uses the graded relevance of label sets; hit@k, precision@k and map ask
          whether an item shares at least one label with the query

Items left without labels (W drops the top labels first) take no part, neither as queries nor in
the gallery, and are counted. When no query or no gallery item has a label, labels are not asked
for at all: everything takes part and only the metrics that need none are given. A metric that
nothing in the data defines (no pairs: no recall@k) has no row.

Every row is `{metric, value, low, high, n, gallery_size, chance, seed}`; the caller adds study,
space, direction and system. `chance` is the expected value under a random order, exact unless
said otherwise; `low` and `high` are the 95 % percentile bootstrap interval over queries.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import UserError
from core.studies.label_sets import PRECISION_AT, RECALL_AT, LabelledGallery
from core.studies.ranking_rows import Row, bootstrap, gap_row, hubness_rows, order_rows

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

HUBNESS_K = 10
STEPS_PER_UNIT = 2**23 - 1  # similarity is compared in steps of one over this
_BLOCK_ROWS = 128
_BLOCK_CELLS = 2**21  # similarities a thread holds at most: 16 MB of float64


@dataclass(frozen=True)
class RankingResult:
    """What `study` found.

    rows: one dict a metric. random_rows: the same metrics of a random order (exact expectation,
    hence no seed). per_query: metric -> (n,) float64 in the order of the queries handed in, NaN
    where the query was left out or the metric is undefined for it; chance_per_query likewise.
    top: (n, min(k, gallery_size)) int32, gallery rows as handed in, best first, -1 for queries left
    out. n_queries and gallery_size count those that took part.
    """

    rows: list[Row]
    random_rows: list[Row]
    per_query: dict[str, Float]
    chance_per_query: dict[str, Float]
    top: npt.NDArray[np.int32]
    n_queries: int
    gallery_size: int
    n_queries_left_out: int
    n_gallery_left_out: int


def study(
    queries: npt.NDArray[np.floating[Any]],
    gallery: npt.NDArray[np.floating[Any]],
    query_labels: Sequence[tuple[int, ...]],
    gallery_labels: Sequence[tuple[int, ...]],
    relevance: npt.NDArray[np.floating[Any]],
    *,
    pair_of: npt.NDArray[np.integer[Any]] | None = None,
    k: int = 30,
    combine: str = "best",
    n_bootstrap: int = 1000,
    seed: int = 0,
    block_rows: int | None = None,
    n_threads: int | None = None,
) -> RankingResult:
    """Rank the whole gallery for each query and measure the ranking.

    queries (n, d), gallery (m, d): vectors of one space. query_labels, gallery_labels: for each
    item its positions in `relevance` (L, L), non-negative, as `taxonomy.relevance_table` gives it;
    () for none. pair_of (n,): gallery row of the query's own pair, -1 for none.

    ndcg@k        linear gain, discount 1 / log2(rank + 1), ideal order over the whole gallery (as
                  `sklearn.metrics.ndcg_score`). Gain of an item: relevance of the best-matching
                  pair of labels (combine="best"), or for each label of the query that of the
                  gallery item's best-matching label, averaged over the query's labels ("mean").
    ndcg_lift     (NDCG − random) / (1 − random), of the means over queries
    recall@k      share of queries whose own pair is among the first k (one right answer a query)
    median_rank   median rank of the own pair, 1 is best
    hit@k         share of queries with an item that shares a label among the first k
    precision@k   mean share of the first min(k, m) that share a label with the query
    map           mean average precision over queries, right = shares a label (each query's as
                  `sklearn.metrics.average_precision_score`); a query with no right answer in the
                  gallery has none and is left out of this mean
    modality_gap  distance between the two modalities' mean unit vectors (Liang et al. 2022), 0 to
                  2; chance: root of the expected square if modality were assigned at random. No
                  interval: drawing items twice makes every gap wider, and a small one most
    hubness       skewness over gallery items of how often each is among a query's first 10
                  (Radovanović et al. 2010), 0 if all are equally often; chance: skewness of the
                  binomial. No interval: a query drawn twice would itself look like a hub

    Memory is bounded by blocks of queries (`block_rows`; by itself about 40 MB a thread).
    Raises UserError: no queries or no gallery, different dimensions, vectors that are not finite.
    Raises ValueError: labels, pairs or options that do not fit the arrays.
    """
    from threadpoolctl import threadpool_limits

    _check(queries, gallery, query_labels, gallery_labels, relevance, pair_of, k, combine)
    n = len(queries)
    labelled = any(query_labels) and any(gallery_labels)
    kept_q = _rows_with(query_labels) if labelled else np.arange(n)
    kept_g = _rows_with(gallery_labels) if labelled else np.arange(len(gallery))
    unit_q, unit_g = _unit(queries[kept_q]), _unit(gallery[kept_g])
    pairs = _pairs_among(pair_of, kept_q, kept_g, len(gallery))
    m = len(kept_g)

    groups = LabelledGallery(gallery_labels, kept_g, relevance, combine, k) if labelled else None
    query_sets = [query_labels[row] for row in kept_q] if labelled else [()] * len(kept_q)
    names = _metric_names(k, labelled, bool((pairs >= 0).any()))
    values = {name: np.empty(len(kept_q)) for name in names}
    chances = {name: np.empty(len(kept_q)) for name in names}
    top = np.empty((len(kept_q), min(max(k, HUBNESS_K), m)), dtype=np.int32)

    def run(block: Int) -> None:
        sets = [query_sets[row] for row in block]
        found, expected, top[block] = _rank_block(
            unit_q[block], unit_g, sets, pairs[block], groups, k
        )
        for name in names:
            values[name][block], chances[name][block] = found[name], expected[name]

    # Queries with equal label sets are neighbours in `order`, so that one lookup serves them all.
    order = np.array(sorted(range(len(kept_q)), key=lambda i: query_sets[i]), dtype=np.int64)
    size = block_rows or max(1, min(_BLOCK_ROWS, _BLOCK_CELLS // m))
    blocks = [order[start : start + size] for start in range(0, len(order), size)]
    # Blocks run side by side; matrix products that start threads of their own would only queue.
    with (
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(n_threads or os.cpu_count() or 1) as pool,
    ):
        list(pool.map(run, blocks))

    rows: list[Row] = []
    random_rows: list[Row] = []
    if names:
        draws = bootstrap(values, chances, n_bootstrap, np.random.default_rng(seed))
        rows, random_rows = order_rows(values, chances, draws, m)
    hubness_row, random_hubness = hubness_rows(top[:, :HUBNESS_K], m)
    rows += [gap_row(unit_q, unit_g), hubness_row]
    random_rows.append(random_hubness)
    top_all = np.full((n, min(k, m)), -1, dtype=np.int32)
    top_all[kept_q] = kept_g[top[:, :k]]
    return RankingResult(
        rows=rows,
        random_rows=random_rows,
        per_query={name: _spread(column, kept_q, n) for name, column in values.items()},
        chance_per_query={name: _spread(column, kept_q, n) for name, column in chances.items()},
        top=top_all,
        n_queries=len(kept_q),
        gallery_size=m,
        n_queries_left_out=n - len(kept_q),
        n_gallery_left_out=len(gallery) - m,
    )


def by_class(
    result: RankingResult,
    query_labels: Sequence[tuple[int, ...]],
    labels: Sequence[str],
    *,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> list[Row]:
    """The label metrics (ndcg@k, precision@k, map, ...) over the queries that carry each label.

    labels: names of the label positions. Rows as in `study` with "class" beside; a class without
    queries has none.
    """
    of_pairs = ("recall", "median")
    names = [name for name in result.per_query if not name.startswith(of_pairs)]
    rows: list[Row] = []
    if not names:
        return rows
    for position, label in enumerate(labels):
        own = [row for row, carried in enumerate(query_labels) if position in carried]
        if not own:
            continue
        values = {name: result.per_query[name][own] for name in names}
        chances = {name: result.chance_per_query[name][own] for name in names}
        draws = bootstrap(values, chances, n_bootstrap, np.random.default_rng(seed))
        own_rows, _ = order_rows(values, chances, draws, result.gallery_size)
        rows += [{**row, "class": label} for row in own_rows]
    return rows


def _rank_block(
    queries: Float,
    gallery: Float,
    query_sets: Sequence[tuple[int, ...]],
    pairs: Int,
    groups: LabelledGallery | None,
    k: int,
) -> tuple[dict[str, Float], dict[str, Float], npt.NDArray[np.int32]]:
    """Rank the gallery for a few queries -> values and chances by metric (b,), top (b, K) int32.

    queries (b, d), gallery (m, d): unit vectors. The whole order is needed for map. It comes from
    two stable radix sorts, of 8 and 16 bits (what NumPy's "stable" is for such integers), which
    take a third of the time of one comparison sort and leave ties in gallery order by themselves.
    """
    b, m = len(queries), len(gallery)
    # Distance in steps: an integer from 0 (same direction) to 2 * STEPS_PER_UNIT < 2 ** 24.
    product = (queries * -STEPS_PER_UNIT) @ gallery.T
    product += STEPS_PER_UNIT + 0.5
    steps = product.astype(np.uint32)
    low = steps.astype(np.uint8)

    # At least HUBNESS_K long, so that hubness does not depend on the k of NDCG.
    top = np.empty((b, min(max(k, HUBNESS_K), m)), dtype=np.int32)
    rank = np.full(b, np.nan)
    precision = np.full(b, np.nan)  # average precision
    gain = np.zeros((b, min(k, m)))
    ideal = np.zeros(b)
    right_first = np.zeros((b, min(max(*RECALL_AT, *PRECISION_AT), m)), dtype=bool)
    chances = {name: np.full(b, np.nan) for name in _metric_names(k, groups is not None, True)}
    counting = np.arange(1, m + 1)
    seen, seen_set = None, None
    for i in range(b):
        order = np.argsort(low[i], kind="stable")
        high = (steps[i].take(order) >> 8).astype(np.uint16)
        order = order.take(np.argsort(high, kind="stable"))
        top[i] = order[: top.shape[1]]
        if pairs[i] >= 0:
            own = steps[i, pairs[i]]
            nearer = np.count_nonzero(steps[i] < own)
            rank[i] = 1 + nearer + np.count_nonzero(steps[i, : pairs[i]] == own)
        if groups is None:
            continue
        if seen is None or query_sets[i] != seen_set:
            seen_set = query_sets[i]
            seen = groups.seen_from(seen_set)
        for name, chance in seen.chance.items():
            chances[name][i] = chance
        ideal[i] = seen.ideal
        gain[i] = seen.gain[groups.code[order[: gain.shape[1]]]]
        right = seen.right.take(order)
        right_first[i] = right[: right_first.shape[1]]
        places = np.flatnonzero(right)
        if len(places):
            precision[i] = (counting[: len(places)] / (places + 1)).mean()

    values: dict[str, Float] = {"median_rank": rank}
    alone = np.isnan(rank)  # queries without a pair
    chances["median_rank"][~alone] = (m + 1) / 2
    for r in RECALL_AT:
        values[f"recall@{r}"] = np.where(alone, np.nan, rank <= r)
        chances[f"recall@{r}"][~alone] = min(r, m) / m
    if groups is not None:
        with np.errstate(invalid="ignore"):
            # Row sums, unlike a matrix product, round the same in a block of any size.
            dcg = (gain * groups.discount[: gain.shape[1]]).sum(axis=1)
            values[f"ndcg@{k}"] = np.where(ideal > 0, dcg / ideal, np.nan)
        values["map"] = precision
        for r in RECALL_AT:
            values[f"hit@{r}"] = np.asarray(right_first[:, :r].any(axis=1), dtype=np.float64)
        for p in PRECISION_AT:
            values[f"precision@{p}"] = right_first[:, :p].mean(axis=1)
    return values, chances, top


def _metric_names(k: int, labelled: bool, paired: bool) -> list[str]:
    of_labels = [
        f"ndcg@{k}",
        "map",
        *(f"precision@{p}" for p in PRECISION_AT),
        *(f"hit@{r}" for r in RECALL_AT),
    ]
    of_pairs = [*(f"recall@{r}" for r in RECALL_AT), "median_rank"]
    return [*(of_labels if labelled else []), *(of_pairs if paired else [])]


def _rows_with(labels: Sequence[tuple[int, ...]]) -> Int:
    return np.array([row for row, carried in enumerate(labels) if carried], dtype=np.int64)


def _unit(vectors: npt.NDArray[np.floating[Any]]) -> Float:
    """Unit vectors in double precision; a vector of zeros stays zero, at cosine 0 from all."""
    wide = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(length > 0, length, 1.0))


def _pairs_among(
    pair_of: npt.NDArray[np.integer[Any]] | None, kept_q: Int, kept_g: Int, m: int
) -> Int:
    """Gallery row of each kept query's pair among the kept gallery rows, -1 for none."""
    if pair_of is None:
        return np.full(len(kept_q), -1, dtype=np.int64)
    position = np.full(m + 1, -1, dtype=np.int64)  # the last entry answers for -1
    position[kept_g] = np.arange(len(kept_g))
    return position[np.asarray(pair_of)[kept_q]]


def _spread(column: Float, kept: Int, n: int) -> Float:
    out = np.full(n, np.nan)
    out[kept] = column
    return out


def _check(
    queries: npt.NDArray[np.floating[Any]],
    gallery: npt.NDArray[np.floating[Any]],
    query_labels: Sequence[tuple[int, ...]],
    gallery_labels: Sequence[tuple[int, ...]],
    relevance: npt.NDArray[np.floating[Any]],
    pair_of: npt.NDArray[np.integer[Any]] | None,
    k: int,
    combine: str,
) -> None:
    for name, vectors, labels in (
        ("query", queries, query_labels),
        ("gallery", gallery, gallery_labels),
    ):
        if vectors.ndim != 2 or len(vectors) != len(labels):
            raise ValueError(
                f"{name} vectors have shape {vectors.shape} with {len(labels)} label sets: "
                "expected (rows, d) and one label set a row"
            )
        if len(vectors) == 0:
            raise UserError(
                f"The ranking study has no {name} items: it needs at least one item of each "
                "modality in the subset it ranks, so check the split or choose another subset."
            )
        n_broken = int((~np.isfinite(vectors).all(axis=1)).sum())
        if n_broken:
            raise UserError(
                f"{n_broken} of {len(vectors)} {name} vectors hold NaN or infinity where finite "
                "numbers are expected: extract or train them again."
            )
        if any(not 0 <= label < len(relevance) for labels_ in labels for label in labels_):
            raise ValueError(f"{name} labels outside the {len(relevance)} rows of the relevance")
    if queries.shape[1] != gallery.shape[1]:
        raise UserError(
            f"Queries have {queries.shape[1]} dimensions and the gallery {gallery.shape[1]}: "
            "both must lie in one space, so project them first."
        )
    if relevance.ndim != 2 or relevance.shape[0] != relevance.shape[1]:
        raise ValueError(f"relevance has shape {relevance.shape}: expected (L, L)")
    if not (np.isfinite(relevance).all() and (relevance >= 0).all()):
        raise ValueError("relevance must be finite and not negative")
    if pair_of is not None:
        pairs = np.asarray(pair_of)
        if pairs.shape != (len(queries),) or pairs.min() < -1 or pairs.max() >= len(gallery):
            raise ValueError("pair_of needs a gallery row for each query, or -1 for none")
    if combine not in ("best", "mean"):
        raise ValueError(f"combine is {combine!r}: expected 'best' or 'mean'")
    if k < 1:
        raise ValueError(f"k is {k}: expected at least 1")
