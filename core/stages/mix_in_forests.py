"""The mix-in forests (W §4.2), `evaluate`'s long part, as tasks that an engine runs.

A block of forests names its cells and the draft that holds the labelled items
(`core.stages.forest_inputs`), and leaves its rows there. Every forest is grown by one thread of
one worker, so as many forests grow at once as there are cores. A cell's row depends only on the
cell and the items (`core.studies.mix_in`), so blocks can run in any order, twice, on any machine.

    todo = mix_in_forests.blocks(draft, train, test, n_classes, draws, seed, config)
    for _ in engine.run(mix_in_forests.run_block, todo, "mix-in forests"): ...
    rows = mix_in_forests.rows(draft, train, draws, seed)

The blocks of several drafts can go through one `run`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.stages import forest_inputs
from core.store import Draft, Store
from core.studies import forests, mix_in
from core.studies.classification import Items
from core.studies.forests import ForestConfig
from core.studies.mix_in import Cell

Row = dict[str, Any]
BLOCK = 8  # forests per task and checkpoint


@dataclass(frozen=True)
class Block:
    """Some forests, the draft that holds their items, and the file their rows go to."""

    store_root: str
    folder: str
    name: str
    n_classes: int
    cells: tuple[Cell, ...]
    config: ForestConfig


def blocks(
    draft: Draft,
    train: Items,
    test: Items,
    n_classes: int,
    draws: int,
    seed: int,
    config: ForestConfig = forests.W_FOREST,
    known: Mapping[Cell, Row] | None = None,
) -> list[Block]:
    """The blocks that this draft lacks, the longest first; their items are there afterwards.

    `train` and `test` are `space -> modality -> Labelled`, as `mix_in.study` takes them;
    the cells are those of `mix_in.cells(train, draws, seed)` that are not in `known`
    (`mix_in.known`).
    """
    missing = [
        Block(draft.store.root, draft.folder, name, n_classes, cells, config)
        for name, cells in _named(_unknown(train, draws, seed, known)).items()
        if not draft.has(name)
    ]
    if missing:
        forest_inputs.keep(draft, train, test)
    return sorted(missing, key=lambda block: -_n_trained_on(block.cells, train))


def run_block(block: Block) -> str:
    """Grow and test the forests of one block; writes their rows and returns the file's name."""
    train, test = forest_inputs.read(block.store_root, block.folder)
    found = [
        mix_in.run_cell(cell, train, test, block.n_classes, block.config, n_jobs=1)
        for cell in block.cells
    ]
    Store(block.store_root).write_json(f"{block.folder}/{block.name}", found)
    return block.name


def rows(
    draft: Draft, train: Items, draws: int, seed: int, known: Mapping[Cell, Row] | None = None
) -> list[Row]:
    """Every cell's row, of a block or `known`, as `mix_in.run_cell` gives them, in their order.

    Raises
    ------
    MissingArtefact
        A block has not been run.
    """
    unknown = _unknown(train, draws, seed, known)
    made = [row for name in _named(unknown) for row in draft.json(name)]
    found = {**(known or {}), **dict(zip(unknown, made, strict=True))}
    return [found[cell] for cell in mix_in.cells(train, draws, seed)]


def _unknown(train: Items, draws: int, seed: int, known: Mapping[Cell, Row] | None) -> list[Cell]:
    return [cell for cell in mix_in.cells(train, draws, seed) if cell not in (known or {})]


def _named(cells: Sequence[Cell]) -> dict[str, tuple[Cell, ...]]:
    """File name -> its cells."""
    return {
        f"{forest_inputs.FOLDER}/mix_in.{start // BLOCK:04d}.json": tuple(
            cells[start : start + BLOCK]
        )
        for start in range(0, len(cells), BLOCK)
    }


def _n_trained_on(cells: Sequence[Cell], train: Items) -> int:
    """Items that the forests of these cells learn from, together: what their time goes with."""
    total = 0
    for cell in cells:
        total += cell.n_target
        if cell.system in mix_in.MULTI_MODAL:
            others = train[cell.space].items()
            total += sum(len(items) for modality, items in others if modality != cell.target)
    return total
