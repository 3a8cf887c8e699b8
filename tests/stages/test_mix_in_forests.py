"""The mix-in forests as tasks: the rows of the study itself, a block at a time, resumable."""

from pathlib import Path

import numpy as np
import pytest

from core.engines.local import LocalEngine
from core.errors import MissingArtefact
from core.stages import mix_in_forests
from core.store import Draft, Store
from core.studies import mix_in
from core.studies.classification import Items, Labelled
from core.studies.forests import ForestConfig

N_CLASSES = 3
SMALL = ForestConfig(n_trees=5)


def make_items(seed: int) -> Items:
    rng = np.random.default_rng(seed)
    y = np.arange(60) % N_CLASSES
    return {
        space: {
            modality: Labelled(
                (rng.normal(size=(60, 8)) + y[:, None]).astype(np.float32), rng.permutation(y)
            )
            for modality in ("audio", "image")
        }
        for space in ("pca", "translation")
    }


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    return Store(tmp_path).begin("evaluate", {"a": 1})


def todo(draft: Draft, train: Items, test: Items) -> list[mix_in_forests.Block]:
    return mix_in_forests.blocks(draft, train, test, N_CLASSES, 2, 7, SMALL)


def test_workers_give_the_rows_of_the_study(draft: Draft) -> None:
    train, test = make_items(0), make_items(1)
    blocks = todo(draft, train, test)
    assert len(blocks) > 2
    with LocalEngine(2) as engine:
        names = list(engine.run(mix_in_forests.run_block, blocks, "mix-in forests"))
    assert sorted(names) == sorted(block.name for block in blocks)
    expected = mix_in.study(train, test, N_CLASSES, draws=2, seed=7, config=SMALL)
    assert mix_in_forests.rows(draft, train, 2, 7) == expected


def test_only_missing_blocks_are_asked_for(draft: Draft) -> None:
    train, test = make_items(0), make_items(1)
    first, *rest = todo(draft, train, test)
    mix_in_forests.run_block(first)
    assert todo(draft, train, test) == rest
    with pytest.raises(MissingArtefact):
        mix_in_forests.rows(draft, train, 2, 7)
    for block in rest:
        mix_in_forests.run_block(block)
    assert todo(draft, train, test) == []
    assert len(mix_in_forests.rows(draft, train, 2, 7)) == len(mix_in.cells(train, 2, 7))


def test_items_that_were_half_written_are_written_again(draft: Draft) -> None:
    train, test = make_items(0), make_items(1)
    draft.write_array("forests/train.pca.audio.x.npy", np.zeros((1, 1), dtype=np.float32))
    block = todo(draft, train, test)[0]
    assert draft.array("forests/train.pca.audio.x.npy").shape == (60, 8)
    mix_in_forests.run_block(block)


def test_the_longest_blocks_come_first(draft: Draft) -> None:
    train, test = make_items(0), make_items(1)
    sizes = [mix_in_forests._n_trained_on(block.cells, train) for block in todo(draft, train, test)]
    assert sizes == sorted(sizes, reverse=True)
    cell = mix_in.Cell("pca", "MMP", "audio", 12, 0)
    assert mix_in_forests._n_trained_on([cell], train) == 72
    assert mix_in_forests._n_trained_on([mix_in.Cell("pca", "SMA", "audio", 60, 0)], train) == 60
