"""The pairs of a training: checks, validation split, samplers, redrawn pairs, batches.

A *kind* names two modalities, such as ("audio", "image"); its pairs are (p, 2) int64 rows into
the vectors of the two. Everything random comes from the generator passed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.items import evenly_drawn

Kind = tuple[str, str]
UNKNOWN = -1  # the class of a pair whose class is not known
MIN_UNITS = 5  # classes with fewer units have none to spare for validation


@dataclass(frozen=True)
class Pairs:
    """Pairs of one kind: `rows` (p, 2), `classes` (p,), `clips` (p, 2), all int64."""

    rows: np.ndarray
    classes: np.ndarray
    clips: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def largest_class(self) -> int:
        return int(self.classes.max(initial=UNKNOWN))

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """All pairs in random order: rows (p, 2) and classes (p,)."""
        order = rng.permutation(len(self.rows))
        return self.rows[order], self.classes[order]


@dataclass(frozen=True)
class Pools:
    """Items of two modalities of which only the class is known: per class the rows of each side."""

    sides: tuple[dict[int, np.ndarray], dict[int, np.ndarray]]

    def __len__(self) -> int:
        return sum(len(rows) for side in self.sides for c, rows in side.items() if c in self._both)

    @property
    def largest_class(self) -> int:
        return max(self._both, default=UNKNOWN)

    @property
    def _both(self) -> list[int]:
        return sorted(self.sides[0].keys() & self.sides[1].keys())

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Each item once, paired with a random item of its class: rows (p, 2), classes (p,).

        Items of a class that the other modality does not have are left out.
        """
        rows, classes = [np.empty((0, 2), np.int64)], [np.empty(0, np.int64)]
        for c in self._both:
            first, second = self.sides[0][c], self.sides[1][c]
            rows.append(np.stack([first, rng.choice(second, len(first))], axis=1))
            rows.append(np.stack([rng.choice(first, len(second)), second], axis=1))
            classes.append(np.full(len(first) + len(second), c))
        order = rng.permutation(len(self))
        return np.concatenate(rows)[order], np.concatenate(classes)[order]


@dataclass(frozen=True)
class Windows:
    """The windows of each item of a modality: rows of its vectors.

    `rows[starts[i] : starts[i + 1]]` are those of the item in row i, the item itself among them;
    `starts` (n + 1,) and `rows` (k,) are int64.
    """

    starts: np.ndarray
    rows: np.ndarray

    def draw(self, items: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One window of each item (p,), all of an item's windows equally likely: rows (p,)."""
        first, end = self.starts[items], self.starts[items + 1]
        chosen: np.ndarray = self.rows[first + (rng.random(len(items)) * (end - first)).astype(int)]
        return chosen


NO_WINDOWS: Mapping[str, Windows] = {}


def checked_pairs(
    natives: Mapping[str, np.ndarray],
    pairs: Mapping[Kind, np.ndarray],
    clips: Mapping[Kind, np.ndarray],
    classes: Mapping[Kind, np.ndarray] | None,
    model: str,
) -> dict[Kind, Pairs]:
    """The pairs of a training, checked and in one form: clips as numbers, (p, 2).

    Parameters
    ----------
    natives : by modality, (n, d) vectors
    pairs : by kind, (p, 2) rows
    clips : by kind, the pairs' clip ids, (p,) or (p, 2)
    classes : by kind, (p,) class ids; None: unknown
    model : what is trained, for the messages

    Raises
    ------
    UserError
        There are no pairs, or a vector in use is not finite.
    ValueError
        The numbers of pairs, clips and classes differ, or rows are out of range.
    """
    if not pairs:
        raise UserError(f"A {model} needs pairs of two modalities, and there are none.")
    names = np.unique(np.concatenate([np.asarray(clips[kind]).ravel() for kind in pairs]))
    checked: dict[Kind, Pairs] = {}
    for kind, raw in pairs.items():
        rows = np.asarray(raw, dtype=np.int64).reshape(-1, 2)
        ids = np.searchsorted(names, np.asarray(clips[kind]))
        ids = np.stack([ids, ids], axis=1) if ids.ndim == 1 else ids
        known = np.full(len(rows), UNKNOWN) if classes is None else classes[kind]
        known = np.asarray(known, dtype=np.int64)
        if not len(rows) == len(ids) == len(known):
            raise ValueError(
                f"{kind}: {len(rows)} pairs, {len(ids)} clips and {len(known)} classes"
            )
        for side, modality in enumerate(kind):
            _require_usable(natives[modality], np.unique(rows[:, side]), modality, model)
        checked[kind] = Pairs(rows, known, ids.astype(np.int64))
    return checked


def _require_usable(native: np.ndarray, rows: np.ndarray, modality: str, model: str) -> None:
    """Refuse `rows` (n,), sorted, out of range or of vectors (m, d) with NaN or infinity."""
    if len(rows) and not 0 <= rows[0] <= rows[-1] < len(native):
        raise ValueError(f"pairs name {modality} rows outside 0…{len(native) - 1}")
    bad = 0
    for start in range(0, len(rows), 4096):
        block = native[rows[start : start + 4096]]
        bad += int((~np.isfinite(block)).any(axis=1).sum())
    if bad:
        raise UserError(
            f"{bad} of {len(rows)} {modality} vectors hold NaN or infinity; a {model} needs "
            "finite numbers: run the extraction again or leave these items out."
        )


def split(
    kinds: Mapping[Kind, Pairs], pairing: str, share: float, rng: np.random.Generator
) -> tuple[Mapping[Kind, Pairs | Pools], Mapping[Kind, Pairs | Pools]]:
    """What to train on and what to validate with, for pairs "fixed" or "redrawn".

    Raises
    ------
    UserError
        Fewer than two pairs of a kind are left on one side.
    """
    parts = (split_pools if pairing == "redrawn" else split_pairs)(kinds, share, rng)
    train, validation = parts
    for kind in kinds:
        n_train, n_validation = len(train[kind]), len(validation[kind])
        if n_train < 2 or (share > 0 and n_validation < 2):
            raise UserError(
                f"Too few {kind[0]}–{kind[1]} pairs to train on: {n_train} for training and "
                f"{n_validation} for validation, at least 2 each are needed, from different "
                "clips; add clips, or set validation_share to 0."
            )
    return train, validation


def split_units(kinds: Mapping[Kind, Pairs], *, keep_pairs: bool) -> dict[Kind, np.ndarray]:
    """The unit of each item of each pair, by kind: (p, 2) int64.

    The validation split keeps a unit on one side. A unit joins the items of one clip, the clips of
    one item and, with `keep_pairs`, the two items of a pair: units are the connected components
    of that graph. For pairs cut from one clip each, a unit is a clip.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    number: dict[tuple[str, int], int] = {}
    edges: list[np.ndarray] = []
    items: dict[Kind, np.ndarray] = {}
    for kind, pairs in kinds.items():
        nodes = []
        for side, modality in enumerate(kind):
            rows, clips = pairs.rows[:, side].tolist(), pairs.clips[:, side].tolist()
            item = [number.setdefault((modality, row), len(number)) for row in rows]
            clip = [number.setdefault(("", clip), len(number)) for clip in clips]
            edges.append(np.array([item, clip], dtype=np.int64))
            nodes.append(item)
        items[kind] = np.array(nodes, dtype=np.int64).reshape(2, -1).T
        if keep_pairs:
            edges.append(items[kind].T)
    left, right = np.concatenate(edges, axis=1)
    links = coo_matrix((np.ones(len(left)), (left, right)), shape=(len(number), len(number)))
    _, unit = connected_components(links, directed=False)
    return {kind: unit[nodes].astype(np.int64) for kind, nodes in items.items()}


def split_pairs(
    kinds: Mapping[Kind, Pairs], share: float, rng: np.random.Generator
) -> tuple[dict[Kind, Pairs], dict[Kind, Pairs]]:
    """Training and validation pairs, disjoint by clip and by item.

    Units are drawn at random until `share` of all pairs validate.
    """
    units = {kind: unit[:, 0] for kind, unit in split_units(kinds, keep_pairs=True).items()}
    n_pairs = np.bincount(np.concatenate(list(units.values())))
    order = rng.permutation(np.flatnonzero(n_pairs))
    n_before = np.cumsum(n_pairs[order]) - n_pairs[order]
    held_out = order[: max(len(order) - 1, 0)][(n_before < share * n_pairs.sum())[:-1]]

    def part(validates: bool) -> dict[Kind, Pairs]:
        chosen = {kind: np.isin(units[kind], held_out) == validates for kind in kinds}
        return {
            kind: Pairs(pairs.rows[use], pairs.classes[use], pairs.clips[use])
            for kind, pairs in kinds.items()
            for use in [chosen[kind]]
        }

    return part(False), part(True)


def split_pools(
    kinds: Mapping[Kind, Pairs], share: float, rng: np.random.Generator
) -> tuple[dict[Kind, Pools], dict[Kind, Pools]]:
    """Training and validation items for redrawn pairs, disjoint by clip.

    Only the items and classes of the pairs are used. In each class, `share` of each modality's
    units are for validation, at least one if there are `MIN_UNITS`. Smaller classes keep all
    units for training, unless there would be nothing to validate with.
    """
    units = split_units(kinds, keep_pairs=False)
    strata: dict[tuple[str, int], set[int]] = {}
    for kind, pairs in kinds.items():
        for side, modality in enumerate(kind):
            for unit, c in zip(units[kind][:, side].tolist(), pairs.classes.tolist(), strict=True):
                strata.setdefault((modality, c), set()).add(unit)
    sizes = {key: len(members) for key, members in strata.items()}
    spared = MIN_UNITS
    if not any(
        min(sizes[first, c], sizes.get((second, c), 0)) >= MIN_UNITS
        for first, second in kinds
        for c in {c for modality, c in sizes if modality == first} - {UNKNOWN}
    ):
        spared = 2
    held_out: set[int] = set()
    for key in sorted(strata) if share > 0 else ():
        members = sorted(strata[key] - held_out)
        n_owed = max(1, round(share * sizes[key])) - len(strata[key] & held_out)
        if sizes[key] >= spared and 0 < n_owed < len(members):
            held_out.update(rng.permutation(members)[:n_owed].tolist())

    def part(validates: bool) -> dict[Kind, Pools]:
        pools = {}
        for kind, pairs in kinds.items():
            sides: tuple[dict[int, np.ndarray], dict[int, np.ndarray]] = ({}, {})
            for side in (0, 1):
                out = np.isin(units[kind][:, side], list(held_out)) == validates
                known = out & (pairs.classes != UNKNOWN)
                for c in np.unique(pairs.classes[known]).tolist():
                    chosen = known & (pairs.classes == c)
                    sides[side][c] = np.unique(pairs.rows[chosen, side])
            pools[kind] = Pools(sides)
        return pools

    return part(False), part(True)


def balance(classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many pairs as there are, every class equally often, in random order: (p,) int64.

    No pair of a class is drawn twice before all of its pairs are drawn once. Pairs of unknown
    class count as one class. (Wu et al. 2021, §4.3, name the skew of the translation data as the
    cause of MMT's losses; this is the simplest remedy.)
    """
    _, inverse, counts = np.unique(classes, return_inverse=True, return_counts=True)
    shares = np.full(len(counts), len(classes) // len(counts))
    shares[rng.permutation(len(counts))[: len(classes) % len(counts)]] += 1
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(counts)[:-1])
    chosen = [
        rows[evenly_drawn(len(rows), share, rng)]
        for rows, share in zip(members, shares.tolist(), strict=True)
    ]
    return rng.permutation(np.concatenate(chosen)).astype(np.int64)


def no_negatives(rows: np.ndarray, classes: np.ndarray, same_class: str) -> np.ndarray | None:
    """Numbers (n,) of which equal ones mark pairs that are not negatives of each other.

    Copies of one pair never are; with `same_class` "ignored" neither are two pairs of one known
    class. None if every pair is a negative of all others.
    """
    ends = rows[:, 0] * (int(rows[:, 1].max(initial=0)) + 1) + rows[:, 1]
    _, copies = np.unique(ends, return_inverse=True)
    if same_class == "ignored":
        known = int(classes.max(initial=UNKNOWN)) + 1
        return np.where(classes == UNKNOWN, known + copies, classes).astype(np.int64)
    return copies.astype(np.int64) if copies.max(initial=-1) + 1 < len(rows) else None


def steps(
    source: Pairs | Pools, batch: int, rng: np.random.Generator, *, balanced: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches without end: rows (n, 2) and classes (n,); after the last one a new draw begins."""
    while True:
        rows, classes = source.draw(rng)
        if balanced:
            chosen = balance(classes, rng)
            rows, classes = rows[chosen], classes[chosen]
        yield from batches(rows, classes, batch)


def batches(
    rows: np.ndarray, classes: np.ndarray, batch: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs cut into batches of nearly equal size, at most `batch`; none is empty.

    Equal sizes avoid a last batch of only a few pairs.
    """
    parts = np.array_split(np.arange(len(rows)), n_batches(len(rows), batch))
    return [(rows[part], classes[part]) for part in parts if len(part)]


def n_batches(n_pairs: int, batch: int) -> int:
    return max(1, -(-n_pairs // batch))
