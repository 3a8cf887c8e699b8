"""The item table: its schema, its validation, its subsets split by clip, and its pairs.

One row is one *item*: one second of audio (in some collections a longer stretch), one picture, or
one text. Rows travel with their `item_id`; nothing is ever aligned by position or by file order.

====================  =======================================================================
column                what
====================  =======================================================================
`item_id`           unique name of the item
`clip_id`           the recording, file or video that it was cut from
`modality`          `audio`, `image` or `text`
`labels`            tuple of class names; empty when unlabelled
`path`              where its media lies, relative to the dataset's root; "" for ready vectors
`start_s`           seconds into the file (0 for a picture file)
`duration_s`        how much of the file from there, for a sound (1 in most collections)
`vector_row`        row in the ready vectors, -1 when an encoder is to make its vector
`text`              its words, "" for other modalities
`facts`             JSON of what else is known of it (how it was rendered, a mismatch, ...)
====================  =======================================================================

Subsets are not a column but a table of their own, `(split, clip_id, subset)`: a study may be
repeated over several random splits of one item table.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import UserError

MODALITIES = ("audio", "image", "text")
SUBSETS = ("translation", "crossmodal", "train", "test")
UNPAIRED = "unpaired"  # in galleries and on maps, but in no training and no score
COLUMNS = (
    "item_id",
    "clip_id",
    "modality",
    "labels",
    "path",
    "start_s",
    "duration_s",
    "vector_row",
    "text",
    "facts",
)


@dataclass(frozen=True)
class Item:
    """One row of the item table, with the defaults of what most items lack."""

    item_id: str
    clip_id: str
    modality: str
    labels: tuple[str, ...] = ()
    path: str = ""
    start_s: float = 0.0
    duration_s: float = 1.0
    vector_row: int = -1
    text: str = ""
    facts: str = "{}"


def table(items: Iterable[Item | Mapping[str, object]]) -> pd.DataFrame:
    """Rows to a validated item table.

    Raises
    ------
    UserError
        A duplicate `item_id`, an unknown modality, or an item without a clip.
    """
    rows = [item if isinstance(item, Mapping) else vars(item) for item in items]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["labels"] = [list(labels) for labels in frame["labels"]]
    frame["start_s"] = frame["start_s"].astype("float64")
    frame["duration_s"] = frame["duration_s"].astype("float64")
    frame["vector_row"] = frame["vector_row"].astype("int64")
    validate(frame)
    return frame


def validate(frame: pd.DataFrame) -> None:
    """Check an item table once, at the edge; inner code trusts it."""
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise UserError(f"The item table lacks the columns {missing}: expected {list(COLUMNS)}.")
    repeated = frame["item_id"][frame["item_id"].duplicated()]
    if len(repeated):
        raise UserError(
            f"The item table holds {repeated.iloc[0]!r} more than once: every item needs an "
            "item_id of its own."
        )
    unknown = sorted(set(frame["modality"]) - set(MODALITIES))
    if unknown:
        raise UserError(
            f"The item table has the modality {unknown[0]!r}: expected one of {MODALITIES}."
        )
    if (frame["clip_id"].astype(str).str.len() == 0).any():
        raise UserError("An item has an empty clip_id: every item needs the clip it came from.")


def of(frame: pd.DataFrame, modality: str) -> pd.DataFrame:
    """The items of one modality, in table order, re-indexed from 0."""
    return frame[frame["modality"] == modality].reset_index(drop=True)


def single_labels(frame: pd.DataFrame) -> pd.Series:
    """Each item's class when exactly one applies, else "" (W §3.1)."""
    return frame["labels"].map(lambda labels: labels[0] if len(labels) == 1 else "")


def class_numbers(frame: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """`(n,) int64`: the row of each item's single class in `classes`, -1 without one."""
    number = {name: row for row, name in enumerate(classes)}
    return np.array([number.get(name, -1) for name in single_labels(frame)], dtype=np.int64)


# -- subsets -------------------------------------------------------------------------------------


def split_by_clip(
    clip_classes: Mapping[str, str], shares: Mapping[str, float], seed: int
) -> dict[str, str]:
    """Assign every clip to one subset, stratified by class.

    Parameters
    ----------
    clip_classes : mapping of clip_id to class name
    shares : mapping of subset to its share; the shares sum to 1
    seed : int

    Returns
    -------
    dict of clip_id to subset. Within each class the sizes are the shares' largest-remainder
    rounding, so that a class of 5 clips still reaches every subset it can.
    """
    names = list(shares)
    weights = np.array([shares[name] for name in names], dtype=float)
    if not np.isclose(weights.sum(), 1.0):
        raise UserError(f"The subsets' shares sum to {weights.sum():.3f}: expected 1.")
    by_class: dict[str, list[str]] = {}
    for clip_id, class_name in clip_classes.items():
        by_class.setdefault(class_name, []).append(clip_id)
    subset_of: dict[str, str] = {}
    for class_name in sorted(by_class):
        clips = sorted(by_class[class_name])
        rng = np.random.default_rng([seed, _stable_hash(class_name)])
        order = rng.permutation(len(clips))
        counts = _largest_remainder(weights, len(clips))
        ends = np.cumsum(counts)
        for place, row in enumerate(order):
            subset_of[clips[row]] = names[int(np.searchsorted(ends, place, side="right"))]
    return subset_of


def split_table(assignments: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """One `{clip_id: subset}` per split -> a table of `split, clip_id, subset`."""
    return pd.DataFrame(
        [
            (split, clip_id, subset)
            for split, subset_of in enumerate(assignments)
            for clip_id, subset in subset_of.items()
        ],
        columns=["split", "clip_id", "subset"],
    )


def with_subset(frame: pd.DataFrame, splits: pd.DataFrame, split: int) -> pd.DataFrame:
    """The item table with a `subset` column: that of one split."""
    chosen = splits[splits["split"] == split]
    subset_of = chosen.set_index("clip_id")["subset"]
    frame = frame.copy()
    frame["subset"] = frame["clip_id"].map(subset_of).fillna(UNPAIRED)
    return frame


# -- pairs ---------------------------------------------------------------------------------------


def pairs(frame: pd.DataFrame, a: str, b: str, by: str, seed: int = 0) -> pd.DataFrame:
    """Pairs of an `a` item and a `b` item.

    Parameters
    ----------
    frame : the items to pair (usually those of one subset)
    a, b : modalities
    by : "clip" joins the items of one clip; "class" joins, within a class, every item of the
        larger side with a random item of the smaller one (each used about equally often)
    seed : int, of the pairing within a class

    Returns
    -------
    DataFrame with `a_item, b_item, a_clip, b_clip, class` ("" where the clip has not one label).
    """
    left, right = (_sides(of(frame, modality), name) for modality, name in ((a, "a"), (b, "b")))
    columns = ["a_item", "b_item", "a_clip", "b_clip", "class"]
    if by == "clip":
        joined = left.merge(right, left_on="a_clip", right_on="b_clip")
        return joined.rename(columns={"a_class": "class"})[columns]
    if by != "class":
        raise UserError(f"Items cannot be paired by {by!r}: expected 'clip' or 'class'.")
    parts = [pd.DataFrame(columns=columns, dtype="str")]
    for class_name in sorted(set(left["a_class"]) & set(right["b_class"]) - {""}):
        mine, theirs = left[left["a_class"] == class_name], right[right["b_class"] == class_name]
        rng = np.random.default_rng([seed, _stable_hash(class_name)])
        n = max(len(mine), len(theirs))
        mine = mine.iloc[_spread(len(mine), n, rng)].reset_index(drop=True)
        theirs = theirs.iloc[_spread(len(theirs), n, rng)].reset_index(drop=True)
        parts.append(pd.concat([mine, theirs], axis=1).rename(columns={"a_class": "class"}))
    return pd.concat(parts, ignore_index=True)[columns]


def _sides(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Item, clip and class of one side of the pairs to make."""
    return pd.DataFrame(
        {
            f"{name}_item": frame["item_id"],
            f"{name}_clip": frame["clip_id"],
            f"{name}_class": single_labels(frame).astype("str"),
        }
    )


def _spread(n_items: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` rows below `n_items`: whole random permutations, one after another."""
    rounds = -(-n // n_items)
    return np.concatenate([rng.permutation(n_items) for _ in range(rounds)])[:n]


def _largest_remainder(weights: np.ndarray, n: int) -> np.ndarray:
    exact = weights / weights.sum() * n
    counts = np.floor(exact).astype(int)
    for row in np.argsort(-(exact - counts), kind="stable")[: n - counts.sum()]:
        counts[row] += 1
    return counts


def _stable_hash(text: str) -> int:
    """The same number in every process (Python's own `hash` is salted)."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
