"""Fewer pairs, and pairs that are wrong on purpose: less and worse data for a translation.

Pairs are thinned before the validation split and mismatched after it, so that the two sides of the
split share no clip. With one generator state a smaller share is part of a larger one, and the
pairs that are wrong at 10 % are wrong at 20 % too.
"""

from collections.abc import Mapping

import numpy as np

from core.spaces.pairing import Kind, Pairs, Pools


def thinned(kinds: Mapping[Kind, Pairs], share: float, seed: int) -> Mapping[Kind, Pairs]:
    """A random share of the pairs of each kind, in their order; at least one pair."""
    if share == 1:
        return kinds
    found = {}
    for kind, pairs in kinds.items():
        n_kept = max(1, round(share * len(pairs)))
        kept = np.sort(_rng(seed, 0).permutation(len(pairs))[:n_kept])
        found[kind] = Pairs(pairs.rows[kept], pairs.classes[kept], pairs.clips[kept])
    return found


def mismatched(
    kinds: Mapping[Kind, Pairs | Pools], share: float, seed: int
) -> Mapping[Kind, Pairs | Pools]:
    """The same pairs, with a share of them wrong.

    Fixed pairs exchange their second items, so that the two items of a wrong pair come from two
    clips. Of items that are paired by class, second items exchange their classes.
    """
    if share == 0:
        return kinds
    return {kind: _wrong(source, share, seed) for kind, source in kinds.items()}


def _wrong(source: Pairs | Pools, share: float, seed: int) -> Pairs | Pools:
    if isinstance(source, Pools):
        return _wrong_pools(source, share, seed)
    return _wrong_pairs(source, share, seed)


def _wrong_pairs(pairs: Pairs, share: float, seed: int) -> Pairs:
    chosen, donors = _exchange(pairs.clips[:, 1], share, seed)
    rows, clips = pairs.rows.copy(), pairs.clips.copy()
    rows[chosen, 1], clips[chosen, 1] = pairs.rows[donors, 1], pairs.clips[donors, 1]
    return Pairs(rows, pairs.classes, clips)


def _wrong_pools(pools: Pools, share: float, seed: int) -> Pools:
    first, second = pools.sides
    classes = np.repeat(list(second), [len(rows) for rows in second.values()])
    rows = np.concatenate([np.empty(0, np.int64), *second.values()])
    chosen, donors = _exchange(classes, share, seed)
    moved = rows.copy()
    moved[chosen] = rows[donors]
    return Pools((first, {c: np.sort(moved[classes == c]) for c in second}))


def _exchange(groups: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions to change, and for each the position to take from: of another group.

    If one group has more than half of the positions, some of it stays within the group.
    """
    rng = _rng(seed, 1)
    chosen = rng.permutation(len(groups))[: round(share * len(groups))]
    names, number, counts = np.unique(groups[chosen], return_inverse=True, return_counts=True)
    if len(chosen) < 2:
        return chosen[:0], chosen[:0]
    ordered = chosen[np.argsort(rng.permutation(len(names))[number], kind="stable")]
    return ordered, np.roll(ordered, -int(counts.max()))


def _rng(seed: int, what: int) -> np.random.Generator:
    return np.random.default_rng([seed, 4, what])
