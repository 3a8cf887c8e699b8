"""`maps`: UMAP and t-SNE maps of each space, all modalities together, in 2-D and 3-D.

In a large study a sample of the points is fitted, and the other points are placed by their
neighbours (see `core.spaces.maps`). `maps.parquet` has a column for it, the manifest the counts,
and `quality.parquet` how well fitted and placed points kept their neighbours. The maps of all
spaces start from the same places, and are turned onto those of the first space.
The sample is the same in every map: in proportion by class, modality and subset, three quarters
from the subsets that the pages show most. First the neighbours in each space are found, then the
maps are drawn in parallel; both are kept when a run is killed.

Pictures and spectrograms for maps that one zooms into are the atlas (`core.stages.atlas`).
The generation space also gets a moving map: its validation pairs after every kept epoch.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.engines.base import Engine
from core.spaces import map_quality, maps, trajectory
from core.stages import atlas
from core.stages.study_run import ArtefactTask, StudyRun
from core.store import Artefact, Draft, Store

VERSION, EPOCHS_VERSION = 4, 1
SPACES = ("translation", "pca")
UNITED = "united"  # has a map where it was trained
PREFERRED = ("test", "crossmodal")  # the subsets that most of the fitted points come from
PARTS = ("fitted", "placed", "rows", "distances", "near", "similarities")  # of a neighbourhood


@dataclass(frozen=True)
class NeighbourTask:
    """The neighbours of all points of one space, to be found for a draft."""

    store_root: str
    trained: str
    space: str
    seed: int
    folder: str

    @property
    def files(self) -> list[str]:
        return [f"{self.space}.{part}.npy" for part in PARTS]


@dataclass(frozen=True)
class MapTask:
    """The maps of some spaces by one method in 2 or 3 dimensions, to be drawn for a draft."""

    store_root: str
    trained: str
    spaces: tuple[str, ...]
    method: str
    n_dims: int
    seed: int
    folder: str

    @property
    def files(self) -> list[str]:
        """The coordinates that this task writes, one array per space."""
        return [f"{space}.{self.method}.{self.n_dims}.npy" for space in self.spaces]


@dataclass(frozen=True)
class QualityTask:
    """How well the maps of one space keep its neighbours, to be measured for a draft."""

    store_root: str
    trained: str
    space: str
    seed: int
    folder: str

    @property
    def files(self) -> list[str]:
        return [f"{self.space}.quality.parquet"]


def plan(run: StudyRun) -> Iterator[ArtefactTask]:
    """The atlas, `maps:atlas`; of every encoder set's first split the maps, `maps:SET`, and with a
    generation space the moving map, `maps:SET:epochs`."""
    yield from atlas.plan(run)
    seed = run.config.seed
    for encoder_set in run.encoder_sets:
        trained = run.artefacts[f"train:{encoder_set}:0"]
        key: dict[str, Any] = {"spaces": trained.digest, "seed": seed, "version": VERSION}
        write = functools.partial(_write_maps, run.engine, trained)
        yield ArtefactTask(f"maps:{encoder_set}", key, write)
    for encoder_set in run.encoder_sets:
        generated = run.artefacts.get(f"generate:{encoder_set}:0")
        if generated is not None:
            key = {"generated": generated.digest, "seed": seed, "version": EPOCHS_VERSION}
            yield ArtefactTask(f"maps:{encoder_set}:epochs", key, _write_epochs, "drawing epochs")


def _write_maps(engine: Engine, trained: Artefact, draft: Draft) -> dict[str, Any]:
    place = {"store_root": draft.root, "trained": trained.digest, "folder": draft.folder}
    seed, spaces = draft.key["seed"], _spaces(trained)
    searches = [NeighbourTask(space=space, seed=seed, **place) for space in spaces]
    # The slowest come first. UMAP compiles itself, so its spaces share a process.
    work: list[tuple[str, tuple[str, ...], int]] = [
        *(("tsne", (space,), 3) for space in spaces),
        *(("umap", spaces, n_dims) for n_dims in (3, 2)),
        *(("tsne", (space,), 2) for space in spaces),
    ]
    drawings = [
        MapTask(spaces=spaces, method=method, n_dims=n_dims, seed=seed, **place)
        for method, spaces, n_dims in work
    ]
    if not draft.has("maps.parquet"):
        unknown = [task for task in searches if not all(map(draft.has, task.files))]
        engine.run_all(find_neighbours, unknown, "finding neighbours")
        missing = [task for task in drawings if not all(map(draft.has, task.files))]
        engine.run_all(draw_maps, missing, "drawing maps")
        table = _table(draft, trained, drawings)
        draft.write_table("maps.parquet", table, row_group_size=len(_points(trained)))
    checks = [QualityTask(space=space, seed=seed, **place) for space in spaces]
    if not draft.has("quality.parquet"):
        missing_checks = [task for task in checks if not draft.has(task.files[0])]
        engine.run_all(measure_maps, missing_checks, "measuring maps")
        found = [draft.table(task.files[0]) for task in checks]
        draft.write_table("quality.parquet", pd.concat(found, ignore_index=True))
    finished: list[NeighbourTask | MapTask | QualityTask] = [*drawings, *searches, *checks]
    for task in finished:
        for file in task.files:
            draft.remove(file)
    points = draft.table("maps.parquet", ["item_id", "placed"]).drop_duplicates("item_id")
    n_placed = int(points["placed"].sum())
    return {
        "n_points": len(points),
        "n_fitted": len(points) - n_placed,
        "n_placed": n_placed,
        "seed": seed,
        "spaces": list(spaces),
    }


def find_neighbours(task: NeighbourTask) -> str:
    """Choose the points to fit, and find every point's neighbours in a space; one file per part."""
    store = Store(task.store_root)
    trained, files = store.need("train", task.trained), store.below(task.folder)
    fitted = _fitted(store, trained, task.seed)
    found = maps.neighbourhood(_vectors(trained, task.space), fitted)
    for part, file in zip(PARTS, task.files, strict=True):
        files.write_array(file, getattr(found, part))
    return task.space


def draw_maps(task: MapTask) -> str:
    """Draw the maps of some spaces by one method; one array (n, n_dims) per space."""
    store = Store(task.store_root)
    trained, files = store.need("train", task.trained), store.below(task.folder)
    for space, file in zip(task.spaces, task.files, strict=True):
        if not files.has(file):
            parts = {part: files.array(f"{space}.{part}.npy") for part in PARTS}
            near = maps.Neighbourhood(**parts, start=_start(trained, parts["fitted"], task.n_dims))
            vectors = _vectors(trained, space)
            points = maps.fit_whole(vectors, near, task.method, task.n_dims, task.seed)
            files.write_array(file, points)
    return task.method


def measure_maps(task: QualityTask) -> str:
    """Trustworthiness and neighbour recall of the maps of a space: one row per map and kind."""
    store = Store(task.store_root)
    trained, files = store.need("train", task.trained), store.below(task.folder)
    vectors = np.ascontiguousarray(_vectors(trained, task.space))
    kinds = [(method, n_dims) for method in maps.METHODS for n_dims in (2, 3)]
    drawn = [files.array(f"{task.space}.{method}.{n_dims}.npy") for method, n_dims in kinds]
    rows = []
    for kind in ("fitted", "placed"):
        of_kind = files.array(f"{task.space}.{kind}.npy")
        chosen = map_quality.sample(of_kind, task.seed)
        if not len(chosen):
            continue
        measured = map_quality.measure(vectors, drawn, chosen)
        for (method, n_dims), (trustworthiness, recall) in zip(kinds, measured, strict=True):
            rows.append(
                {
                    "space": task.space,
                    "method": method,
                    "n_dims": n_dims,
                    "kind": kind,
                    "n_points": len(of_kind),
                    "n_measured": len(chosen),
                    "k": map_quality.K,
                    "trustworthiness": trustworthiness,
                    "neighbour_recall": recall,
                    "chance_recall": map_quality.K / max(len(vectors) - 1, 1),
                }
            )
    files.write_table(task.files[0], pd.DataFrame(rows))
    return task.space


def _start(trained: Artefact, fitted: np.ndarray, n_dims: int) -> np.ndarray:
    """The places from which the maps of all spaces start."""
    return maps.common_start([_vectors(trained, space)[fitted] for space in SPACES], n_dims)


def _write_epochs(draft: Draft) -> dict[str, Any]:
    """`epochs.parquet`: the validation pairs of the generation space after its epochs, in 2-D."""
    generated = draft.store.need("generate", draft.key["generated"])
    shown = generated.table("snapshots.items.parquet")
    epochs = generated.table("snapshots.epochs.parquet")["epoch"]
    points = trajectory.fit_epochs(generated.array("snapshots.npy"), seed=draft.key["seed"])
    parts = [
        shown.assign(epoch=epoch, x=xy[:, 0], y=xy[:, 1])
        for epoch, xy in zip(epochs, points, strict=True)
    ]
    columns = ["epoch", "item_id", "modality", "partner", "x", "y"]
    draft.write_table("epochs.parquet", pd.concat(parts, ignore_index=True)[columns])
    return {"n_epochs": len(epochs), "n_points": len(shown), "seed": draft.key["seed"]}


def _fitted(store: Store, trained: Artefact, seed: int) -> np.ndarray:
    """The rows of the points to fit: by class, modality and subset of the study's first split."""
    points = _points(trained)
    if len(points) <= maps.MAX_FITTED:
        return np.arange(len(points))
    ingested = store.need("ingest", trained.manifest["key"]["items"])
    frame = items.with_subset(
        ingested.table("items.parquet"), ingested.table("splits.parquet"), split=0
    )
    kinds = frame["modality"] + "/" + items.single_labels(frame) + "/" + frame["subset"]
    kind_of = pd.Series(kinds.to_numpy(), index=frame["item_id"])
    subset_of = pd.Series(frame["subset"].to_numpy(), index=frame["item_id"])
    preferred = subset_of.loc[points["item_id"]].isin(PREFERRED).to_numpy()
    strata = kind_of.loc[points["item_id"]].to_numpy()
    return maps.fitted_rows(strata, preferred, seed=seed, max_fitted=maps.MAX_FITTED)


def _modalities(trained: Artefact) -> list[str]:
    return [name for name in items.MODALITIES if trained.has(f"{name}.items.parquet")]


def _spaces(trained: Artefact) -> tuple[str, ...]:
    """The spaces to draw: W's, and the united one if it has all modalities."""
    united = all(trained.has(f"{UNITED}.{name}.npy") for name in _modalities(trained))
    return (*SPACES, UNITED) if united else SPACES


def _points(trained: Artefact) -> pd.DataFrame:
    """`item_id` and `modality` of every point, in the order of all arrays here."""
    tables = [
        trained.table(f"{name}.items.parquet", ["item_id"]).assign(modality=name)
        for name in _modalities(trained)
    ]
    return pd.concat(tables, ignore_index=True)


def _vectors(trained: Artefact, space: str) -> np.ndarray:
    return np.concatenate([trained.array(f"{space}.{name}.npy") for name in _modalities(trained)])


def _table(draft: Draft, trained: Artefact, tasks: list[MapTask]) -> pd.DataFrame:
    """All maps below each other, each with the same points in the same order."""
    points = _points(trained)
    placed = np.ones(len(points), dtype=bool)
    placed[draft.array(f"{SPACES[0]}.fitted.npy")] = False
    frames = []
    for task in tasks:
        for space, file in zip(task.spaces, task.files, strict=True):
            coordinates = draft.array(file)
            if space != SPACES[0]:
                onto = draft.array(f"{SPACES[0]}.{task.method}.{task.n_dims}.npy")
                coordinates = trajectory.rotated(np.asarray(coordinates), np.asarray(onto))
            frame = points.assign(space=space, method=task.method, n_dims=task.n_dims)
            for axis, name in enumerate("xyz"):
                frame[name] = coordinates[:, axis] if axis < task.n_dims else np.float32("nan")
            frames.append(frame.assign(placed=placed))
    joined = pd.concat(frames, ignore_index=True)
    return joined.astype(dict.fromkeys("xyz", np.float32))
