"""The selection: everything that a person has chosen, as it is in the address of the page.

Every field is one query parameter; repeated parameters make a tuple; a field at its default is
not in the address. `parse` never fails: an invalid value becomes the default. `fit` then drops
what the study does not have and says so. No Streamlit here.
"""

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, get_type_hints

from core.figures import theme

MAX_ITEMS = 24  # media cards on a page, and items in an address
MAX_PARTS = 6  # inputs in one query
MAX_VALUES = 200  # of one repeated parameter, read from an address
MAX_LENGTH = 300  # characters of one value, read from an address
MAX_WORDS = 1_000  # characters of a typed query
CELL = "~"  # between truth and prediction of a confusion cell, and after a weight


@dataclass(frozen=True)
class Selection:
    """One view. `""` and `()` mean the default: the newest study, every class, ..."""

    study: str = ""
    tested_on: str = ""
    encoder_set: str = ""
    split: int = 0
    method: str = "umap"
    dims: int = 2
    spaces: tuple[str, ...] = ("pca", "translation")
    classes: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    subsets: tuple[str, ...] = ()
    lines: bool = False
    all_points: bool = False
    items: tuple[str, ...] = ()
    saved: int = 0
    only: int = 0
    direction: str = "audio_to_image"
    metric: str = "ndcg@30"
    order: str = "paper"
    scale: str = "euclidean"
    system: str = "MMT"
    target: str = "image"
    matrix: str = "counts"
    cell: str = ""
    other: str = ""
    other_encoder_set: str = ""
    space: str = "translation"
    other_space: str = "pca"
    both_orders: str = "modality"
    find: str = "auto"
    within: str = "united_all"
    query: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    top: int = 10
    tags: tuple[str, ...] = ()
    tagged: str = "audio"
    tagged_in: str = "translation"
    wording: str = "{tag}"
    open_tag: str = ""
    keep: int = 5
    matrix_of: str = "zero-shot"
    new_classes: tuple[str, ...] = ()
    tag_cell: str = ""
    lab: tuple[str, ...] = ()
    lab_base: str = ""
    lab_sweep: str = ""
    picture: str = "png"

    @property
    def truth_and_predicted(self) -> tuple[str, str] | None:
        """The open confusion cell, or None."""
        truth, mark, predicted = self.cell.partition(CELL)
        return (truth, predicted) if mark and truth and predicted else None


PARAMETERS = {  # field -> its name in the address, where that differs
    "classes": "class",
    "modalities": "modality",
    "subsets": "subset",
    "items": "item",
    "spaces": "show",
    "within": "in",
    "tags": "tag",
    "tagged": "tag_target",
    "tagged_in": "tag_space",
    "matrix_of": "tag_system",
    "new_classes": "new",
    "lab": "set",
    "lab_base": "compared",
    "lab_sweep": "sweep",
}
MODALITIES = ("audio", "image", "text")
SCORED_SPACES = ("translation", "pca", "united", "cca", "generation", "generation_tuned", "native")
CHOICES: dict[str, tuple[Any, ...]] = {
    "method": ("umap", "tsne"),
    "dims": (2, 3),
    "spaces": ("pca", "translation", "united"),
    "modalities": MODALITIES,
    "direction": tuple(
        f"{query}_to_{found}"
        for one, other in itertools.combinations(MODALITIES, 2)
        for query, found in ((one, other), (other, one))
    ),
    "order": ("paper", "modality", "class", "cluster"),
    "scale": ("euclidean", "normalised"),
    "system": theme.SYSTEMS,
    "target": MODALITIES,
    "matrix": ("counts", "rows"),
    "space": SCORED_SPACES,
    "other_space": SCORED_SPACES,
    "both_orders": ("modality", "class", "cluster"),
    "find": ("auto", *MODALITIES),
    "within": (
        "united_all",
        "translation_all",
        "translation",
        "united",
        "cca",
        "pca",
        "generation",
        "generation_tuned",
    ),
    "picture": ("png", "svg"),
    "tagged": ("audio", "image"),
    "tagged_in": ("translation", "united", "generation", "generation_tuned", "native"),
    "matrix_of": ("zero-shot", *theme.SYSTEMS),
}
_WEIGHTED = re.compile(r"(-?[0-9](?:\.[0-9]{1,3})?)~(.+)", re.DOTALL)
_HINTS = get_type_hints(Selection)
_TUPLES = {name for name, hint in _HINTS.items() if hint == tuple[str, ...]}
_LIMITS = {"split": (0, 999), "top": (1, 100), "keep": (1, 50)}
_LENGTHS = {"words": MAX_WORDS + 8}  # room for a weight before them
_MOST = {"items": MAX_ITEMS, "query": MAX_PARTS, "words": MAX_PARTS}


@dataclass(frozen=True)
class Known:
    """What a workspace and a study offer for selection."""

    studies: Sequence[str]
    encoder_sets: Sequence[str]
    n_splits: int
    classes: Sequence[str]
    modalities: Sequence[str]
    subsets: Sequence[str]
    item_ids: Collection[str]
    test_sets: Sequence[str] = ()


def parameter(field_name: str) -> str:
    """The name of a field in the address."""
    return PARAMETERS.get(field_name, field_name)


def parse(params: Mapping[str, Sequence[str]]) -> Selection:
    """The selection of an address; an invalid value becomes the default."""
    values: dict[str, Any] = {}
    for field in fields(Selection):
        texts = params.get(parameter(field.name))
        if not texts:
            continue
        most = _LENGTHS.get(field.name, MAX_LENGTH)
        value = _read(field.name, [str(text)[:most] for text in texts[:MAX_VALUES]])
        if value is not None:
            values[field.name] = value
    return Selection(**values)


def _read(name: str, found: Sequence[str]) -> Any:
    """A field's value from its texts; None where they are invalid."""
    choices = CHOICES.get(name)
    if name in _TUPLES:
        kept = tuple(dict.fromkeys(text for text in found if text))
        if choices:
            kept = tuple(text for text in kept if text in choices)
        kept = kept[: _MOST.get(name, len(kept))]
        return kept or None
    text = found[0]
    if _HINTS[name] is bool:
        return {"1": True, "0": False}.get(text)
    if _HINTS[name] is int:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            return None
        low, high = _LIMITS.get(name, (0, 10**9))
        valid = low <= int(text) <= high and int(text) in (choices or [int(text)])
        return int(text) if valid else None
    return text if not choices or text in choices else None


def to_params(selection: Selection) -> dict[str, list[str]]:
    """The address of a selection: only what differs from the default."""
    params: dict[str, list[str]] = {}
    for field in fields(Selection):
        value = getattr(selection, field.name)
        if value != field.default and value != ():
            values = value if isinstance(value, tuple) else [value]
            params[parameter(field.name)] = [
                str(int(one)) if isinstance(one, bool) else str(one) for one in values
            ]
    return params


def fit(selection: Selection, known: Known) -> tuple[Selection, list[str]]:
    """The selection without what the study does not have, and a sentence for each lost part."""
    changes: dict[str, Any] = {}
    notes: list[str] = []

    def drop(field: str, what: str, unknown: Sequence[str], kept: Any) -> None:
        if unknown:
            changes[field] = kept
            shown = ", ".join(f"“{value[:60]}”" for value in unknown[:3])
            more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
            notes.append(
                f"The address names the {what} {shown}{more}, which this study does not have: "
                "ignored."
            )

    for field, there in (
        ("classes", known.classes),
        ("modalities", known.modalities),
        ("subsets", known.subsets),
        ("items", known.item_ids),
    ):
        chosen = getattr(selection, field)
        unknown = [value for value in chosen if value not in there]
        drop(field, parameter(field), unknown, tuple(one for one in chosen if one in there))
    inputs = {text: split_weight(text)[0] for text in selection.query}
    unknown = [item_id for item_id in inputs.values() if item_id not in known.item_ids]
    drop("query", "item", unknown, tuple(text for text in inputs if inputs[text] not in unknown))
    for field in ("study", "other"):
        start = getattr(selection, field)
        if not any(digest.startswith(start) for digest in known.studies):
            drop(field, "study", [start], "")
    if selection.tested_on and selection.tested_on not in known.test_sets:
        drop("tested_on", "test dataset", [selection.tested_on], "")
    sets = ["encoder_set"]
    if changes.get("other", selection.other) in ("", changes.get("study", selection.study)):
        sets.append("other_encoder_set")  # that of another study is checked where it is opened
    for field in sets:
        encoder_set = getattr(selection, field)
        if encoder_set and encoder_set not in known.encoder_sets:
            drop(field, "encoder set", [encoder_set], "")
    if selection.split >= known.n_splits:
        drop("split", "split", [str(selection.split)], 0)
    cell = selection.truth_and_predicted
    if selection.cell and (cell is None or any(name not in known.classes for name in cell)):
        drop("cell", "confusion cell", [selection.cell], "")
    return replace(selection, **changes), notes


def cell(truth: str, predicted: str) -> str:
    """The name of a confusion cell in the address."""
    return f"{truth}{CELL}{predicted}"


def with_weight(item_id: str, weight: float = 1.0) -> str:
    """An item, or typed words, of a query in the address: `WEIGHT~ITEM`; without a weight of 1."""
    plain = weight == 1.0 and not _WEIGHTED.fullmatch(item_id)
    return item_id if plain else f"{weight:g}{CELL}{item_id}"


def split_weight(text: str) -> tuple[str, float]:
    """The item, or typed words, and the weight, from -1 to 1, of a part of a query."""
    found = _WEIGHTED.fullmatch(text)
    if found is None:
        return text, 1.0
    return found[2], max(-1.0, min(1.0, float(found[1])))
