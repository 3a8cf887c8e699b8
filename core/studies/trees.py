"""Compiled kernels of the random forest: grow one tree, send items down the trees.

Imported by `core.studies.forests` alone, and only when a forest is fitted or asked: numba takes
a moment to import. The first call on a machine compiles (a few seconds); the result is cached.

Conventions
- Features are coded: `codes[j, i]` (features first, uint16) is the rank of item i's value among
  the distinct values of feature j (groups of neighbouring values beyond 65,536 of them);
  `lowest[j, code]` and `highest[j, code]` are the values a code stands for.
- A tree is three flat arrays in preorder: the left child of node k is k + 1, the right child is
  `right[k]`; a leaf has `feature[k] == -1` and keeps in `right[k]` its class, or `~row` of
  `mixed`, the table of the few leaves that hold several classes.
- Every kernel releases the GIL: the caller runs one tree (or block of items) per thread.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Whole = Any  # int outside, int64 within: one thing once compiled

# How a node's items are put in order of one feature, by how many they are: insertion sort, a
# counting sort finished by insertion, and above that 256 bins over the node's range of ranks,
# where only a bin's end is tried as a split (exact below, 1/256 of the ranks above).
INSERTION_BELOW = 20
EXACT_BELOW = 1024
N_BINS = 256

# An item of a node as one whole number: code of the feature, class, weight, from the top down.
CODE = 40
LABEL = 20
MASK = (1 << LABEL) - 1


@njit(cache=True, nogil=True)
def _next(state: Array) -> np.uint64:
    """One step of splitmix64 (Steele, Lea & Flood 2014); state (1,) uint64 is moved on."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)
def _below(state: Array, n: Whole) -> Whole:
    """A whole number in [0, n), n < 2**31."""
    return np.int64(((_next(state) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def _bootstrap(state: Array, n_items: Whole) -> tuple[Array, Array]:
    """n_items draws with replacement: the items drawn, ascending, and how often each item was."""
    times = np.zeros(n_items, np.int32)
    for _ in range(n_items):
        times[_below(state, n_items)] += 1
    n_drawn = 0
    for i in range(n_items):
        if times[i] > 0:
            n_drawn += 1
    drawn = np.empty(n_drawn, np.int32)
    n_drawn = 0
    for i in range(n_items):
        if times[i] > 0:
            drawn[n_drawn] = i
            n_drawn += 1
    return drawn, times


@njit(cache=True, nogil=True)
def _move(left: Array, total: Array, squares: Array, label: Whole, weight: Whole) -> None:
    """Carry weight of one class from the right side of a split to its left side.

    squares (2,) are the sums of squared class weights of the left and the right side.
    """
    squares[0] += weight * (2 * left[label] + weight)
    squares[1] += weight * (weight - 2 * (total[label] - left[label]))
    left[label] += weight


@njit(cache=True, nogil=True)
def _sort(keys: Array, size: Whole, low: Whole, shift: Whole, place: Array, spare: Array) -> None:
    """Order keys[:size]: by bin of 2**shift codes, and wholly below EXACT_BELOW items."""
    if size >= INSERTION_BELOW:
        place[:] = 0
        for k in range(size):
            place[(((keys[k] >> CODE) - low) >> shift) + 1] += 1
        for b in range(1, N_BINS + 1):
            place[b] += place[b - 1]
        for k in range(size):
            b = ((keys[k] >> CODE) - low) >> shift
            spare[place[b]] = keys[k]
            place[b] += 1
        for k in range(size):
            keys[k] = spare[k]
    if size < EXACT_BELOW:
        for k in range(1, size):
            key = keys[k]
            at = k
            while at > 0 and keys[at - 1] > key:
                keys[at] = keys[at - 1]
                at -= 1
            keys[at] = key


@njit(cache=True, nogil=True)
def _best_cut(
    keys: Array,
    size: Whole,
    low: Whole,
    high: Whole,
    total: Array,
    weight: Whole,
    square: Whole,
    work: tuple[Array, ...],
) -> tuple[float, Whole]:
    """The best split of a node along one feature: (score, highest code that goes left).

    The score grows with the Gini gain: the sum over both sides of squared class weights over
    the side's weight. `low` < `high` are the node's outermost codes, `total` the weights of
    its classes, `weight` their sum and `square` the sum of their squares; `work` is scratch,
    and keys are reordered.
    """
    left, squares, place, table, spare = work
    n_present = total.size
    shift = 0
    while (high - low) >> shift >= N_BINS:
        shift += 1
    n_bins = ((high - low) >> shift) + 1
    weight_left: Whole = np.int64(0)
    squares[0] = 0
    squares[1] = square
    for c in range(n_present):
        left[c] = 0
    best = -1.0
    cut = low

    if size >= EXACT_BELOW and size > n_bins * n_present:
        # More items than cells in a table of bins and classes: sorting would cost more.
        place[:] = 0
        table[:n_bins, :n_present] = 0
        for k in range(size):
            b = ((keys[k] >> CODE) - low) >> shift
            table[b, (keys[k] >> LABEL) & MASK] += keys[k] & MASK
            place[b] = 1
        for b in range(n_bins - 1):
            if place[b] == 0:
                continue
            for c in range(n_present):
                moved = np.int64(table[b, c])
                _move(left, total, squares, c, moved)
                weight_left += moved
            score = squares[0] / weight_left + squares[1] / (weight - weight_left)
            if score > best:
                best = score
                cut = low + ((b + 1) << shift) - 1
        return best, cut

    _sort(keys, size, low, shift, place, spare)
    if size < EXACT_BELOW:
        shift = 0
    previous: Whole = np.int64(0)
    for k in range(size):
        b = ((keys[k] >> CODE) - low) >> shift
        if k > 0 and b != previous:
            score = squares[0] / weight_left + squares[1] / (weight - weight_left)
            if score > best:
                best = score
                cut = low + ((previous + 1) << shift) - 1
        previous = b
        moved = keys[k] & MASK
        _move(left, total, squares, (keys[k] >> LABEL) & MASK, moved)
        weight_left += moved
    return best, cut


@njit(cache=True, nogil=True)
def grow_tree(
    codes: Array,
    lowest: Array,
    highest: Array,
    y: Array,
    n_classes: Whole,
    max_depth: Whole,
    max_features: Whole,
    seed: np.uint64,
) -> tuple[Array, Array, Array, Array]:
    """One tree on a bootstrap draw of the items.

    Splits maximise the Gini gain over `max_features` random features (more, while all of those
    are constant in the node, as scikit-learn does); a threshold lies midway between the node's
    two neighbouring values. Returns `feature` int16, `threshold` float32, `right` int32 and
    `mixed` (m, n_classes) float32.
    """
    state = np.empty(1, np.uint64)
    state[0] = seed
    d, n_items = codes.shape
    order, times = _bootstrap(state, n_items)
    n = order.size

    feature = np.empty(2 * n, np.int16)
    threshold = np.zeros(2 * n, np.float32)
    right = np.empty(2 * n, np.int32)
    mixed = np.empty((n // 2 + 1, n_classes), np.float32)
    n_nodes = 0
    n_mixed = 0

    features = np.arange(d)
    # Within a node its classes are numbered anew, 0 to n_present - 1.
    total = np.empty(n_classes, np.int64)  # weight of each class of the node
    present = np.empty(n_classes, np.int64)  # which class it is
    number = np.full(n_classes, -1, np.int64)  # and the way back; -1: not in the node
    tails = np.empty(n, np.int64)  # class and weight of the node's items
    keys = np.empty(n, np.int64)  # the same under the code of one feature: sorted as one number
    spare = np.empty(n, np.int64)
    work = (
        np.empty(n_classes, np.int64),
        np.empty(2, np.int64),
        np.empty(N_BINS + 1, np.int64),
        np.empty((N_BINS, n_classes), np.int32),
        spare,
    )

    stack = np.empty((max_depth + 2, 4), np.int64)  # start, end, depth, parent (-1: a left child)
    stack[0] = (0, n, 0, -1)
    n_stack = 1
    while n_stack > 0:
        n_stack -= 1
        start, end, depth, parent = stack[n_stack]
        node = n_nodes
        n_nodes += 1
        if parent >= 0:
            right[parent] = node
        size = end - start

        n_present = 0
        for k in range(size):
            item = order[start + k]
            c = number[y[item]]
            if c < 0:
                c = n_present
                n_present += 1
                present[c] = y[item]
                number[y[item]] = c
                total[c] = 0
            total[c] += times[item]
            tails[k] = (c << LABEL) | times[item]
        weight: Whole = np.int64(0)
        square: Whole = np.int64(0)
        for c in range(n_present):
            number[present[c]] = -1
            weight += total[c]
            square += total[c] * total[c]

        best = -1.0
        best_feature = -1
        best_cut: Whole = np.int64(0)
        n_seen = 0
        n_constant = 0
        n_allowed = d if n_present > 1 and depth < max_depth else 0
        while n_seen < n_allowed and (n_seen < max_features or n_constant == n_seen):
            pick = n_seen + _below(state, d - n_seen)
            j = features[pick]
            features[pick] = features[n_seen]
            features[n_seen] = j
            n_seen += 1

            column = codes[j]
            low: Whole = np.int64(65535)
            high: Whole = np.int64(0)
            for k in range(size):
                code = np.int64(column[order[start + k]])
                keys[k] = (code << CODE) | tails[k]
                low = min(low, code)
                high = max(high, code)
            if low == high:
                n_constant += 1
                continue
            score, cut = _best_cut(keys, size, low, high, total[:n_present], weight, square, work)
            if score > best:
                best = score
                best_feature = j
                best_cut = cut

        if best_feature < 0:
            feature[node] = -1
            if n_present == 1:
                right[node] = present[0]
            else:
                mixed[n_mixed] = 0
                for c in range(n_present):
                    mixed[n_mixed, present[c]] = total[c] / weight
                right[node] = ~n_mixed
                n_mixed += 1
            continue

        column = codes[best_feature]
        middle = start
        n_right = 0
        left_end: Whole = np.int64(0)
        right_start: Whole = np.int64(65535)
        for k in range(start, end):
            item = order[k]
            code = np.int64(column[item])
            if code <= best_cut:
                left_end = max(left_end, code)
                order[middle] = item
                middle += 1
            else:
                right_start = min(right_start, code)
                spare[n_right] = item
                n_right += 1
        for k in range(n_right):
            order[middle + k] = spare[k]
        below = highest[best_feature, left_end]
        above = lowest[best_feature, right_start]
        halfway = np.float32(0.5) * below + np.float32(0.5) * above
        # Rounding may carry it onto the upper value or, by underflow, past the lower one.
        feature[node] = best_feature
        threshold[node] = halfway if below <= halfway < above else below
        stack[n_stack] = (middle, end, depth + 1, node)
        stack[n_stack + 1] = (start, middle, depth + 1, -1)
        n_stack += 2
    return (
        feature[:n_nodes].copy(),
        threshold[:n_nodes].copy(),
        right[:n_nodes].copy(),
        mixed[:n_mixed].copy(),
    )


@njit(cache=True, nogil=True)
def add_votes(
    x: Array,
    feature: Array,
    threshold: Array,
    right: Array,
    mixed: Array,
    node_start: Array,
    mixed_start: Array,
    out: Array,
) -> None:
    """x (n, d) float32 -> out (n, n_classes) float64 += the class shares of every tree's leaf.

    The arrays hold all trees end to end: tree t's nodes from `node_start[t]`, its mixed leaves
    from `mixed_start[t]`.
    """
    n = x.shape[0]
    n_classes = out.shape[1]
    for t in range(node_start.size - 1):
        root = node_start[t]
        for i in range(n):
            k = root
            j = feature[k]
            while j >= 0:
                k = k + 1 if x[i, j] <= threshold[k] else root + right[k]
                j = feature[k]
            leaf = right[k]
            if leaf >= 0:
                out[i, leaf] += 1.0
            else:
                row = mixed_start[t] + ~leaf
                for c in range(n_classes):
                    out[i, c] += mixed[row, c]
