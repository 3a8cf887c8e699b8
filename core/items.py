"""The item table: its columns, its checks, its subsets by clip, and its pairs.

Each row is one *item*: one second of audio (a longer stretch in some collections), one picture, or
one text. Rows are matched by `item_id`, never by position or by file order.

==============  ==========================================================================
column          meaning
==============  ==========================================================================
`item_id`       unique name of the item
`clip_id`       the recording, file or video that it was cut from
`modality`      `audio`, `image` or `text`
`labels`        list of class names; empty if unlabelled
`path`          the media file, relative to the dataset's root; "" if the vector is given
`start_s`       start in the file, in seconds (0 for a picture file)
`duration_s`    length of a sound, in seconds (1 in most collections)
`vector_row`    row in the ready vectors; -1 if an encoder computes the vector
`text`          the words of a text, "" for other modalities
`facts`         JSON with further facts (how a sound was rendered, a mismatch, ...)
==============  ==========================================================================

Subsets are a table of their own, `(split, clip_id, subset)`, because a study may be repeated over
several random splits of one item table.

    frame = items.table([items.Item("a", "clip", "audio"), items.Item("i", "clip", "image")])
    items.pairs(frame, "audio", "image", by="clip")
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from core.errors import UserError

MODALITIES = ("audio", "image", "text")
SUBSETS = ("translation", "crossmodal", "train", "test")
UNPAIRED = "unpaired"  # shown in galleries and on maps, but neither trained on nor scored


@dataclass(frozen=True)
class Item:
    """One row of the item table."""

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


COLUMNS = tuple(field.name for field in fields(Item))


def table(items: Iterable[Item | Mapping[str, object]]) -> pd.DataFrame:
    """A checked item table of these rows.

    Raises
    ------
    UserError
        A repeated `item_id`, an unknown modality, or an item without a clip.
    """
    rows = [item if isinstance(item, Mapping) else vars(item) for item in items]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["labels"] = [list(labels) for labels in frame["labels"]]
    frame = frame.astype({"start_s": "float64", "duration_s": "float64", "vector_row": "int64"})
    validate(frame)
    return frame


def validate(frame: pd.DataFrame) -> None:
    """Check an item table. It is checked once, when made; later code relies on it."""
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise UserError(f"The item table lacks the columns {missing}: expected {list(COLUMNS)}.")
    repeated = frame["item_id"][frame["item_id"].duplicated()]
    if len(repeated):
        raise UserError(
            f"The item table has the item_id {repeated.iloc[0]!r} more than once: give every item "
            "its own."
        )
    unknown = sorted(set(frame["modality"]) - set(MODALITIES))
    if unknown:
        raise UserError(
            f"The item table has the modality {unknown[0]!r}: expected one of {MODALITIES}."
        )
    if (frame["clip_id"].astype(str).str.len() == 0).any():
        raise UserError("An item has an empty clip_id: name the clip that each item was cut from.")


def of(frame: pd.DataFrame, modality: str) -> pd.DataFrame:
    """The items of one modality, in table order, re-indexed from 0."""
    return frame[frame["modality"] == modality].reset_index(drop=True)


def single_labels(frame: pd.DataFrame) -> pd.Series:
    """Each item's class if it has exactly one label, else "" (W §3.1)."""
    return frame["labels"].map(lambda labels: labels[0] if len(labels) == 1 else "")


def class_numbers(frame: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """`(n,) int64`: position in `classes` of each item's class, -1 if it has not exactly one."""
    number = {name: row for row, name in enumerate(classes)}
    return np.array([number.get(name, -1) for name in single_labels(frame)], dtype=np.int64)


def paired_classes(frame: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """The classes of which there can be pairs, in class order.

    These are the classes with sounds and pictures or, if the collection lacks one of these, with
    items of any two modalities.
    """
    either = frame["modality"].isin(["audio", "image"])
    counted = frame[either] if frame["modality"][either].nunique() == 2 else frame
    n_modalities = counted["modality"].groupby(single_labels(counted)).nunique()
    return [name for name in classes if n_modalities.get(name, 0) >= 2]


def rng_for(seed: int, name: str, n_bytes: int = 4) -> np.random.Generator:
    """A random generator for one seed and name, the same in every process."""
    digest = hashlib.sha256(name.encode()).digest()  # Python's own `hash` is salted
    return np.random.default_rng([seed, int.from_bytes(digest[:n_bytes], "big")])


def fold_of(clip_id: str, n_folds: int) -> int:
    """The fold of a clip in cross-validation, by its name: the same in every process."""
    return int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:4], "big") % n_folds


# -- subsets -------------------------------------------------------------------------------------


def split_by_clip(
    clip_classes: Mapping[str, str], shares: Mapping[str, float], seed: int
) -> dict[str, str]:
    """Assign every clip to one subset at random, stratified by class.

    Parameters
    ----------
    clip_classes : clip_id to class name
    shares : subset to its share; the shares sum to 1
    seed : int

    Returns
    -------
    dict of clip_id to subset. Sizes within a class are the shares rounded by largest remainder, so
    that a class of 5 clips still reaches every subset it can.
    """
    names = list(shares)
    weights = np.array(list(shares.values()), dtype=float)
    if not np.isclose(weights.sum(), 1.0):
        raise UserError(f"The subsets' shares sum to {weights.sum():.3f}: expected 1.")
    by_class: dict[str, list[str]] = {}
    for clip_id, class_name in clip_classes.items():
        by_class.setdefault(class_name, []).append(clip_id)
    subset_of: dict[str, str] = {}
    for class_name in sorted(by_class):
        clips = sorted(by_class[class_name])
        order = rng_for(seed, class_name).permutation(len(clips))
        subsets = np.repeat(names, _largest_remainder(weights, len(clips)))
        subset_of |= {clips[row]: str(name) for row, name in zip(order, subsets, strict=True)}
    return subset_of


def _largest_remainder(weights: np.ndarray, n: int) -> np.ndarray:
    """`n` shared out in proportion to the weights, in whole numbers."""
    exact = weights / weights.sum() * n
    counts = np.floor(exact).astype(int)
    counts[np.argsort(-(exact - counts), kind="stable")[: n - counts.sum()]] += 1
    return counts


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
    """The item table with a column `subset` for one split."""
    subset_of = splits[splits["split"] == split].set_index("clip_id")["subset"]
    return frame.assign(subset=frame["clip_id"].map(subset_of).fillna(UNPAIRED))


# -- pairs ---------------------------------------------------------------------------------------


def pairs(frame: pd.DataFrame, a: str, b: str, by: str, seed: int = 0) -> pd.DataFrame:
    """Pairs of one `a` item and one `b` item.

    Parameters
    ----------
    frame : the items to pair (usually those of one subset)
    a, b : modalities
    by : "clip" pairs the items of one clip; "class" pairs, within each class, every item of the
        larger modality with a random item of the smaller one, each used about equally often
    seed : int, for pairing by class

    Returns
    -------
    DataFrame with `a_item, b_item, a_clip, b_clip, class` ("" if the clip has not exactly one
    label).
    """
    left, right = (_half(of(frame, modality), name) for modality, name in ((a, "a"), (b, "b")))
    columns = ["a_item", "b_item", "a_clip", "b_clip", "class"]
    if by == "clip":
        joined = left.merge(right, left_on="a_clip", right_on="b_clip")
        return joined.rename(columns={"a_class": "class"})[columns]
    if by != "class":
        raise UserError(f"Items cannot be paired by {by!r}: expected 'clip' or 'class'.")
    parts = [pd.DataFrame(columns=columns, dtype="str")]
    for class_name in sorted(set(left["a_class"]) & set(right["b_class"]) - {""}):
        halves = left[left["a_class"] == class_name], right[right["b_class"] == class_name]
        rng = rng_for(seed, class_name)
        n = max(map(len, halves))
        drawn = [half.iloc[evenly_drawn(len(half), n, rng)] for half in halves]
        joined = pd.concat([half.reset_index(drop=True) for half in drawn], axis=1)
        parts.append(joined.rename(columns={"a_class": "class"}))
    return pd.concat(parts, ignore_index=True)[columns]


def _half(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Item, clip and class of the items on one side of the pairs."""
    return pd.DataFrame(
        {
            f"{name}_item": frame["item_id"],
            f"{name}_clip": frame["clip_id"],
            f"{name}_class": single_labels(frame).astype("str"),
        }
    )


def evenly_drawn(n_items: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` random rows below `n_items`; no row is used twice before all are used once."""
    n_rounds = -(-n // n_items)
    return np.concatenate([rng.permutation(n_items) for _ in range(n_rounds)])[:n]
