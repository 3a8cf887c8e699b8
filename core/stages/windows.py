"""The other windows of a recording: embedded beside its item, for training and for queries.

An item is one second of its recording (W §3.1). A recipe with `windows` also uses further seconds
of the same file: at most `N_WINDOWS`, evenly spaced, at most `REACH_S` away from the item's own. A
file with several items has none, because its parts may have different labels.

The windows are an artefact of the stage `extract` (`extract:ENCODER:windows`) with the tables
`items.parquet` (`item_id`: the window's) and `windows.parquet` (`COLUMNS`). A window has the clip
and so the subset of its item: nothing of a test clip trains.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core import items, media
from core.errors import MediaError
from core.files import media_source
from core.spaces.pairing import Windows
from core.store import Artefact
from core.vectors import Vectors, read_vectors, unit_rows

VERSION = 1
N_WINDOWS = 8
REACH_S = 5.0  # an AudioSet clip is 10 seconds long
COLUMNS = ("window_id", "item_id", "path", "start_s", "loudness", "loudness_of_item")
Heard = list[tuple[float, float]]  # start_s and RMS of windows, the item's own first


def starts_of(start_s: float, item_s: float, first_s: float, end_s: float) -> np.ndarray:
    """Where the other windows of an item begin, in seconds: (k,) with k ≤ `N_WINDOWS`.

    They are evenly spaced between `first_s` and `end_s`, and none begins nearer than a quarter of
    a window to the item's own.
    """
    last_s = end_s - item_s
    if last_s <= first_s:
        return np.empty(0)
    n = min(N_WINDOWS, int((last_s - first_s) / item_s + 1e-9) + 1)
    starts = np.round(np.linspace(first_s, last_s, n), 3)
    return starts[np.abs(starts - start_s) >= item_s / 4]


def of_items(frame: pd.DataFrame, root: str) -> pd.DataFrame:
    """The other windows of all sounds of an item table, with the columns `COLUMNS`.

    Parameters
    ----------
    frame : the item table
    root : of the media
    """
    sounds = items.of(frame, "audio")
    alone = sounds[(sounds["path"] != "") & ~sounds["path"].duplicated(keep=False)]
    parts = list(zip(alone["path"], alone["start_s"], alone["duration_s"], strict=True))
    with ThreadPoolExecutor() as pool:
        heard = list(pool.map(lambda part: _heard(root, *part), parts))
    rows = [
        (f"{item_id}@{start_s:g}", item_id, path, start_s, loudness, many[0][1])
        for item_id, path, many in zip(alone["item_id"], alone["path"], heard, strict=True)
        for start_s, loudness in many[1:]
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _heard(root: str, path: str, start_s: float, item_s: float) -> Heard:
    first_s = max(0.0, start_s - REACH_S)
    try:
        audio = media.read_audio(
            media_source(root, path),
            path,
            start_s=first_s,
            duration_s=start_s - first_s + item_s + REACH_S,
        )
    except MediaError:  # the item itself is rejected, with its reason
        return [(start_s, 0.0)]
    starts = starts_of(start_s, item_s, first_s, first_s + audio.duration_s)
    return [(at, _rms(audio, at - first_s, item_s)) for at in (start_s, *starts.tolist())]


def _rms(audio: media.Audio, start_s: float, length_s: float) -> float:
    start = round(start_s * audio.rate_hz)
    part = audio.samples[start : start + round(length_s * audio.rate_hz)].astype(np.float64)
    return float(np.sqrt(np.mean(np.square(part)))) if len(part) else 0.0


@dataclass(frozen=True)
class Recordings:
    """The items of one modality, and the windows of their recordings.

    Parameters
    ----------
    array : (n + w, d) float32: the n items, then the w windows
    windows : the rows of each item, its own among them
    loudness : (n + w,) RMS of each row; 1 for items without other windows
    """

    array: np.ndarray
    windows: Windows
    loudness: np.ndarray

    def means(self, projected: np.ndarray) -> np.ndarray:
        """`(n, k)` float32, unit rows: of each item the mean of its windows, by loudness.

        `projected` (n + w, k) has unit rows.
        """
        counts = np.diff(self.windows.starts)
        weights = self.loudness[self.windows.rows]
        owner = np.repeat(np.arange(len(counts)), counts)
        total = np.bincount(owner, weights, minlength=len(counts))
        silent = total[owner] <= 0
        weights = np.where(silent, 1.0, weights) / np.where(silent, counts[owner], total[owner])
        rows = projected[self.windows.rows] * weights[:, None]
        return unit_rows(np.add.reduceat(rows, self.windows.starts[:-1], axis=0))


def read(native: Vectors, artefact: Artefact) -> Recordings:
    """The items of an encoder with their windows; windows of rejected items are left out."""
    own = read_vectors(artefact, "vectors.npy")
    table = artefact.table("windows.parquet").set_index("window_id").loc[own.item_ids]
    item = pd.Index(native.item_ids).get_indexer(table["item_id"])
    known = item >= 0
    n = len(native.item_ids)
    owners = np.concatenate([np.arange(n), item[known]])
    starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=n))])
    rows = np.argsort(owners, kind="stable")
    loudness = np.ones(n)
    loudness[item[known]] = table["loudness_of_item"][known]
    return Recordings(
        np.concatenate([native.array, own.array[known]]),
        Windows(starts.astype(np.int64), rows.astype(np.int64)),
        np.concatenate([loudness, table["loudness"][known]]),
    )
