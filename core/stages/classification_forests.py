"""The classification forests (W §3.2), each a task that an engine runs.

A forest is grown by one thread of one worker, which leaves behind what it makes of the test items,
and of the first seed the forest itself. Nothing hangs on where that was or how often.

    todo = classifiers.tasks(draft, train, test, n_classes, seeds, config)
    for _ in engine.run(classifiers.grow, todo, "classification forests"): ...
    studied = classifiers.study(draft, train, test, n_classes, seeds)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.stages import forest_inputs
from core.store import Draft, Store
from core.studies import classification, forests
from core.studies.classification import SYSTEMS, Items, Study
from core.studies.forests import Forest, ForestConfig


@dataclass(frozen=True)
class Task:
    """One forest: its system and seed, the draft that holds its items, and whether it is kept."""

    store_root: str
    folder: str
    system: str
    seed: int
    n_classes: int
    config: ForestConfig
    keeps_forest: bool


def tasks(
    draft: Draft,
    train: Items,
    test: Items,
    n_classes: int,
    seeds: Sequence[int],
    config: ForestConfig = forests.W_FOREST,
) -> list[Task]:
    """The forests that this draft lacks, the longest first; their items are there afterwards.

    `train` and `test` are `space -> modality -> Labelled`, as `classification.study` takes
    them.
    """
    missing = [
        Task(draft.store.root, draft.folder, system, seed, n_classes, config, seed == seeds[0])
        for system in sorted(SYSTEMS, key=lambda name: -len(SYSTEMS[name].modalities))
        for seed in seeds
        if not draft.has(_file(system, seed))
    ]
    if missing:
        forest_inputs.keep(draft, train, test)
    return missing


def grow(task: Task) -> str:
    """Grow and test one forest; writes what came of it and returns the file's name.

    Raises
    ------
    UserError
        There are no labelled items of a modality.
    """
    train, test = forest_inputs.read(task.store_root, task.folder)
    forest, outcomes = classification.run(
        task.system, task.seed, train, test, task.n_classes, config=task.config, n_jobs=1
    )
    made = {f"proba/{outcome.target}": outcome.proba for outcome in outcomes}
    if task.keeps_forest:
        made |= {f"forest/{name}": array for name, array in forest.arrays().items()}
    name = _file(task.system, task.seed)
    Store(task.store_root).write_tensors(f"{task.folder}/{name}", made)
    return name


def study(draft: Draft, train: Items, test: Items, n_classes: int, seeds: Sequence[int]) -> Study:
    """What `classification.study` gives, of forests that have been grown.

    Raises
    ------
    MissingArtefact
        A forest has not been grown.
    """
    found = Study()
    for name, system in SYSTEMS.items():
        for seed in seeds:
            made = draft.tensors(_file(name, seed))
            found.outcomes.extend(
                classification.outcome(
                    name,
                    seed,
                    modality,
                    n_target=len(train[system.space][modality]),
                    truth=test[system.space][modality].y,
                    proba=made[f"proba/{modality}"],
                    n_classes=n_classes,
                )
                for modality in system.modalities
            )
            if seed == seeds[0]:
                arrays = {
                    key.removeprefix("forest/"): array
                    for key, array in made.items()
                    if key.startswith("forest/")
                }
                found.forests[name] = Forest.from_arrays(arrays)
    return found


def _file(system: str, seed: int) -> str:
    return f"{forest_inputs.FOLDER}/{system}.{seed}.safetensors"
