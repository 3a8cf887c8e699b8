"""`ingest`: a dataset on disk becomes items, splits, and a list of rejected files with reasons.

The ontology of the dataset or of the study, if there is one, is kept beside them as
`ontology.json`, byte for byte.
"""

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from core import datasets, taxonomy, test_sets
from core.datasets.base import Request
from core.engines.base import Engine
from core.stages.study_run import ArtefactTask, StudyRun
from core.store import Artefact, Draft, digest

VERSION = 2
ONTOLOGY = "ontology.json"


def plan(run: StudyRun) -> Iterator[ArtefactTask]:
    """The study's dataset, `ingest`, and every test dataset, `ingest:@NAME`.

    A test dataset has the splits of a study of its own, and so the same artefact; it is tested as a
    whole.

    Raises
    ------
    UserError
        The data is absent, or the study's ontology is not valid.
    """
    yield _task(run, "", run.config.dataset, run.config.size)
    for name, text in run.test_sets.items():
        yield _task(run, name, text, None)


def _task(run: StudyRun, test_set: str, text: str, size: int | None) -> ArtefactTask:
    config = run.config
    spec = datasets.parse(text)
    request = Request(spec, size, config.seed, config.splits)
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
    write = functools.partial(_write, run.engine, dataset, request, ontology)
    return ArtefactTask(f"ingest{test_sets.end(test_set)}", key, write)


def _write(
    engine: Engine, dataset: Any, request: Request, ontology: bytes | None, draft: Draft
) -> dict[str, Any]:
    result = dataset.ingest(request, draft, engine.run)
    draft.write_table("items.parquet", result.items)
    draft.write_table("splits.parquet", result.splits)
    columns = ["path", "modality", "reason"]
    rejected = pd.DataFrame([asdict(row) for row in result.rejected], columns=columns)
    draft.write_table("rejected.parquet", rejected)
    for modality, array in result.vectors.items():
        if not draft.has(f"ready.{modality}.npy"):  # some datasets write it themselves
            draft.write_array(f"ready.{modality}.npy", array)
    kept = ontology or result.ontology
    if kept is not None:
        draft.write_bytes(ONTOLOGY, kept)
    draft.write_json("dataset.json", result.describe())
    return {
        "n_items": len(result.items),
        "n_rejected": len(result.rejected),
        "seed": request.seed,
        "media_digests": _media_digests(result.items, draft.key),
    }


def _ontology(path: str) -> bytes | None:
    """The content of the study's ontology file, checked; None when it names none."""
    if not path:
        return None
    content = taxonomy.read(path)
    taxonomy.parse(content, Path(path).name)
    return content


def _media_digests(frame: pd.DataFrame, key: dict[str, Any]) -> dict[str, str]:
    """A digest per modality of the media behind its items: file, start and length of each.

    The keys of native vectors contain it, so vectors are kept while the media stay the same.
    """
    columns = ["item_id", "path", "start_s", "duration_s", "vector_row", "text"]
    return {
        modality: digest([key["dataset"], key["fingerprint"], rows[columns].to_numpy().tolist()])
        for modality, rows in frame.groupby("modality")
    }


def report_rejected(artefact: Artefact, engine: Engine) -> None:
    """Print how many files were rejected, and why the first ten were."""
    rejected = artefact.table("rejected.parquet")
    if rejected.empty:
        return
    engine.console.print(f"{len(rejected):,} files or rows were rejected:", style="yellow")
    for row in rejected.head(10).itertuples():
        engine.console.print(f"  {row.reason}", markup=False, highlight=False)
    if len(rejected) > 10:
        engine.console.print(f"  … and {len(rejected) - 10:,} more (all on the page Overview)")
