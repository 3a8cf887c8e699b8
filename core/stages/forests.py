"""The classification and mix-in forests of `evaluate`, as tasks that any worker can run.

The labelled items are written once into the draft. A task names the draft and some cells; it
grows their forests, each in one thread, and writes the outcomes into the draft too, so a killed run
continues from there. The stage removes the folder at the end.

    outcomes, forests = grow(draft, engine, train, test, n_classes, cells, config)
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.engines.base import Engine
from core.store import Draft, Store
from core.studies import forest_cells
from core.studies.forest_cells import SYSTEMS, Cell, Items, Labelled, Outcome
from core.studies.forests import Forest, ForestConfig

FOLDER = "forests"  # of a draft
ITEMS = f"{FOLDER}/items.safetensors"
BLOCK = 8  # forests of mixed cells in a task; whole cells are large, and tasks of their own


@dataclass(frozen=True)
class ForestTask:
    """The cells to grow, the draft with their items, and the file for the outcomes."""

    store_root: str
    folder: str
    file: str
    cells: tuple[Cell, ...]
    n_classes: int
    config: ForestConfig
    kept_seed: int  # forests of whole cells with this seed are kept


def grow(
    draft: Draft,
    engine: Engine,
    train: Items,
    test: Items,
    n_classes: int,
    cells: Sequence[Cell],
    config: ForestConfig,
) -> tuple[list[Outcome], dict[str, Forest]]:
    """Grow the forests that the draft lacks, and read all outcomes.

    Parameters
    ----------
    train, test : `space -> modality -> Labelled`
    cells : from `forest_cells.cells(train, ...)`

    Returns
    -------
    The outcomes in the order of `cells`, and the first seed's forest of every system.
    Predictions are kept of all cells. Probabilities are kept of whole cells; of mixed ones there
    are none, shape `(0, n_classes)`.
    """
    kept_seed = cells[0].seed
    whole = [(cell,) for cell in cells if cell.target is None]
    mixed = [cell for cell in cells if cell.target is not None]
    blocks = [*whole, *(tuple(mixed[at : at + BLOCK]) for at in range(0, len(mixed), BLOCK))]
    tasks = [
        ForestTask(draft.root, draft.folder, _file(block), block, n_classes, config, kept_seed)
        for block in blocks
    ]
    missing = [task for task in tasks if not draft.has(task.file)]
    if missing:
        if not draft.has(ITEMS):
            _write_items(draft, train, test)
        missing.sort(key=lambda task: -sum(forest_cells.n_trained_on(c, train) for c in task.cells))
        engine.run_all(grow_block, missing, "forests")
    outcomes, forests = [], {}
    for task in tasks:
        tensors = draft.tensors(task.file)
        for cell in task.cells:
            targets = SYSTEMS[cell.system].modalities if cell.target is None else (cell.target,)
            for target in targets:
                counts = tensors[f"{cell.name}/{target}/confusion"]
                proba = tensors.get(f"{cell.name}/{target}/proba", np.empty((0, n_classes), "f4"))
                predicted = tensors[f"{cell.name}/{target}/predicted"]
                n_target = len(train[cell.space][target]) if cell.target is None else cell.n_target
                outcomes.append(Outcome(cell, target, n_target, counts, proba, predicted))
            prefix = f"{cell.name}/forest/"
            arrays = {
                name.removeprefix(prefix): array
                for name, array in tensors.items()
                if name.startswith(prefix)
            }
            if arrays:
                forests[cell.system] = Forest.from_arrays(arrays)
    return outcomes, forests


def grow_block(task: ForestTask) -> str:
    """Grow and test the forests of one task; writes the outcomes and returns their file."""
    train, test = _read_items(task.store_root, task.folder)
    made: dict[str, np.ndarray] = {}
    for cell in task.cells:
        forest, outcomes = forest_cells.run_cell(cell, train, test, task.n_classes, task.config)
        for outcome in outcomes:
            made[f"{cell.name}/{outcome.target}/confusion"] = outcome.confusion
            predicted = outcome.predicted.astype(np.int16)
            made[f"{cell.name}/{outcome.target}/predicted"] = predicted
            if cell.target is None:
                made[f"{cell.name}/{outcome.target}/proba"] = outcome.proba
        if forest and cell.target is None and cell.seed == task.kept_seed:
            made |= {f"{cell.name}/forest/{name}": a for name, a in forest.arrays().items()}
    Store(task.store_root).below(task.folder).write_tensors(task.file, made)
    return task.file


def _file(block: tuple[Cell, ...]) -> str:
    return f"{FOLDER}/{block[0].name}.safetensors"


def _write_items(draft: Draft, train: Items, test: Items) -> None:
    arrays: dict[str, np.ndarray] = {}
    for subset, items in {"train": train, "test": test}.items():
        for space, modalities in items.items():
            for modality, labelled in modalities.items():
                arrays[f"{subset}/{space}/{modality}/x"] = labelled.x
                arrays[f"{subset}/{space}/{modality}/y"] = labelled.y
    draft.write_tensors(ITEMS, arrays)


@functools.lru_cache(maxsize=2)
def _read_items(store_root: str, folder: str) -> tuple[Items, Items]:
    """The train and test items of the draft in `folder`."""
    arrays = Store(store_root).below(folder).tensors(ITEMS)
    found: dict[str, dict[str, dict[str, Labelled]]] = {"train": {}, "test": {}}
    for name in (name for name in arrays if name.endswith("/x")):
        subset, space, modality, _ = name.split("/")
        labelled = Labelled(arrays[name], arrays[f"{name[:-1]}y"])
        found[subset].setdefault(space, {})[modality] = labelled
    return found["train"], found["test"]
