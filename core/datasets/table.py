"""`table:PATH`: a CSV, TSV, Parquet or JSONL table of items, or of ready vectors.

Columns: `modality` (required); `path` (relative to the table), `item_id`, `clip_id`,
`labels` (several separated by `|`, or a list), `start_s`, `duration_s` (of a sound; 1),
`subset`, `text` (the words of an item whose modality is text).

Ready vectors need no encoder. Either the table has a column `vector` (Parquet or JSONL: a list
of numbers a row), or a pair of files `<modality>.npy` and `<modality>.ids.csv` (one item_id a
line, in the array's row order) lies beside it.

Items of one clip are pairs. Where no clip has two modalities, pairs are made within a class.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items, media
from core.datasets.base import (
    SHARES,
    Card,
    Ingested,
    ParallelMap,
    Rejected,
    Request,
    in_threads,
    n_splits,
    paired_classes,
    random_splits,
)
from core.errors import MediaError, UserError
from core.files import leaves_root
from core.store import Draft

CARD = Card(
    name="table",
    title="A table of items",
    licence="as the table's owner gave it",
    citation="",
    description="Items listed in a CSV, Parquet or JSONL table, with media or with ready vectors.",
)
READERS = {
    ".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False),
    ".tsv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False, sep="\t"),
    ".parquet": pd.read_parquet,
    ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
}


def fingerprint(request: Request) -> Mapping[str, Any]:
    """The table's own bytes, and sizes and times of the vectors beside it."""
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
    """Read and check the table, its media and its vectors.

    Raises
    ------
    UserError
        The table cannot be read, lacks a column, names an unknown modality or subset, puts one
        clip into two subsets, or its vectors and ids do not agree.
    """
    path = request.spec.root()
    rows = _normalised(_read_table(path), path)
    vectors = _vectors(rows, path)
    found: list[items.Item] = []
    rejected: list[Rejected] = []
    given = {modality: set(ids) for modality, (ids, _) in vectors.items()}
    row_of = {
        item_id: row for ids, _ in vectors.values() for row, item_id in enumerate(ids.tolist())
    }

    def read(row: dict[str, Any]) -> items.Item | Rejected:
        return _read_row(row, path.parent, given, row_of)

    for outcome in in_threads(read, rows.to_dict("records")):
        if isinstance(outcome, Rejected):
            rejected.append(outcome)
        else:
            found.append(outcome)
    if not found:
        first = f" The first reason: {rejected[0].reason}" if rejected else ""
        raise UserError(f"No row of {path.name} could be taken in.{first}")
    frame = items.table(found)
    kept = set(frame["item_id"])
    classes = sorted({label for labels in frame["labels"] for label in labels})
    by_clip = _by_clip(frame)
    return Ingested(
        card=CARD,
        items=frame,
        splits=_splits(rows[rows["item_id"].isin(kept)], frame, classes, by_clip, request),
        classes=classes,
        paired_by="clip" if by_clip else "class",
        root=str(path.parent),
        notes=_notes(frame, by_clip),
        rejected=rejected,
        vectors={modality: array for modality, (_, array) in vectors.items()},
    )


def read_rows(path: Path, expected: str) -> pd.DataFrame:
    """The rows of a table in one of the known formats; a CSV's cells are text, "" where empty.

    Raises
    ------
    UserError
        It is no such file (`expected` says who asks), or cannot be read.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None or not path.is_file():
        raise UserError(
            f"{path} is no table: expected a file ending in {', '.join(READERS)} ({expected})."
        )
    try:
        return reader(path)
    except (ValueError, OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"The table {path.name} cannot be read: {' '.join(str(error).split())[:200]}"
        ) from error


def _read_table(path: Path) -> pd.DataFrame:
    rows = read_rows(path, "table:PATH")
    if "modality" not in rows.columns:
        raise UserError(
            f"The table {path.name} has the columns {list(rows.columns)}: expected at least "
            "`modality`, and `path`, `text` or ready vectors."
        )
    return rows


def _normalised(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Every column there, of its type; ids made where they are missing."""
    rows = rows.copy()
    for name, default in (("path", ""), ("text", ""), ("subset", ""), ("labels", "")):
        if name not in rows:
            rows[name] = default
        rows[name] = rows[name].map(lambda value, d=default: d if _is_missing(value) else value)
    starts = rows["start_s"] if "start_s" in rows else pd.Series(0.0, index=rows.index)
    rows["start_s"] = pd.to_numeric(starts, errors="coerce").fillna(0.0).astype(float)
    lengths = rows["duration_s"] if "duration_s" in rows else pd.Series(1.0, index=rows.index)
    rows["duration_s"] = pd.to_numeric(lengths, errors="coerce").fillna(1.0).astype(float)
    rows["labels"] = rows["labels"].map(labels_of)
    if "item_id" not in rows:
        numbers = [f"{number:06d}" for number in range(len(rows))]
        rows["item_id"] = rows["modality"].astype(str) + ":" + numbers
    rows["item_id"] = rows["item_id"].astype(str)
    own = rows["path"].where(rows["path"] != "", rows["item_id"])
    clips = rows["clip_id"] if "clip_id" in rows else pd.Series("", index=rows.index)
    clips = clips.map(lambda value: "" if _is_missing(value) else str(value))
    rows["clip_id"] = clips.where(clips != "", own).astype(str)
    wrong = sorted(set(rows["subset"]) - {"", items.UNPAIRED, *items.SUBSETS})
    if wrong:
        raise UserError(
            f"The table {path.name} has the subset {wrong[0]!r}: expected one of "
            f"{', '.join(items.SUBSETS)}, or nothing."
        )
    return rows


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def labels_of(value: Any) -> tuple[str, ...]:
    """A cell with several names, separated by `|` or a list, to these names, each once."""
    parts = value.split("|") if isinstance(value, str) else list(value)
    return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))


def _read_row(
    row: dict[str, Any], root: Path, given: dict[str, set[str]], row_of: dict[str, int]
) -> items.Item | Rejected:
    modality, path, text = str(row["modality"]), str(row["path"]), str(row["text"])
    has_vector = row["item_id"] in given.get(modality, set())
    if modality == "text":
        path = ""  # words are in the table itself
    try:
        if given.get(modality) is not None and not has_vector:
            raise MediaError(f"The item {row['item_id']!r} has no vector among the ready ones.")
        if path:
            _check_media(root, path, modality, row["start_s"], row["duration_s"])
        elif modality == "text" and not text.strip() and not has_vector:
            raise MediaError(
                f"The item {row['item_id']!r} is a text without words: fill its column `text`."
            )
        elif not has_vector and modality != "text":
            raise MediaError(
                f"The item {row['item_id']!r} has neither a path nor a ready vector: give one."
            )
    except MediaError as error:
        if not has_vector:
            return Rejected(path or row["item_id"], modality, str(error))
        path = ""  # the vector stands without its media
    return items.Item(
        item_id=row["item_id"],
        clip_id=row["clip_id"],
        modality=modality,
        labels=row["labels"],
        path=path,
        start_s=row["start_s"],
        duration_s=row["duration_s"],
        vector_row=row_of.get(row["item_id"], -1),
        text=text,
        facts=json.dumps({"kind": "table"}),
    )


def _check_media(root: Path, path: str, modality: str, start_s: float, duration_s: float) -> None:
    if leaves_root(path):
        raise MediaError(
            f"The path {path!r} leaves the table's folder: write it relative to the table, and put "
            "the media beside it or below."
        )
    file = (root / path).resolve()
    if not file.is_file():
        raise MediaError(f"There is no file {path!r} beside the table: expected it at {file}.")
    if start_s < 0 or duration_s <= 0:
        raise MediaError(
            f"{path!r} is to be read from second {start_s:g} for {duration_s:g} s: expected a "
            "start of 0 or more and a length above 0."
        )
    if modality == "audio":
        media.read_audio(file, file.name, start_s=start_s, duration_s=min(duration_s, 1.0))
    elif media.kind_of(file, file.name) == "video":
        media.read_frame(file, file.name, start_s)
    else:
        media.read_image(file, file.name)


def _by_clip(frame: pd.DataFrame) -> bool:
    """Whether any clip has items of two modalities."""
    return bool((frame.groupby("clip_id")["modality"].nunique() > 1).any())


def _splits(
    rows: pd.DataFrame, frame: pd.DataFrame, classes: list[str], by_clip: bool, request: Request
) -> pd.DataFrame:
    """The table's own subsets where it has any, else random splits by clip."""
    given = rows[rows["subset"] != ""]
    if given.empty:
        return _random_splits(frame, classes, by_clip, request)
    n_subsets = given.groupby("clip_id")["subset"].nunique()
    if (n_subsets > 1).any():
        raise UserError(
            f"The clip {n_subsets.idxmax()!r} is in {int(n_subsets.max())} subsets: subsets must "
            "be disjoint by clip."
        )
    subset_of = dict(zip(given["clip_id"], given["subset"], strict=True))
    return items.split_table([subset_of] * (request.splits or 1))


def _random_splits(
    frame: pd.DataFrame, classes: list[str], by_clip: bool, request: Request
) -> pd.DataFrame:
    """Stratified by class; of true pairs also those without one label, which need none."""
    found = random_splits(frame, paired_classes(frame, classes), request)
    if not by_clip:
        return found
    n_modalities = frame.groupby("clip_id")["modality"].nunique()
    others = set(n_modalities.index[n_modalities > 1]) - set(found["clip_id"])
    if not others:
        return found
    more = items.split_table(
        [
            items.split_by_clip(dict.fromkeys(others, ""), SHARES, request.seed * 1_000 + split)
            for split in range(n_splits(request, len(frame)))
        ]
    )
    return pd.concat([found, more], ignore_index=True)


def _notes(frame: pd.DataFrame, by_clip: bool) -> list[str]:
    if not by_clip:
        return [
            "No clip has items of two modalities: they were paired within each class, so the "
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
        f"No item of the modality {name} shares its clip with another one, so it cannot be paired: "
        f"give it the clip_id of what it belongs to, or leave it out with `--{name} none`."
        for name in alone
    ]


# -- ready vectors -------------------------------------------------------------------------------


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
                f"The ready {modality} vectors of {path.name} hold NaN or infinite values: "
                "expected finite numbers."
            )
    return found


def _stack(column: pd.Series, path: Path, modality: str) -> np.ndarray:
    lengths = column.map(lambda vector: len(vector) if hasattr(vector, "__len__") else 0)
    if lengths.nunique() != 1 or lengths.iloc[0] == 0:
        raise UserError(
            f"The {modality} vectors of {path.name} have lengths from {lengths.min()} to "
            f"{lengths.max()}: expected one length above 0."
        )
    return np.stack([np.asarray(vector, dtype=np.float32) for vector in column])


def _load(array_file: Path, ids_file: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        array = np.load(array_file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{array_file.name} is no .npy array: {error}") from error
    ids = np.array([line for line in ids_file.read_text("utf-8").splitlines() if line.strip()])
    if len(ids) and ids[0] == "item_id":
        ids = ids[1:]
    if array.ndim != 2 or len(array) != len(ids):
        raise UserError(
            f"{array_file.name} has the shape {array.shape} and {ids_file.name} {len(ids)} ids: "
            "expected a 2-D array with one row an id."
        )
    if len(set(ids.tolist())) != len(ids):
        raise UserError(f"{ids_file.name} names an item twice: every vector needs its own id.")
    return ids, array.astype(np.float32, copy=False)
