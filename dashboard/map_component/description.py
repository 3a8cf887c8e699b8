"""What the map component is told: the files of its maps, and what their codes mean."""

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd

from core.errors import UserError
from core.figures import map_files, theme
from core.figures.map_points import NO_CLASS
from dashboard import data
from dashboard.map_component.mount import address

MODALITY_COLOURS = {"audio": "#2F6FDE", "image": "#E08A1E", "text": "#3AA089"}
RIGHT_COLOURS = {"right": "#2E9E6B", "wrong": "#D6455D"}
SCORE = "score"  # the column of a query's scores
QUIET_VALUES = ("not tested", "none", "other")


def describe(
    keys: Sequence[data.MapKey], titles: Sequence[str], dark: bool, asked: Collection[str]
) -> dict[str, Any]:
    """Maps, their sets of items, colours and pairs; `asked` are the columns to send."""
    numbers = [set_number(keys, one) for one in keys]
    sets = [
        items_of(keys[numbers.index(number)], dark, asked) for number in range(max(numbers) + 1)
    ]
    maps = []
    for key, title, number in zip(keys, titles, numbers, strict=True):
        file, extent = data.places(key)
        maps.append(
            {
                "name": f"{title} {key.n_dims}",
                "title": title,
                "file": address(file),
                "extent": extent,
                "n_dims": key.n_dims,
                "set": number,
                "regions": regions_of(key),
            }
        )
    file, n_pairs = data.pair_file(keys[0])
    return {
        "theme": theme_of(dark),
        "sets": sets,
        "maps": maps,
        "set_of_map": numbers,
        "pairs": {"file": address(file), "n": n_pairs} if n_pairs else None,
    }


def set_number(keys: Sequence[data.MapKey], key: data.MapKey) -> int:
    """Which set of items a map has; maps of the same items share one."""
    digests = list(dict.fromkeys(data.map_items(one).file.digest for one in keys))
    return digests.index(data.map_items(key).file.digest)


def items_of(key: data.MapKey, dark: bool, asked: Collection[str]) -> dict[str, Any]:
    """A set of items: its file, the names and colours of its codes, its columns."""
    found = data.map_items(key)
    classes = data.study(key.handle).classes
    names = data.column_names(key.handle, key.encoder_set, key.split)
    return {
        "file": address(found.file),
        "n": found.n,
        "wide": found.wide,
        "classes": [
            {"name": NO_CLASS, "colour": theme.UNLABELLED},
            *({"name": name, "colour": colour} for name, colour in _coloured(classes)),
        ],
        "modalities": [modality_of(name) for name in found.modalities],
        "subsets": [{"name": name, "colour": colour} for name, colour in _coloured(found.subsets)],
        "atlas": atlas_of(key),
        "columns": [_column(key, name, label, dark, asked) for name, label in names.items()],
    }


def regions_of(key: data.MapKey) -> list[dict[str, Any]] | None:
    """Names and places of regions where classes cannot name them; None where they can."""
    if data.has_classes(key):
        return None
    points = data.map_points(*key)
    scale = map_files.on_map_scale(points)
    return [
        {
            "name": one.name,
            "place": map_files.on_map(points, one.place),
            "spread": one.spread * scale,
            "count": one.n_points,
        }
        for one in data.regions(key)
    ]


def add_score(
    told: dict[str, Any], keys: Sequence[data.MapKey], label: str, values: pd.Series, dark: bool
) -> None:
    """Add a column of numbers by item id to each set of items, and colour by it at first."""
    digests = []
    for number, one in enumerate(told["sets"]):
        key = keys[told["set_of_map"].index(number)]
        column = map_files.column(values.reindex(data.map_points(*key).item_ids))
        one["columns"].insert(0, {"name": SCORE, "label": label, **_scale(column, dark)})
        digests.append(column.file.digest)
    told["suggested"] = {"colour": SCORE, "key": " ".join(digests)}


def _scale(column: map_files.Column, dark: bool) -> dict[str, Any]:
    """A column of numbers as the browser is told of it."""
    return {
        "file": address(column.file),
        "wide": column.wide,
        "low": column.low,
        "high": column.high,
        "scale": [colour for _, colour in theme.sequential(dark)][0 if dark else 1 :],
        "missing": theme.UNLABELLED,
    }


def atlas_of(key: data.MapKey) -> dict[str, Any] | None:
    """Where the tiles of the items are; None of a study without an atlas."""
    if not data.has_atlas(key.handle):
        return None
    try:
        file = data.tile_file(key)
    except UserError:
        return None  # it is damaged, as `precompute check` says; media are then read when seen
    return {
        "file": address(file),
        "side": data.TILE_PX,
        "across": data.ACROSS,
        "tiles": data.TILES,
    }


def theme_of(dark: bool) -> dict[str, str]:
    """The colours of the page that the map draws with."""
    ink = theme.ink(dark)
    return {"paper": ink.paper, "text": ink.text, "muted": ink.muted, "accent": ink.accent}


def modality_of(name: str) -> dict[str, str]:
    """How a modality is called and drawn."""
    return {
        "name": name,
        "label": theme.MODALITY_PLURALS[name],
        "singular": theme.MODALITY_NAMES[name],
        "marker": name,
        "glyph": theme.GLYPHS[name],
        "colour": MODALITY_COLOURS[name],
    }


def _coloured(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, theme.class_colour(row)) for row, name in enumerate(names)]


def _column(
    key: data.MapKey, name: str, label: str, dark: bool, asked: Collection[str]
) -> dict[str, Any]:
    """A column; with its file once the browser has asked for it."""
    told: dict[str, Any] = {"name": name, "label": label}
    if name not in asked:
        return told
    column = data.column(key, name)
    told |= {"file": address(column.file), "wide": column.wide}
    if column.values:
        colours = dict(_coloured(column.values)) | RIGHT_COLOURS
        colours |= dict.fromkeys(QUIET_VALUES, theme.UNLABELLED)
        return told | {
            "values": [{"name": value, "colour": colours[value]} for value in column.values]
        }
    return told | _scale(column, dark)
