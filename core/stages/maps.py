"""`maps`: UMAP and t-SNE maps of each space, all modalities together, in 2-D and 3-D.

Of a large study a sample is fitted and every other point is placed by its neighbours (see
`core.spaces.maps`); `maps.parquet` says of each point which it was, the manifest how many. The
sample is the same in every map: in proportion by class, modality and subset, three quarters of it
from the subsets that pages ask about. First the neighbours of each space are found, then the maps
are drawn side by side; both are kept when a run is killed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import Config
from core.encoder_sets import encoder_set_name
from core.engines.base import Engine
from core.record import Record
from core.spaces import maps
from core.store import Artefact, Store

VERSION = 2
SPACES = ("translation", "pca")
PREFERRED = ("test", "crossmodal")  # the subsets that most of the fitted points come from
PARTS = ("fitted", "placed", "rows", "distances", "near", "similarities")  # of a neighbourhood


@dataclass(frozen=True)
class Near:
    """The neighbours of one space."""

    store_root: str
    trained: str
    space: str
    seed: int
    folder: str

    @property
    def files(self) -> list[str]:
        return [f"{self.space}.{part}.npy" for part in PARTS]


@dataclass(frozen=True)
class Task:
    """The maps of some spaces by one method, in so many dimensions."""

    store_root: str
    trained: str
    spaces: tuple[str, ...]
    method: str
    n_dims: int
    seed: int
    folder: str

    @property
    def files(self) -> list[str]:
        """The coordinates that this task writes, one array a space."""
        return [f"{space}.{self.method}.{self.n_dims}.npy" for space in self.spaces]


def run(
    config: Config,
    store: Store,
    engine: Engine,
    record: Record,
    trained: dict[str, Artefact],
) -> dict[str, Artefact]:
    """Make the maps of every encoder set's first split; `{"PAIR": artefact}`."""
    artefacts = {}
    for names in config.encoder_sets:
        name = encoder_set_name(*names)
        space = trained[f"{name}:0"]
        key = {"spaces": space.digest, "seed": config.seed, "version": VERSION}
        artefact = store.find("maps", key)
        if artefact is None:
            artefact = _project(config, store, engine, space, key)
        record.note(f"maps:{name}", artefact)
        artefacts[name] = artefact
    return artefacts


def _project(
    config: Config, store: Store, engine: Engine, trained: Artefact, key: dict[str, Any]
) -> Artefact:
    draft = store.begin("maps", key)
    seed, folder = config.seed, draft.folder
    nears = [Near(store.root, trained.digest, space, seed, folder) for space in SPACES]
    # The longest go first; UMAP compiles itself, so its spaces share a process.
    work: list[tuple[str, tuple[str, ...], int]] = [
        *(("tsne", (space,), 3) for space in SPACES),
        *(("umap", SPACES, n_dims) for n_dims in (3, 2)),
        *(("tsne", (space,), 2) for space in SPACES),
    ]
    tasks = [
        Task(store.root, trained.digest, spaces, method, n_dims, seed, folder)
        for method, spaces, n_dims in work
    ]
    if not draft.has("maps.parquet"):
        unknown = [near for near in nears if not all(map(draft.has, near.files))]
        for _ in engine.run(find_neighbours, unknown, "finding neighbours"):
            pass
        missing = [task for task in tasks if not all(map(draft.has, task.files))]
        for _ in engine.run(make_maps, missing, "drawing maps"):
            pass
        table = _table(store, trained, tasks)
        draft.write_table("maps.parquet", table, row_group_size=len(_points(trained)))
    for files in (*(task.files for task in tasks), *(near.files for near in nears)):
        for file in files:
            draft.remove(file)
    points = draft.table("maps.parquet", ["item_id", "placed"]).drop_duplicates("item_id")
    n_placed = int(points["placed"].sum())
    return draft.commit(
        n_points=len(points), n_fitted=len(points) - n_placed, n_placed=n_placed, seed=seed
    )


def find_neighbours(task: Near) -> str:
    """Draw the points to fit, and find who is near whom in a space; one file a part."""
    store = Store(task.store_root)
    trained = store.need("train", task.trained)
    fitted = _fitted(store, trained, task.seed)
    found = maps.neighbourhood(_vectors(trained, task.space), fitted)
    for part, file in zip(PARTS, task.files, strict=True):
        store.write_array(f"{task.folder}/{file}", getattr(found, part))
    return task.space


def make_maps(task: Task) -> str:
    """Fit and fill the maps of some spaces by one method; one array (n, n_dims) a space."""
    store = Store(task.store_root)
    trained = store.need("train", task.trained)
    for space, name in zip(task.spaces, task.files, strict=True):
        file = f"{task.folder}/{name}"
        if not store.has(file):
            near = _read_near(store, task.folder, space)
            vectors = _vectors(trained, space)
            points = maps.fit_whole(vectors, near, task.method, task.n_dims, task.seed)
            store.write_array(file, points)
    return task.method


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


def _points(trained: Artefact) -> pd.DataFrame:
    """`item_id` and `modality` of every point, in the order of all arrays here."""
    tables = [
        trained.table(f"{name}.items.parquet", ["item_id"]).assign(modality=name)
        for name in _modalities(trained)
    ]
    return pd.concat(tables, ignore_index=True)


def _vectors(trained: Artefact, space: str) -> np.ndarray:
    return np.concatenate([trained.array(f"{space}.{name}.npy") for name in _modalities(trained)])


def _read_near(store: Store, folder: str, space: str) -> maps.Neighbourhood:
    parts = {part: store.array(f"{folder}/{space}.{part}.npy") for part in PARTS}
    return maps.Neighbourhood(**parts)


def _table(store: Store, trained: Artefact, tasks: list[Task]) -> pd.DataFrame:
    """Every map, one after another, all with the same points in the same order."""
    points = _points(trained)
    placed = np.ones(len(points), dtype=bool)
    placed[store.array(f"{tasks[0].folder}/{SPACES[0]}.fitted.npy")] = False
    frames = []
    for task in tasks:
        for space, file in zip(task.spaces, task.files, strict=True):
            coordinates = store.array(f"{task.folder}/{file}")
            frame = points.assign(space=space, method=task.method, n_dims=task.n_dims)
            for axis, name in enumerate("xyz"):
                own = coordinates[:, axis] if axis < task.n_dims else np.float32("nan")
                frame[name] = own
            frames.append(frame.assign(placed=placed))
    joined = pd.concat(frames, ignore_index=True)
    return joined.astype(dict.fromkeys("xyz", np.float32))
