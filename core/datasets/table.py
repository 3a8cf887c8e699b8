"""`table:PATH`: a CSV, TSV, Parquet or JSONL table of items, or of ready vectors.

Columns: `modality` (required); `path` (relative to the table), `item_id`, `clip_id`, `labels`
(several separated by `|`, or a list), `start_s`, `duration_s` (of a sound; 1 by default),
`subset`, `text` (the words of a text item).

Ready vectors need no encoder. Put them into a column `vector` (Parquet or JSONL: a list of numbers
in each row), or into two files beside the table: `<modality>.npy`, and `<modality>.ids.csv` with
one item_id per line, in the order of the array's rows.

Items of one clip are pairs. If no clip has two modalities, pairs are made within a class.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items, media
from core.datasets import media_files, splits, table_file
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Rejected, Request, first_reason
from core.errors import MediaError, UserError, shown
from core.files import leaves_root
from core.store import Draft

KINDS = {
    "modality": table_file.name,
    "path": table_file.path,
    "item_id": table_file.name,
    "clip_id": table_file.name,
    "labels": table_file.names,
    "start_s": table_file.number,
    "duration_s": table_file.number,
    "subset": table_file.name,
    "text": table_file.text,
}
CARD = DatasetCard(
    name="table",
    title="A table of items",
    licence="as the table's owner gave it",
    citation="",
    description="Items listed in a CSV, Parquet or JSONL table, with media or with ready vectors.",
)


def fingerprint(request: Request) -> Mapping[str, Any]:
    """The bytes of the table, and sizes and times of the vector files beside it."""
    path = request.spec.root()
    beside = {
        file.name: [file.stat().st_size, file.stat().st_mtime_ns]
        for modality in items.MODALITIES
        for file in _vector_files(path, modality)
        if file.exists()
    }
    return {
        "table": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        "root": str(path.parent),
        "beside": beside,
        "version": 2,
    }


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Read and check the table, its media and its vectors."""
    path = request.spec.root()
    rows = _complete(table_file.read_rows(path, "table:PATH"), path)
    vectors = _vectors(rows, path)
    row_of = {
        modality: {item_id: row for row, item_id in enumerate(ids.tolist())}
        for modality, (ids, _) in vectors.items()
    }

    def read(row: dict[str, Any]) -> list[items.Item] | Rejected:
        return _read_row(row, path.parent, row_of.get(row["modality"]))

    found, rejected = media_files.decode_all(read, rows.to_dict("records"))
    if not found:
        raise UserError(
            f"None of the {len(rows):,} rows of {path.name} can be used: expected rows with media, "
            f"words or ready vectors.{first_reason(rejected)}"
        )
    frame = items.table(found)
    classes = sorted({label for item in found for label in item.labels})
    n_modalities = frame.groupby("clip_id")["modality"].nunique()
    by_clip = bool((n_modalities > 1).any())
    kept = rows[rows["item_id"].isin(set(frame["item_id"]))]
    return Ingested(
        card=CARD,
        items=frame,
        splits=_given_splits(kept, request)
        if (kept["subset"] != "").any()
        else _random_splits(frame, classes, n_modalities, request),
        classes=classes,
        paired_by="clip" if by_clip else "class",
        root=str(path.parent),
        notes=_notes(frame, by_clip),
        rejected=rejected,
        vectors={modality: array for modality, (_, array) in vectors.items()},
    )


def _complete(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows with every column, each of its type, and with ids."""
    if "modality" not in rows.columns:
        raise UserError(
            f"The table {path.name} has the columns {list(rows.columns)}: expected at least "
            "`modality`, and `path`, `text` or ready vectors."
        )
    found, problems = table_file.checked(rows, KINDS, path.name)
    for name, known in (
        ("modality", items.MODALITIES),
        ("subset", ("", items.UNPAIRED, *items.SUBSETS)),
    ):
        wrong = np.flatnonzero(~found[name].isin(known))
        if len(wrong):
            raise UserError(
                f"Row {wrong[0] + 1} of the table {path.name} has the {name} "
                f"{shown(found[name].iloc[wrong[0]])}: expected one of "
                f"{', '.join(filter(None, known))}."
            )
    found["start_s"] = found["start_s"].astype(float).fillna(0.0)
    found["duration_s"] = found["duration_s"].astype(float).fillna(1.0)
    numbered = found["modality"] + ":" + pd.Series([f"{n:06d}" for n in range(len(rows))])
    found["item_id"] = found["item_id"].where(found["item_id"] != "", numbered)
    own = found["path"].where(found["path"] != "", found["item_id"])
    found["clip_id"] = found["clip_id"].where(found["clip_id"] != "", own)
    if "vector" in rows.columns:
        found["vector"] = rows["vector"]
    return found.assign(problem=problems)


def _read_row(
    row: dict[str, Any], root: Path, row_of: Mapping[str, int] | None
) -> list[items.Item] | Rejected:
    """The item of a row; `row_of` are the ready vectors of its modality, None if it has none."""
    item_id, modality, text = row["item_id"], row["modality"], row["text"]
    path = "" if modality == "text" else row["path"]  # the words are in the table itself
    has_vector = row_of is not None and item_id in row_of
    if row["problem"]:
        return Rejected(path or item_id, modality, row["problem"])
    try:
        if row_of is not None and not has_vector:
            raise MediaError(
                f"The item {item_id!r} has no ready vector, but others have: add its vector."
            )
        if path:
            _check_media(root, path, modality, row["start_s"], row["duration_s"])
        elif modality == "text" and not text.strip() and not has_vector:
            raise MediaError(f"The item {item_id!r} is a text without words: fill its `text`.")
        elif not has_vector and modality != "text":
            raise MediaError(
                f"The item {item_id!r} has neither a path nor a ready vector: add one of them."
            )
    except MediaError as error:
        if not has_vector:
            return Rejected(path or item_id, modality, str(error))
        path = ""  # the vector can be used without its media
    return [
        items.Item(
            item_id=item_id,
            clip_id=row["clip_id"],
            modality=modality,
            labels=row["labels"],
            path=path,
            start_s=row["start_s"],
            duration_s=row["duration_s"],
            vector_row=row_of[item_id] if row_of and has_vector else -1,
            text=text,
            facts='{"kind": "table"}',
        )
    ]


def _check_media(root: Path, path: str, modality: str, start_s: float, duration_s: float) -> None:
    if leaves_root(path):
        raise MediaError(
            f"The path {path!r} leaves the table's folder: expected a path relative to the table, "
            "with the media beside or below it."
        )
    file = (root / path).resolve()
    if not file.is_file():
        raise MediaError(f"There is no file {path!r} beside the table: expected it at {file}.")
    if start_s < 0 or duration_s <= 0:
        raise MediaError(
            f"The row of {path!r} has the start {start_s:g} s and the length {duration_s:g} s: "
            "expected a start of 0 or more and a length above 0."
        )
    if modality == "audio":
        media.read_audio(file, file.name, start_s=start_s, duration_s=min(duration_s, 1.0))
    elif media.kind_of(file, file.name) == "video":
        media.read_frame(file, file.name, start_s)
    else:
        media.read_image(file, file.name)


def _given_splits(rows: pd.DataFrame, request: Request) -> pd.DataFrame:
    """The table's own subsets, the same in each split."""
    given = rows[rows["subset"] != ""]
    n_subsets = given.groupby("clip_id")["subset"].nunique()
    if (n_subsets > 1).any():
        raise UserError(
            f"The clip {n_subsets.idxmax()!r} is in {int(n_subsets.max())} subsets: put every clip "
            "in one, as subsets must be disjoint by clip."
        )
    subset_of = dict(zip(given["clip_id"], given["subset"], strict=True))
    return items.split_table(splits.given(subset_of, request))


def _random_splits(
    frame: pd.DataFrame, classes: list[str], n_modalities: pd.Series, request: Request
) -> pd.DataFrame:
    """Stratified by class; also of clips with pairs but not exactly one label."""
    found = splits.by_class(frame, items.paired_classes(frame, classes), request)
    others = set(n_modalities.index[n_modalities > 1]) - set(found["clip_id"])
    if not others:
        return found
    n = splits.n_splits(request, len(frame))
    more = items.split_table(splits.drawn(dict.fromkeys(others, ""), request, n))
    return pd.concat([found, more], ignore_index=True)


def _notes(frame: pd.DataFrame, by_clip: bool) -> list[str]:
    if not by_clip:
        return [
            "No clip has items of two modalities. Items were paired within each class, so the "
            "translation has seen the labels."
        ]
    n_modalities = frame.groupby("clip_id")["modality"].transform("nunique")
    alone = [
        name
        for name in items.MODALITIES
        if (frame["modality"] == name).any()
        and not ((frame["modality"] == name) & (n_modalities > 1)).any()
    ]
    return [
        f"No item of the modality {name} shares its clip with an item of another modality, so it "
        f"cannot be paired: give it that item's clip_id, or leave it out with `--{name} none`."
        for name in alone
    ]


# -- ready vectors -------------------------------------------------------------------------------

NUMBERS = "fiu"  # kinds of NumPy's types: float, integer, unsigned integer


def _vector_files(path: Path, modality: str) -> tuple[Path, Path]:
    return path.parent / f"{modality}.npy", path.parent / f"{modality}.ids.csv"


def _vectors(rows: pd.DataFrame, path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """modality -> `(item_ids (n,), array (n, d) float32)`."""
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for modality in items.MODALITIES:
        mine = rows[rows["modality"] == modality]
        array_file, ids_file = _vector_files(path, modality)
        if "vector" in rows.columns and len(mine):
            found[modality] = (mine["item_id"].to_numpy(), _stack(mine["vector"], path, modality))
        elif array_file.exists() and ids_file.exists():
            found[modality] = _load(array_file, ids_file)
    for modality, (_, array) in found.items():
        if not np.isfinite(array).all():
            raise UserError(
                f"The ready {modality} vectors of {path.name} contain NaN or infinite values: "
                "expected finite numbers."
            )
    return found


def _stack(column: pd.Series, path: Path, modality: str) -> np.ndarray:
    found = []
    for row, cell in column.items():
        try:
            vector = np.asarray(cell if isinstance(cell, (list, np.ndarray)) else [cell])
        except ValueError:  # lists of different lengths in it
            vector = np.asarray("")
        if vector.ndim != 1 or vector.dtype.kind not in NUMBERS:
            raise UserError(
                f"Row {int(str(row)) + 1} of {path.name} has the vector {shown(cell)}: expected a "
                "list of numbers."
            )
        found.append(vector)
    lengths = {len(vector) for vector in found}
    if len(lengths) != 1 or 0 in lengths:
        raise UserError(
            f"The {modality} vectors of {path.name} have lengths from {min(lengths)} to "
            f"{max(lengths)}: expected one length above 0 in all rows."
        )
    return _float32(np.stack(found))


def _load(array_file: Path, ids_file: Path) -> tuple[np.ndarray, np.ndarray]:
    for file in (array_file, ids_file):
        if not file.is_file():
            raise UserError(f"{file.name} beside the table is not a file: replace or remove it.")
    try:  # mapped, so that a header that promises too much takes no memory
        array = np.load(array_file, mmap_mode="r", allow_pickle=False)
        kind = array.dtype.kind
    except Exception as error:  # NumPy raises errors of many kinds for damaged files
        raise UserError(
            f"{array_file.name} is not a .npy array of numbers ({shown(str(error))}): save it "
            "again with `numpy.save`."
        ) from error
    if kind not in NUMBERS:
        raise UserError(
            f"{array_file.name} holds values of the type {array.dtype}: expected real numbers."
        )
    try:
        lines = ids_file.read_text("utf-8-sig").splitlines()
    except ValueError as error:
        raise UserError(
            f"{ids_file.name} is not text in UTF-8: expected one item_id per line."
        ) from error
    ids = np.array([line for line in lines if line.strip()], dtype=str)
    if len(ids) and ids[0] == "item_id":
        ids = ids[1:]
    if array.ndim != 2 or len(array) != len(ids):
        raise UserError(
            f"{array_file.name} has the shape {array.shape} and {ids_file.name} {len(ids)} ids: "
            "expected a 2-D array with one row per id."
        )
    if len(set(ids.tolist())) != len(ids):
        raise UserError(f"{ids_file.name} names an item twice: give every vector its own id.")
    return ids, _float32(array)


def _float32(array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is refused
        return array.astype(np.float32, copy=False)
