"""The classifiers of the classification and mix-in studies, one cell each (W §2.3, §3.2, §4.2).

- Classes are whole numbers `[0, n_classes)` in one fixed order.
- Items are given as `space -> modality -> Labelled`, separately for `train` and `test`.
- A whole cell trains a system on all `train` items of its modalities, and tests it on the `test`
  items of each. Classification (figure 5) consists of these; they are also the last point of
  each mix-in curve, and the dashed line of figure 3 (a system of one modality).
- A mixed cell has a target modality. It trains on all items of the other modality plus
  `n_target` class-balanced items of the target, and tests on the target. 0 items: zero-shot.
  A mixed cell of one modality (SMA, SMI) has the target's items alone.
- W's systems are forests. SMT (`core.studies.combined`) is a classifier per target, and has the
  same items.
- A seed is one draw: of the balanced sample and of the forest. Within a draw the samples are
  nested (400 items contain the 200 of the point before), because W adds items bit by bit; MMT
  and MMP get the same items.
- A cell's result depends only on the cell and the items, not on order, thread or machine.

    for cell in cells(train, draws=5, seed=0):
        forest, outcomes = run_cell(cell, train, test, n_classes=18)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import UserError
from core.studies import combined, forests
from core.studies.confusion import confusion, f1_per_class
from core.studies.forests import Forest, ForestConfig


@dataclass(frozen=True)
class Labelled:
    """Vectors x `(n, d)` float32 and their classes y `(n,)`, row by row."""

    x: NDArray[np.float32]
    y: NDArray[np.integer]

    def __post_init__(self) -> None:
        if np.ndim(self.x) != 2 or np.ndim(self.y) != 1 or len(self.x) != len(self.y):
            raise UserError(
                f"Vectors of shape {np.shape(self.x)} and labels of shape {np.shape(self.y)} do "
                "not belong together: expected (n, d) and (n,)."
            )

    def __len__(self) -> int:
        return len(self.y)


Items = Mapping[str, Mapping[str, Labelled]]  # space -> modality -> items


@dataclass(frozen=True)
class System:
    """A classifier: the space it works in and the modalities it is trained on."""

    space: str
    modalities: tuple[str, ...]


SYSTEMS: dict[str, System] = {
    "SMA": System("pca", ("audio",)),
    "SMI": System("pca", ("image",)),
    "MMP": System("pca", ("audio", "image")),
    "MMT": System("translation", ("audio", "image")),
    "SMT": System("translation", ("audio", "image")),
}
COMBINED = "SMT"
ALIGNED, SCALED = "aligned", "scaled"  # the spaces of SMT's experts
TICKS = (0, 100, 200, 400, 800, 1600, 2000, 4000, 8000, 12000, 16000)  # W figure 3
FINE_TICKS = (12, 25, 50)


@dataclass(frozen=True)
class Cell:
    """One training of a system: whole without a target, else mixed."""

    system: str
    seed: int
    target: str | None = None
    n_target: int = 0  # of a mixed cell: items of the target to train on

    @property
    def space(self) -> str:
        return SYSTEMS[self.system].space

    @property
    def name(self) -> str:
        """A unique name, fit for a file: `MMT.3`, `MMT.audio.400.3`."""
        mixed = "" if self.target is None else f".{self.target}.{self.n_target}"
        return f"{self.system}{mixed}.{self.seed}"


@dataclass(frozen=True)
class Outcome:
    """How one trained system classifies the test items of one modality."""

    cell: Cell
    target: str  # the modality tested on
    n_target: int  # items of it that the system was trained on
    confusion: NDArray[np.int64]  # (n_classes, n_classes): row true, column predicted
    proba: NDArray[np.float32]  # (n_test, n_classes), in the order of the test items; or (0, …)
    predicted: NDArray[np.integer]  # (n_test,): class of each test item

    @property
    def f1(self) -> NDArray[np.float64]:
        return f1_per_class(self.confusion)

    @property
    def macro_f1(self) -> float:
        return float(self.f1.mean())

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of `core.studies.measure` that say what was measured."""
        return {
            "space": self.cell.space,
            "system": self.cell.system,
            "target": self.target,
            "n_target": self.n_target,
            "seed": self.cell.seed,
            "n": int(self.confusion.sum()),
        }


def ticks(n_available: int) -> list[int]:
    """The points of a mix-in curve: W's below `n_available`, then `n_available` itself.

    With at most 200 items there are finer ticks too, so that a small set has a curve and not
    two points. None available: `[0]`.
    """
    wanted = TICKS if n_available > TICKS[2] else (0, *FINE_TICKS, *TICKS[1:])
    return [tick for tick in wanted if tick < n_available] + [n_available]


def balanced_draw(y: ArrayLike, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices `(n,)` into y, distinct, with classes as equal in number as y allows.

    Classes take turns, in a new random order each turn, until each has no items left: two
    classes differ by more than one item only where the smaller is used up. For the same
    generator state a smaller draw is the start of a larger one.

    Raises
    ------
    UserError
        y has fewer than n items.
    """
    y = np.asarray(y)
    if not 0 <= n <= y.size:
        raise UserError(f"Asked for {n} items, found {y.size}: draw no more than there are.")
    shuffled = rng.permutation(y.size)
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    _, first, count = np.unique(y[by_class], return_index=True, return_counts=True)
    turn = np.arange(y.size) - np.repeat(first, count)
    return by_class[np.lexsort((rng.random(y.size), turn))[:n]]


def cells(train: Items, draws: int = 5, seed: int = 0) -> list[Cell]:
    """Every cell of both studies, once; the seeds are `seed`, `seed + 1`, … one per draw.

    First the whole cells (classification), then the mixed ones, whose `n_target` are the
    `ticks` below all items; a system of one modality needs at least one item.

    Raises
    ------
    UserError
        There are no draws, or no items of a modality of a system.
    """
    if draws < 1:
        raise UserError(f"Found {draws} draws per point: a mix-in curve needs at least 1.")
    seeds = range(seed, seed + draws)
    found = [Cell(system, one) for system in SYSTEMS for one in seeds]
    for name, system in SYSTEMS.items():
        for target in system.modalities:
            points = ticks(len(_of(train, system.space, target, "train")))[:-1]
            if system.modalities == (target,):
                points = [n for n in points if n > 0]
            found += [Cell(name, one, target, n) for n in points for one in seeds]
    return found


def n_trained_on(cell: Cell, train: Items) -> int:
    """Items that a cell learns from: its time grows with them."""
    system = SYSTEMS[cell.system]
    return sum(
        cell.n_target if modality == cell.target else len(train[system.space][modality])
        for modality in system.modalities
    )


def run_cell(
    cell: Cell,
    train: Items,
    test: Items,
    n_classes: int,
    config: ForestConfig = forests.W_FOREST,
    n_jobs: int | None = 1,
) -> tuple[Forest | None, list[Outcome]]:
    """Train and test one system.

    Parameters
    ----------
    train, test : `space -> modality -> Labelled`; SMT needs the spaces `aligned` and `scaled`
    n_jobs : threads; None for all cores

    Returns
    -------
    The forest (None of SMT), and an outcome per target: for a whole cell one for each of its
    modalities.

    Raises
    ------
    UserError
        There are no items of a modality, or fewer than `n_target`.
    """
    system = SYSTEMS[cell.system]
    if cell.system == COMBINED:
        targets = system.modalities if cell.target is None else (cell.target,)
        return None, [_combine(cell, name, train, test, n_classes) for name in targets]
    parts = {name: _of(train, system.space, name, "train") for name in system.modalities}
    targets = system.modalities if cell.target is None else (cell.target,)
    tested = {name: _of(test, system.space, name, "test") for name in targets}
    if cell.target is not None:
        mixed = parts[cell.target]
        chosen = _chosen(cell, mixed.y)
        parts[cell.target] = Labelled(mixed.x[chosen], mixed.y[chosen])
    forest = forests.fit(
        np.concatenate([part.x for part in parts.values()]),
        np.concatenate([part.y for part in parts.values()]),
        n_classes,
        cell.seed,
        config,
        n_jobs,
    )
    outcomes = []
    for name, items in tested.items():
        proba = forest.predict_proba(items.x)
        outcomes.append(outcome(cell, name, len(parts[name]), proba, items.y))
    return forest, outcomes


def _chosen(cell: Cell, y: NDArray[np.integer]) -> NDArray[np.int64]:
    """The target items of a cell; sorted, so that a draw of all items gives the whole cell."""
    if cell.target is None:
        return np.arange(len(y))
    return np.sort(balanced_draw(y, cell.n_target, np.random.default_rng(cell.seed)))


def _combine(cell: Cell, target: str, train: Items, test: Items, n_classes: int) -> Outcome:
    """Train SMT for one target and test it."""
    (other,) = (name for name in SYSTEMS[cell.system].modalities if name != target)
    source = _of(train, ALIGNED, other, "train")
    shared, own = (_of(train, space, target, "train") for space in (ALIGNED, SCALED))
    chosen = _chosen(cell, shared.y)
    model = combined.fit(
        source.x, source.y, shared.x[chosen], own.x[chosen], own.y[chosen], n_classes, cell.seed
    )
    tested = [_of(test, space, target, "test") for space in (ALIGNED, SCALED)]
    proba = model.predict_proba(*(items.x for items in tested))
    return outcome(cell, target, len(chosen), proba, tested[0].y)


def outcome(
    cell: Cell, target: str, n_target: int, proba: NDArray[np.float32], y: NDArray[np.integer]
) -> Outcome:
    predicted = proba.argmax(axis=1)
    counts = confusion(y, predicted, proba.shape[1])
    return Outcome(cell, target, n_target, counts, proba, predicted)


def _of(items: Items, space: str, modality: str, subset: str) -> Labelled:
    """The items of one modality in one space. Raises UserError when there are none."""
    chosen = items.get(space, {}).get(modality)
    if chosen is None or len(chosen) == 0:
        raise UserError(
            f"The {subset} subset holds no labelled {modality} items in the space {space}: "
            f"classification needs some of each modality."
        )
    return chosen
