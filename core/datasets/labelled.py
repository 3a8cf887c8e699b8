"""`labelled:FILE|DATASET`: a dataset whose labels are saved selections of its items.

`--labels-from` of the command line writes the file: `{"labels": {NAME: [ITEM_ID, ...]}}`. An item
has a label for each selection that it is in; items in none have no label. Everything else is the
dataset's own: its items, media, texts and ready vectors, and the splits where its clips are pairs.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import datasets, items
from core.datasets import splits
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Request, Spec
from core.errors import UserError, shown
from core.store import Draft

CARD = DatasetCard(
    name="labelled",
    title="A dataset with labels of its users",
    licence="as the dataset's",
    citation="",
    description="Another dataset, whose labels are saved selections of its items.",
)
SEPARATOR = "|"


def parts(spec: Spec) -> tuple[Path, Spec]:
    """The file of labels, and the dataset that they are of."""
    name, mark, text = spec.path.partition(SEPARATOR)
    file = Spec(CARD.name, name).root()
    if not mark:
        raise UserError(
            f"The dataset labelled:{shown(spec.path)} names no dataset: expected "
            "labelled:FILE|DATASET, as --labels-from writes it."
        )
    return file, datasets.parse(text)


def canonical(spec: Spec) -> str:
    """`FILE|DATASET` with absolute paths."""
    file, inner = parts(spec)
    return f"{file}{SEPARATOR}{datasets.canonical(inner)}"


def read(file: Path) -> dict[str, list[str]]:
    """The item ids of each label. Raises `UserError` for another file."""
    try:
        found = json.loads(file.read_bytes())["labels"]
        return {str(name): [str(one) for one in ids] for name, ids in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{shown(file)} has no labels ({type(error).__name__}): expected JSON as "
            "--labels-from writes it."
        ) from None


def fingerprint(request: Request) -> Mapping[str, Any]:
    """That of the dataset, and the labels' own."""
    file, inner = parts(request.spec)
    own = datasets.load(inner.name).fingerprint(replace(request, spec=inner))
    labels = hashlib.sha256(json.dumps(read(file), sort_keys=True).encode()).hexdigest()
    return {"dataset": inner.name, "of": dict(own), "labels": labels}


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """The dataset with its labels replaced."""
    file, inner = parts(request.spec)
    request = replace(request, spec=inner)
    found = datasets.load(inner.name).ingest(request, draft, run)
    labels = read(file)
    of_item: dict[str, list[str]] = {}
    for name, ids in labels.items():
        for item_id in ids:
            of_item.setdefault(item_id, []).append(name)
    rows = found.items.assign(
        labels=[tuple(of_item.get(item_id, ())) for item_id in found.items["item_id"]]
    )
    n_known = int((rows["labels"].str.len() > 0).sum())
    if not n_known:
        raise UserError(
            f"None of the {len(of_item):,} selected items is in the dataset {inner.name}: expected "
            "selections of its own items."
        )
    frame = items.table(rows.to_dict("records"))
    classes = list(labels)
    by_class = found.paired_by == "class"
    return replace(
        found,
        items=frame,
        splits=splits.by_class(frame, classes, request) if by_class else found.splits,
        classes=classes,
        scored=None,
        ontology=None,
        descriptions={},
        tag_list="",
        notes=[
            *found.notes,
            f"The labels are saved selections: {n_known:,} of {len(frame):,} items have one.",
        ],
    )
