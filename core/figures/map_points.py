"""The points of a map: filters, a sample to draw, and the traces that all maps share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.figures import theme

MAX_DRAWN = 50_000  # points of one map: a browser draws so many in seconds
NO_CLASS = "no single class"


@dataclass(frozen=True)
class MapPoints:
    """Points of a map, all arrays of length n.

    Attributes
    ----------
    item_ids : (n,) str
    xyz : (n, 2 or 3) float32
    modality : (n,) str
    class_row : (n,) int, position in the list of classes; -1 for no class or several
    subset : (n,) str
    """

    item_ids: np.ndarray
    xyz: np.ndarray
    modality: np.ndarray
    class_row: np.ndarray
    subset: np.ndarray

    @classmethod
    def from_tables(
        cls, stored: pd.DataFrame, items: pd.DataFrame, classes: Sequence[str], n_dims: int = 2
    ) -> "MapPoints":
        """Points of a stored map.

        Parameters
        ----------
        stored : `item_id, x, y, z`, as `Study.map` returns it
        items : the item table, indexed by `item_id`, with `modality, class, subset`
        """
        rows = items.loc[stored["item_id"]]
        return cls(
            item_ids=stored["item_id"].to_numpy(dtype=object),
            xyz=stored[["x", "y", "z"][:n_dims]].to_numpy(dtype=np.float32),
            modality=rows["modality"].to_numpy(dtype=object),
            class_row=pd.Index(classes).get_indexer(rows["class"]).astype(np.int16),
            subset=rows["subset"].to_numpy(dtype=object),
        )

    def __len__(self) -> int:
        return len(self.item_ids)

    @property
    def n_dims(self) -> int:
        return int(self.xyz.shape[1])

    @property
    def bounds(self) -> np.ndarray | None:
        """`(2, n_dims) float32`: lowest and highest coordinates; None without points."""
        return np.stack([self.xyz.min(axis=0), self.xyz.max(axis=0)]) if len(self) else None

    def where(self, mask: np.ndarray) -> "MapPoints":
        """The points at a mask or at row numbers."""
        return MapPoints(
            self.item_ids[mask],
            self.xyz[mask],
            self.modality[mask],
            self.class_row[mask],
            self.subset[mask],
        )

    def filtered(
        self,
        class_rows: Sequence[int] = (),
        modalities: Sequence[str] = (),
        subsets: Sequence[str] = (),
    ) -> "MapPoints":
        """The points of these classes, modalities and subsets; an empty filter keeps all."""
        mask = np.ones(len(self), dtype=bool)
        for column, wanted in (
            (self.class_row, class_rows),
            (self.modality, modalities),
            (self.subset, subsets),
        ):
            if wanted:
                mask &= np.isin(column, np.asarray(wanted, dtype=column.dtype))
        return self if mask.all() else self.where(mask)

    def sample(self, n: int, keep: Sequence[str] = ()) -> "MapPoints":
        """At most `n` random points, the same at every call, and the items to `keep`."""
        if len(self) <= n:
            return self
        mask = np.isin(self.item_ids, np.asarray(keep, dtype=object))
        mask[np.random.default_rng(0).choice(len(self), n, replace=False)] = True
        return self.where(mask)


def coordinates(xyz: np.ndarray) -> dict[str, np.ndarray]:
    """`(n, 2 or 3)` as the `x`, `y` and `z` of a trace."""
    return {axis: xyz[:, number] for number, axis in enumerate("xyz"[: xyz.shape[1]])}


def markers(
    xyz: np.ndarray,
    item_ids: np.ndarray,
    modality: str,
    name: str,
    *,
    size_px: float,
    colour: Any,
    opacity: float,
    hover_name: str = "%{text}",
    hover_ids: bool = False,
) -> dict[str, Any]:
    """A trace of items of one modality; their ids are its `customdata`.

    `name` and `hover_name` are markup: make names of classes `common.safe` first. Ids that may
    contain HTML are not shown, even with `hover_ids`.
    """
    shown = hover_ids and not any("<" in item_id or "&" in item_id for item_id in item_ids)
    return {
        **coordinates(xyz),
        "mode": "markers",
        "name": name,
        "showlegend": False,
        "customdata": item_ids,
        "hovertemplate": f"<b>{hover_name}</b> · {theme.MODALITY_NAMES[modality]}"
        f"{'<br>%{customdata}' if shown else ''}<extra></extra>",
        "marker": {
            "symbol": theme.MARKERS[modality],
            "size": size_px,
            "color": colour,
            "opacity": opacity,
        },
    }


def rings(xyz: np.ndarray, size_px: float, name: str, dark: bool) -> dict[str, Any]:
    """A trace of rings, to highlight items."""
    colour = theme.ink(dark).text
    return {
        **coordinates(xyz),
        "mode": "markers",
        "name": name,
        "hoverinfo": "skip",
        "marker": {
            "symbol": "circle-open",
            "size": size_px,
            "color": colour,
            "line": {"width": 2, "color": colour},
        },
    }


def modality_legend(modalities: Sequence[str], dark: bool, n_dims: int = 2) -> list[dict[str, Any]]:
    """One empty grey trace per modality: the legend names modalities, not classes."""
    return [
        {
            **{axis: [None] for axis in "xyz"[:n_dims]},
            "mode": "markers",
            "name": theme.MODALITY_PLURALS[modality],
            "hoverinfo": "skip",
            "marker": {
                "symbol": theme.MARKERS[modality],
                "size": 8,
                "color": theme.ink(dark).muted,
            },
        }
        for modality in modalities
    ]


def pair_lines(
    xyz: np.ndarray, joined: np.ndarray, dark: bool, opacity: tuple[float, float]
) -> dict[str, Any]:
    """A trace of one line per pair, paler the more pairs there are.

    Parameters
    ----------
    xyz : (n, 2 or 3) float32
    joined : (k, 2) int64, the rows of `xyz` at both ends of each line
    opacity : the lowest and the highest
    """
    ends = np.full((len(joined), 3, xyz.shape[1]), np.nan, dtype=np.float32)
    ends[:, :2] = xyz[joined]  # the third is a gap
    alpha = float(np.clip(4.0 / np.sqrt(len(joined)), *opacity))
    return {
        **coordinates(ends.reshape(-1, xyz.shape[1])),
        "mode": "lines",
        "name": "pairs",
        "showlegend": False,
        "hoverinfo": "skip",
        "line": {"width": 1, "color": theme.with_alpha(theme.ink(dark).muted, alpha)},
    }
