"""Cross-modal retrieval (W §3.3, figure 2): each item of one modality queries the other modality.

Similarity is cosine; the gallery is ranked by falling similarity. Similarities are computed in
double precision and compared in steps of 2⁻²³ (float32's machine epsilon), and items of equal
similarity keep the order of their gallery rows. The numbers therefore do not depend on the block
size, the number of threads or the linear-algebra library.

There are two notions of a correct result:
  pair    the item of the query's own clip: recall@k, median_rank
  labels  `ndcg@30` uses the graded relevance of label sets; for hit@k, precision@k and map an
          item is relevant if it shares at least one label with the query

Items without labels (W drops the top labels first) are left out, as queries and from the gallery,
and are counted. If no query or no gallery item has a label, all items are ranked and only the
metrics without labels are given. A metric that the data does not define (no pairs: no recall@k)
has no row.

Each row is `{metric, value, low, high, n, gallery_size, chance, seed}`; the caller adds study,
space, direction and system. `chance` is the expected value for a random order, exact unless said
otherwise; `low` and `high` are the 95 % percentile bootstrap interval over queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.cpu import n_cores
from core.errors import UserError
from core.studies.label_sets import PRECISION_AT, RECALL_AT, LabelledGallery
from core.studies.ranking_rows import Row, bootstrap, gap_row, hubness_rows, order_rows
from core.vectors import unit_rows

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

HUBNESS_K = 10
STEPS_PER_UNIT = 2**23 - 1  # similarity is compared in steps of one over this
_BLOCK_ROWS = 128
_BLOCK_CELLS = 2**21  # similarities a thread holds at most: 16 MB of float64


@dataclass(frozen=True)
class RankingResult:
    """The result of `study`.

    Attributes
    ----------
    rows : one dict per metric
    random_rows : the same metrics for a random order (exact expectation, so there is no seed)
    per_query, chance_per_query : metric -> (n,) float64, in the order of the queries; NaN where
        the query was left out or the metric is not defined for it
    top : (n, min(k, gallery_size)) int32 gallery rows, best first; -1 for queries left out
    n_queries, gallery_size : the items ranked, without those left out
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

    ndcg@k        linear gain, discount 1 / log2(rank + 1), ideal order over the whole gallery (as
                  `sklearn.metrics.ndcg_score`)
    ndcg_lift     (NDCG − random) / (1 − random), of the means over queries
    recall@k      share of queries whose own pair is among the first k (one correct item a query)
    median_rank   median rank of the own pair, 1 is best
    hit@k         share of queries with a relevant item among the first k
    precision@k   mean share of relevant items among the first min(k, m)
    map           mean average precision over queries (each query's as
                  `sklearn.metrics.average_precision_score`), without the queries that have no
                  relevant item in the gallery
    modality_gap  distance between the two modalities' mean unit vectors (Liang et al. 2022), 0 to
                  2; chance: root of the expected square if modality were assigned at random. No
                  interval: drawing items twice makes every gap wider, and a small one most
    hubness       skewness over gallery items of how often each is among a query's first 10
                  (Radovanović et al. 2010), 0 if all are equally often; chance: skewness of the
                  binomial. No interval: a query drawn twice would itself look like a hub

    Parameters
    ----------
    queries, gallery : (n, d) and (m, d) vectors of one space
    query_labels, gallery_labels : per item its positions in `relevance`; () for none
    relevance : (L, L), non-negative, as from `taxonomy.relevance_table`
    pair_of : (n,) gallery row of the query's own pair, -1 for none
    combine : the gain of an item is the relevance of the best-matching pair of labels ("best"), or
        the mean over the query's labels of the relevance of the item's best-matching label ("mean")
    block_rows : queries per block, which bounds memory; by default about 40 MB a thread

    Raises
    ------
    UserError
        There are no queries or no gallery, the dimensions differ, or vectors are not finite.
    ValueError
        Labels, pairs or options do not fit the arrays.
    """
    from threadpoolctl import threadpool_limits

    _check(queries, gallery, query_labels, gallery_labels, relevance, pair_of, k, combine)
    n = len(queries)
    labelled = any(query_labels) and any(gallery_labels)
    kept_q = _rows_with(query_labels) if labelled else np.arange(n)
    kept_g = _rows_with(gallery_labels) if labelled else np.arange(len(gallery))
    unit_q = unit_rows(queries[kept_q], np.float64)
    unit_g = unit_rows(gallery[kept_g], np.float64)
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

    # Queries with equal label sets are neighbours in `order`, so that they share one lookup.
    order = np.array(sorted(range(len(kept_q)), key=lambda i: query_sets[i]), dtype=np.int64)
    size = block_rows or max(1, min(_BLOCK_ROWS, _BLOCK_CELLS // m))
    blocks = [order[start : start + size] for start in range(0, len(order), size)]
    # Blocks run in parallel; matrix products with threads of their own would only compete.
    with (
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(n_threads or n_cores()) as pool,
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
        per_query={name: _in_full(column, kept_q, n) for name, column in values.items()},
        chance_per_query={name: _in_full(column, kept_q, n) for name, column in chances.items()},
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
    """The label metrics (ndcg@k, precision@k, map, ...) over the queries of each label.

    `labels` are the names of the label positions. Rows are as in `study`, plus "class"; a class
    without queries has none.
    """
    of_pairs = ("recall", "median")
    names = [name for name in result.per_query if not name.startswith(of_pairs)]
    rows: list[Row] = []
    if not names:
        return rows
    for position, label in enumerate(labels):
        mine = [row for row, found in enumerate(query_labels) if position in found]
        if not mine:
            continue
        values = {name: result.per_query[name][mine] for name in names}
        chances = {name: result.chance_per_query[name][mine] for name in names}
        draws = bootstrap(values, chances, n_bootstrap, np.random.default_rng(seed))
        class_rows, _ = order_rows(values, chances, draws, result.gallery_size)
        rows += [{**row, "class": label} for row in class_rows]
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

    queries (b, d), gallery (m, d): unit vectors. Map needs the whole order. It comes from two
    stable radix sorts, of 8 and 16 bits (NumPy's "stable" sort for such integers), which take a
    third of the time of one comparison sort and keep ties in gallery order.
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
    relevant_first = np.zeros((b, min(max(*RECALL_AT, *PRECISION_AT), m)), dtype=bool)
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
            seen = groups.view(seen_set)
        for name, chance in seen.chance.items():
            chances[name][i] = chance
        ideal[i] = seen.ideal
        gain[i] = seen.gain[groups.code[order[: gain.shape[1]]]]
        relevant = seen.relevant.take(order)
        relevant_first[i] = relevant[: relevant_first.shape[1]]
        places = np.flatnonzero(relevant)
        if len(places):
            precision[i] = (counting[: len(places)] / (places + 1)).mean()

    values: dict[str, Float] = {"median_rank": rank}
    unpaired = np.isnan(rank)
    chances["median_rank"][~unpaired] = (m + 1) / 2
    for r in RECALL_AT:
        values[f"recall@{r}"] = np.where(unpaired, np.nan, rank <= r)
        chances[f"recall@{r}"][~unpaired] = min(r, m) / m
    if groups is not None:
        with np.errstate(invalid="ignore"):
            # Row sums, unlike a matrix product, round the same in a block of any size.
            dcg = (gain * groups.discount[: gain.shape[1]]).sum(axis=1)
            values[f"ndcg@{k}"] = np.where(ideal > 0, dcg / ideal, np.nan)
        values["map"] = precision
        for r in RECALL_AT:
            values[f"hit@{r}"] = np.asarray(relevant_first[:, :r].any(axis=1), dtype=np.float64)
        for p in PRECISION_AT:
            values[f"precision@{p}"] = relevant_first[:, :p].mean(axis=1)
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
    return np.array([row for row, found in enumerate(labels) if found], dtype=np.int64)


def _pairs_among(
    pair_of: npt.NDArray[np.integer[Any]] | None, kept_q: Int, kept_g: Int, m: int
) -> Int:
    """Gallery row of each kept query's pair among the kept gallery rows, -1 for none."""
    if pair_of is None:
        return np.full(len(kept_q), -1, dtype=np.int64)
    position = np.full(m + 1, -1, dtype=np.int64)  # the last entry is for -1
    position[kept_g] = np.arange(len(kept_g))
    return position[np.asarray(pair_of)[kept_q]]


def _in_full(column: Float, kept: Int, n: int) -> Float:
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
            "project both into one space first."
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
