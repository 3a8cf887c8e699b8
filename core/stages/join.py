"""The vectors of a joined encoder, from those that `extract` has made of its parts."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.encoders import joined
from core.store import Artefact, Draft, digest
from core.vectors import read_vectors

N_ROWS = 8192  # joined at a time


def key(name: str, keys: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The key of a joined encoder's artefact; `keys` has those of its parts."""
    return {
        "joined": [[digest(keys[part.name]), part.weight] for part in joined.parts(name)],
        "version": joined.VERSION,
    }


def write(name: str, extracted: Callable[[str], Artefact], draft: Draft) -> dict[str, Any]:
    """Join the vectors of the items that every part could embed, in the order of the first."""
    parts = joined.parts(name)
    artefacts = [extracted(part.name) for part in parts]
    found = [read_vectors(artefact, "vectors.npy") for artefact in artefacts]
    tables = [artefact.table("items.parquet") for artefact in artefacts]
    ids = tables[0]["item_id"]
    for table in tables[1:]:
        ids = ids[ids.isin(table["item_id"])]
    n_dims = sum(vectors.array.shape[1] for vectors in found)
    blocks = (
        joined.join([vectors.take(some) for vectors in found], [part.weight for part in parts])
        for some in np.array_split(ids.to_numpy(), len(ids) // N_ROWS + 1)
    )
    draft.write_blocks("vectors.npy", (len(ids), n_dims), np.dtype(np.float32), blocks)
    rejected = pd.concat([artefact.table("rejected.parquet") for artefact in artefacts])
    rejected = rejected.drop_duplicates(["path", "modality"], ignore_index=True)
    draft.write_table("rejected.parquet", rejected)
    draft.write_table("items.parquet", pd.DataFrame({"item_id": ids}).reset_index(drop=True))
    return {"n_items": len(ids), "n_rejected": len(rejected), "weights_sha256": None}
