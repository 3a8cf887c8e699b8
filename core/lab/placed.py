"""The map of a run: each item beside its neighbours of the run's space, on the study's own map.

Nothing is fitted. An item's place is the mean of its nearest neighbours' places on the stored map,
weighted by similarity; its own old place has no say. So the two maps can be compared point by
point: an item that moved has other neighbours now.
"""

import numpy as np
import pandas as pd

from core.errors import MissingArtefact
from core.spaces import maps
from core.study import Study
from core.vectors import Vectors

COLUMNS = ["item_id", "modality", "space", "method", "n_dims", "x", "y", "z", "placed"]


def tables(study: Study, encoder_set: str, vectors: dict[str, Vectors]) -> pd.DataFrame | None:
    """The maps of a run as `maps.parquet` of a study has them; None if the study has none.

    Parameters
    ----------
    encoder_set : of the study
    vectors : modality -> the items in the run's space

    Returns
    -------
    The columns `COLUMNS`; the maps of PCA are the study's own.
    """
    joined = np.concatenate([of.array for of in vectors.values()]).astype(np.float32)
    item_ids = np.concatenate([of.item_ids for of in vectors.values()])
    modality = np.repeat(list(vectors), [len(of.item_ids) for of in vectors.values()])
    near, similarities = _neighbours(joined)
    frames = []
    for method in maps.METHODS:
        for n_dims in (2, 3):
            try:
                stored = study.map(encoder_set, "translation", method, n_dims)
                of_pca = study.map(encoder_set, "pca", method, n_dims)
            except MissingArtefact:
                continue
            axes = list("xyz"[:n_dims])
            before = stored.set_index("item_id").loc[item_ids, axes].to_numpy()
            after = maps.place(before[near], similarities)
            frame = pd.DataFrame({"item_id": item_ids, "modality": modality})
            for axis in "xyz":
                here = axis in axes
                frame[axis] = after[:, axes.index(axis)] if here else np.float32("nan")
            kept = of_pca[of_pca["item_id"].isin(item_ids)]
            for space, one, placed in (("translation", frame, True), ("pca", kept, False)):
                facts = {"space": space, "method": method, "n_dims": n_dims, "placed": placed}
                frames.append(one.assign(**facts)[COLUMNS])
    return pd.concat(frames, ignore_index=True) if frames else None


def _neighbours(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other rows of each row, and their cosines: both `(n, k)`."""
    k = min(maps.N_PLACE + 1, len(vectors))
    rows, distances = maps.neighbours(vectors, k)  # a row itself comes first
    return rows[:, 1:], 1.0 - distances[:, 1:]
