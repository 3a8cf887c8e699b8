"""Compiled kernels of the random forest: grow one tree, classify items with the trees.

Imported by `core.studies.forests` when a forest is fitted or used, because numba takes a moment to
import. The first call on a machine compiles for a few seconds; the result is cached.

Conventions
- Features are coded: `codes[j, i]` (features first, uint16) is the rank of item i's value among
  the distinct values of feature j (with more than 65,536 of them neighbours share a code).
  `lowest[j, code]` and `highest[j, code]` are the range of values of a code. `rows[i, j]` is the
  same table with items first.
- A tree is three flat arrays in preorder: the left child of node k is k + 1, the right child is
  `right[k]`. A leaf has `feature[k] == -1`, and in `right[k]` its class, or `~row` of `mixed`, the
  table of the few leaves with several classes.
- Every kernel releases the GIL: the caller runs one tree (or block of items) per thread.
"""

import numpy as np
from numba import njit

from core.studies.tree_splits import Array, Whole, find_cut, make_work


@njit(cache=True, nogil=True)
def _next(state: Array) -> np.uint64:
    """One step of splitmix64 (Steele, Lea & Flood 2014); changes state (1,) uint64."""
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
    return np.flatnonzero(times).astype(np.int32), times


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
    are constant in the node, as in scikit-learn); a threshold is midway between two neighbouring
    values of the node. Subtrees of at most `n_local` items work on a copy, which fits a fast cache.
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
    # Within a node its classes are numbered from 0 to n_present - 1.
    total = np.empty(n_classes, np.float64)  # weight of each class of the node
    present = np.empty(n_classes, np.int64)  # the class of each number
    number = np.full(n_classes, -1, np.int32)  # the number of each class; -1: not in the node
    node_labels = np.empty(n, np.int32)  # class and weight of the node's items
    node_weights = np.empty(n, np.float64)
    node_codes = np.empty(n, np.uint16)
    spare = np.empty(n, np.int32)
    work = make_work(n, n_classes)

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
            # Copy and renumber the items of this subtree: it is finished before the next begins.
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
            node_labels[k] = c
            node_weights[k] = weights[item]
        weight = 0.0
        square = 0.0
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
            if best >= weight:
                continue  # both sides are pure: no other feature is better
            low: Whole = np.int64(65535)
            high: Whole = np.int64(0)
            for k in range(size):
                code = np.int64(columns[j, order[start + k]])
                node_codes[k] = code
                low = min(low, code)
                high = max(high, code)
            if low == high:
                n_constant += 1
                continue
            score, cut = find_cut(
                node_codes,
                node_labels,
                node_weights,
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
        # Rounding can move it to the upper value or, by underflow, below the lower one.
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
    """Add the class shares of every tree's leaf for items x (n, d) float32 to `out` (n, n_classes).

    The arrays hold all trees end to end: the nodes of tree t start at `node_start[t]`, its mixed
    leaves at `mixed_start[t]`.
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
