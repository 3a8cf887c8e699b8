"""`ingest`: something on disk to items, splits, and a list of what was rejected and why.

The ontology that labels are compared by, if the dataset or the study brings one, is kept beside
them as `ontology.json`, byte for byte as it was found.
"""

import hashlib
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from core import datasets, taxonomy
from core.config import Config
from core.datasets.base import Request
from core.engines.base import Engine
from core.store import Artefact, Store, digest

VERSION = 2
ONTOLOGY = "ontology.json"


def run(config: Config, store: Store, engine: Engine) -> Artefact:
    """Ingest the study's dataset, or find it ingested.

    Raises
    ------
    UserError
        The data is absent or unusable as a whole; single bad files are only reported. The
        ontology that the study names is no ontology.
    """
    spec = datasets.parse(config.dataset)
    request = Request(spec, config.size, config.seed, config.splits)
    dataset = datasets.load(spec.name)
    ontology = _ontology(config.ontology)
    key = {
        "dataset": spec.name,
        "fingerprint": dict(dataset.fingerprint(request)),
        "seed": config.seed,
        "splits": config.splits,
        "ontology": hashlib.sha256(ontology).hexdigest() if ontology else "",
        "version": VERSION,
    }
    artefact = store.find("ingest", key)
    if artefact is None:
        draft = store.begin("ingest", key)
        result = dataset.ingest(request, draft, engine.run)
        draft.write_table("items.parquet", result.items)
        draft.write_table("splits.parquet", result.splits)
        columns = ["path", "modality", "reason"]
        rejected = pd.DataFrame([asdict(row) for row in result.rejected], columns=columns)
        draft.write_table("rejected.parquet", rejected)
        for modality, array in result.vectors.items():
            if not draft.has(f"ready.{modality}.npy"):  # a dataset may have written its own
                draft.write_array(f"ready.{modality}.npy", array)
        kept = ontology or result.ontology
        if kept is not None:
            draft.write_bytes(ONTOLOGY, kept)
        draft.write_json("dataset.json", result.describe())
        artefact = draft.commit(
            n_items=len(result.items),
            n_rejected=len(result.rejected),
            seed=config.seed,
            media_digests=_media_digests(result.items, key),
        )
    _tell_rejected(artefact, engine)
    return artefact


def _ontology(path: str) -> bytes | None:
    """The ontology file that the study names, read and checked; None where it names none."""
    if not path:
        return None
    content = taxonomy.read(path)
    taxonomy.parse(content, Path(path).name)
    return content


def _media_digests(frame: pd.DataFrame, key: dict[str, object]) -> dict[str, str]:
    """Per modality, a digest of which second of which file each item is: what vectors hang on."""
    columns = ["item_id", "path", "start_s", "duration_s", "vector_row", "text"]
    return {
        modality: digest([key["dataset"], key["fingerprint"], rows[columns].to_numpy().tolist()])
        for modality, rows in frame.groupby("modality")
    }


def _tell_rejected(artefact: Artefact, engine: Engine) -> None:
    rejected = artefact.table("rejected.parquet")
    if rejected.empty:
        return
    engine.console.print(f"{len(rejected):,} files or rows were not taken in:", style="yellow")
    for row in rejected.head(10).itertuples():
        engine.console.print(f"  {row.reason}", markup=False, highlight=False)
    if len(rejected) > 10:
        engine.console.print(f"  … and {len(rejected) - 10:,} more (page Overview lists all)")
