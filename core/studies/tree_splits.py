"""Compiled kernels of the random forest: the best split of a node along one feature.

A node's items come as codes (uint16), the ranks of their values (see `core.studies.trees`), with
their labels, numbered from 0 within the node, and their weights.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Whole = Any  # int outside, int64 within: one type once compiled

# How the items of a node are ordered along a feature depends on their number: insertion sort, then
# a radix sort, and from EXACT_BELOW on 256 bins over the node's range of codes, where only the end
# of a bin is tried as a split.
INSERTION_BELOW = 20
EXACT_BELOW = 1024
N_BINS = 256


@njit(cache=True, nogil=True)
def _insertion_sort(codes: Array, size: Whole, ranked: Array) -> None:
    """Positions 0 to size - 1 in order of their codes, into `ranked`."""
    for k in range(size):
        code = codes[k]
        at = k
        while at > 0 and codes[ranked[at - 1]] > code:
            ranked[at] = ranked[at - 1]
            at -= 1
        ranked[at] = k


@njit(cache=True, nogil=True)
def _counting_sort(
    codes: Array,
    positions: Any,
    low: Whole,
    shift: Whole,
    mask: Whole,
    n_bins: Whole,
    place: Array,
    out: Array,
) -> None:
    """`positions` in order of the digit `(code - low) >> shift & mask` < `n_bins`, into `out`."""
    for b in range(n_bins + 1):
        place[b] = 0
    for k in positions:
        place[(((np.int64(codes[k]) - low) >> shift) & mask) + 1] += 1
    for b in range(1, n_bins):
        place[b] += place[b - 1]
    for k in positions:
        b = ((np.int64(codes[k]) - low) >> shift) & mask
        out[place[b]] = k
        place[b] += 1


@njit(cache=True, nogil=True)
def _radix_sort(
    codes: Array,
    size: Whole,
    low: Whole,
    high: Whole,
    shift: Whole,
    place: Array,
    spare: Array,
    ranked: Array,
) -> None:
    """Positions in order of `code >> shift`, into `ranked`: by one digit, or by two if needed."""
    if (high - low) >> shift < N_BINS:
        n_bins = ((high - low) >> shift) + 1
        _counting_sort(codes, range(size), low, shift, -1, n_bins, place, ranked)
        return
    half = 0
    while (high - low) >> (2 * half):
        half += 1
    n_low, n_high = 1 << half, ((high - low) >> half) + 1
    _counting_sort(codes, range(size), low, 0, n_low - 1, n_low, place, spare)
    _counting_sort(codes, spare[:size], low, half, -1, n_high, place, ranked)


@njit(cache=True, nogil=True, error_model="numpy")
def find_cut(
    codes: Array,
    labels: Array,
    weights: Array,
    size: Whole,
    low: Whole,
    high: Whole,
    total: Array,
    n_present: Whole,
    weight: float,
    square: float,
    best: float,
    work: tuple[Array, ...],
) -> tuple[float, Whole]:
    """The best split of a node along one feature: (score, highest code that goes left).

    The score grows with the Gini gain: it is the sum over both sides of the squared class weights
    divided by the side's weight.

    Parameters
    ----------
    codes, labels, weights : the node's `size` items
    low, high : their lowest and highest code, low < high
    total : the weights of the node's `n_present` classes, with their sum `weight` and the sum of
        their squares `square`: whole numbers, as floats
    best : the score to beat; if no split beats it, it is returned with the cut `low`
    work : see `make_work`
    """
    left, place, table, ranked, spare, states = work
    shift = 0
    if size >= EXACT_BELOW:
        while (high - low) >> shift >= N_BINS:
            shift += 1
    n_bins = ((high - low) >> shift) + 1
    weight_left = 0.0
    square_left = 0.0
    square_right = square
    for c in range(n_present):
        left[c] = 0.0
    cut = low

    if size >= EXACT_BELOW and size > n_bins * n_present:
        # Many items per bin and class: a table of weights is faster than an order.
        place[:] = 0
        table[:n_bins, :n_present] = 0
        for k in range(size):
            b = (np.int64(codes[k]) - low) >> shift
            table[b, labels[k]] += weights[k]
            place[b] = 1
        for b in range(n_bins - 1):
            if place[b] == 0:
                continue
            for c in range(n_present):
                moved = table[b, c]
                square_left += moved * (2 * left[c] + moved)
                square_right += moved * (moved - 2 * (total[c] - left[c]))
                left[c] += moved
                weight_left += moved
            score = square_left / weight_left + square_right / (weight - weight_left)
            if score > best:
                best = score
                cut = low + ((b + 1) << shift) - 1
        return best, cut

    if size < INSERTION_BELOW:
        _insertion_sort(codes, size, ranked)
    else:
        _radix_sort(codes, size, low, high, shift, place, spare, ranked)
    for i in range(size):
        k = ranked[i]
        states[0, i] = square_left
        states[1, i] = square_right
        states[2, i] = weight_left
        moved = weights[k]
        c = labels[k]
        before = left[c]
        square_left += moved * (2 * before + moved)
        square_right += moved * (moved - 2 * (total[c] - before))
        left[c] = before + moved
        weight_left += moved
    # A loop of its own: without branches it divides many numbers at once.
    for i in range(1, size):
        states[0, i] = states[0, i] / states[2, i] + states[1, i] / (weight - states[2, i])
    for i in range(1, size):
        if states[0, i] > best:
            previous = (np.int64(codes[ranked[i - 1]]) - low) >> shift
            if (np.int64(codes[ranked[i]]) - low) >> shift != previous:
                best = states[0, i]
                cut = low + ((previous + 1) << shift) - 1
    return best, cut


@njit(cache=True, nogil=True)
def make_work(n: Whole, n_classes: Whole) -> tuple[Array, ...]:
    """Scratch arrays of `find_cut` for nodes of at most n items."""
    return (
        np.empty(n_classes, np.float64),  # left: class weights left of a cut
        np.empty(N_BINS + 1, np.int64),  # place: of each digit in an order
        np.empty((N_BINS, n_classes), np.float64),  # table: class weights by bin
        np.empty(n, np.int32),  # ranked: positions in order
        np.empty(n, np.int32),  # spare
        np.empty((3, n), np.float64),  # states: sums left of each position
    )
