"""Compiled kernels of the random forest: grow one tree, send items down the trees.

Imported by `core.studies.forests` alone, and only when a forest is fitted or asked: numba takes
a moment to import. The first call on a machine compiles (a few seconds); the result is cached.

Conventions
- Features are coded: `codes[j, i]` (features first, uint16) is the rank of item i's value among
  the distinct values of feature j (groups of neighbouring values beyond 65,536 of them);
  `lowest[j, code]` and `highest[j, code]` are the values a code stands for. `rows[i, j]` is the
  same table with items first.
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
# radix sort, and from EXACT_BELOW on 256 bins over the node's range of ranks, where only a bin's
# end is tried as a split (exact below, 1/256 of the ranks above).
INSERTION_BELOW = 20
EXACT_BELOW = 1024
N_BINS = 256


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
def _order_few(codes: Array, size: Whole, ranked: Array) -> None:
    """Positions 0 to size - 1 in order of their codes, into `ranked`: insertion sort."""
    for k in range(size):
        code = codes[k]
        at = k
        while at > 0 and codes[ranked[at - 1]] > code:
            ranked[at] = ranked[at - 1]
            at -= 1
        ranked[at] = k


@njit(cache=True, nogil=True, error_model="numpy")
def _bound(total: Array, n: Whole, weight: float) -> float:
    """The highest score that any split of a node of two or three classes can have; else inf.

    The score is convex in the class weights of one side, so that it is highest where every class
    lies wholly on one side.
    """
    if n == 2:
        return weight
    if n > 3:
        return np.inf
    highest = 0.0
    for c in range(3):
        a = total[(c + 1) % 3]
        b = total[(c + 2) % 3]
        highest = max(highest, total[c] * total[c] / total[c] + (a * a + b * b) / (a + b))
    return highest


@njit(cache=True, nogil=True)
def _order_bins(
    codes: Array, size: Whole, low: Whole, shift: Whole, n_bins: Whole, place: Array, ranked: Array
) -> None:
    """Positions bin by bin of 2**shift codes, ascending within a bin, into `ranked`."""
    for b in range(n_bins + 1):
        place[b] = 0
    for k in range(size):
        place[((np.int64(codes[k]) - low) >> shift) + 1] += 1
    for b in range(1, n_bins):
        place[b] += place[b - 1]
    for k in range(size):
        b = (np.int64(codes[k]) - low) >> shift
        ranked[place[b]] = k
        place[b] += 1


@njit(cache=True, nogil=True)
def _order_all(
    codes: Array, size: Whole, low: Whole, high: Whole, place: Array, spare: Array, ranked: Array
) -> None:
    """Positions in order of their codes, into `ranked`: a radix sort of one digit or of two."""
    n_bits = 0
    while (high - low) >> n_bits:
        n_bits += 1
    if n_bits <= 8:
        _order_bins(codes, size, low, 0, high - low + 1, place, ranked)
        return
    half = n_bits // 2
    mask = (1 << half) - 1
    for b in range(mask + 2):
        place[b] = 0
    for k in range(size):
        place[((np.int64(codes[k]) - low) & mask) + 1] += 1
    for b in range(1, mask + 1):
        place[b] += place[b - 1]
    for k in range(size):
        b = (np.int64(codes[k]) - low) & mask
        spare[place[b]] = k
        place[b] += 1
    n_bins = ((high - low) >> half) + 1
    for b in range(n_bins + 1):
        place[b] = 0
    for k in range(size):
        place[((np.int64(codes[k]) - low) >> half) + 1] += 1
    for b in range(1, n_bins):
        place[b] += place[b - 1]
    for i in range(size):
        k = spare[i]
        b = (np.int64(codes[k]) - low) >> half
        ranked[place[b]] = k
        place[b] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _best_cut(
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

    The score grows with the Gini gain: the sum over both sides of squared class weights over
    the side's weight. `codes`, `labels` and `weights` are the node's items, `low` < `high` its
    outermost codes, `total` the weights of its `n_present` classes, `weight` their sum and `square`
    the sum of their squares: whole numbers, as floats. `best` is the score to beat: it comes back
    with the cut `low` when it is not beaten. `work` is scratch.
    """
    left, place, table, ranked, spare, states = work
    shift = 0
    n_bins = high - low + 1
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

    if size >= EXACT_BELOW:
        _order_bins(codes, size, low, shift, n_bins, place, ranked)
    elif size < INSERTION_BELOW:
        _order_few(codes, size, ranked)
    else:
        _order_all(codes, size, low, high, place, spare, ranked)
    for i in range(size):
        k = ranked[i]
        states[0, i] = square_left
        states[1, i] = square_right
        states[2, i] = weight_left
        moved = weights[k]
        c = labels[k]
        own = left[c]
        square_left += moved * (2 * own + moved)
        square_right += moved * (moved - 2 * (total[c] - own))
        left[c] = own + moved
        weight_left += moved
    for i in range(1, size):
        states[0, i] = states[0, i] / states[2, i] + states[1, i] / (weight - states[2, i])
    # Apart from the loop before, which divides many at once since no branch stands in it.
    for i in range(1, size):
        if states[0, i] > best:
            previous = (np.int64(codes[ranked[i - 1]]) - low) >> shift
            if (np.int64(codes[ranked[i]]) - low) >> shift != previous:
                best = states[0, i]
                cut = low + ((previous + 1) << shift) - 1
    return best, cut


@njit(cache=True, nogil=True)
def grow_tree(
    codes: Array,
    rows: Array,
    n_local: Whole,
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
    two neighbouring values. Subtrees of at most `n_local` items work on a copy of their own.
    Returns `feature` int16, `threshold` float32, `right` int32 and `mixed` (m, n_classes) float32.
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
    local = np.empty((d, n_local), np.uint16)
    local_y = np.empty(n_local, np.int32)
    local_times = np.empty(n_local, np.int32)
    local_end: Whole = np.int64(0)

    features = np.arange(d)
    # Within a node its classes are numbered anew, 0 to n_present - 1.
    total = np.empty(n_classes, np.float64)  # weight of each class of the node
    present = np.empty(n_classes, np.int64)  # which class it is
    number = np.full(n_classes, -1, np.int32)  # and the way back; -1: not in the node
    own_labels = np.empty(n, np.int32)  # class and weight of the node's items
    own_weights = np.empty(n, np.float64)
    own_codes = np.empty(n, np.uint16)
    spare = np.empty(n, np.int32)
    work = (
        np.empty(n_classes, np.float64),
        np.empty(N_BINS + 1, np.int64),
        np.empty((N_BINS, n_classes), np.float64),
        np.empty(n, np.int32),
        spare,
        np.empty((3, n), np.float64),
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
        if start >= local_end and size <= n_local:
            # A subtree small enough for a fast cache works on a copy of its items, which are
            # numbered anew: it is done before the next one begins.
            for k in range(size):
                item = order[start + k]
                local_y[k] = y[item]
                local_times[k] = times[item]
                row = rows[item]
                for j in range(d):
                    local[j, k] = row[j]
                order[start + k] = k
            local_end = end
        inside = start < local_end
        columns = local if inside else codes
        labels = local_y if inside else y
        weights = local_times if inside else times

        n_present = 0
        for k in range(size):
            item = order[start + k]
            label = labels[item]
            c = number[label]
            if c < 0:
                c = n_present
                n_present += 1
                present[c] = label
                number[label] = c
                total[c] = 0.0
            total[c] += weights[item]
            own_labels[k] = c
            own_weights[k] = weights[item]
        weight = 0.0
        square = 0.0
        for c in range(n_present):
            number[present[c]] = -1
            weight += total[c]
            square += total[c] * total[c]

        best = -1.0
        bound = _bound(total, n_present, weight)
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
            if best >= bound:
                continue  # no later feature can do better

            low: Whole = np.int64(65535)
            high: Whole = np.int64(0)
            for k in range(size):
                code = np.int64(columns[j, order[start + k]])
                own_codes[k] = code
                low = min(low, code)
                high = max(high, code)
            if low == high:
                n_constant += 1
                continue
            score, cut = _best_cut(
                own_codes,
                own_labels,
                own_weights,
                size,
                low,
                high,
                total,
                n_present,
                weight,
                square,
                best,
                work,
            )
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

        middle = start
        n_right = 0
        left_end: Whole = np.int64(0)
        right_start: Whole = np.int64(65535)
        for k in range(start, end):
            item = order[k]
            code = np.int64(columns[best_feature, item])
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
