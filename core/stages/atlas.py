"""The atlas of a study: pictures and spectrograms as small tiles, for maps that one zooms into.

A sheet is a JPEG of 16 x 16 tiles of 64 pixels. Items of one class are next to each other, so
that a part of a map needs few sheets. Of more than `MOST_TILES` items a seeded sample is drawn, in
proportion by class and modality; pages read the media of the others when they are seen.

`tiles.parquet` has `item_id` and `tile`, from 0: sheet = tile // 256, from left to right, then
down. Items whose media cannot be read have no row.
"""

import functools
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import items, media
from core.engines.base import Engine
from core.errors import MediaError
from core.figures import spectrogram
from core.files import media_source
from core.spaces.maps import evenly
from core.stages.study_run import ArtefactTask, StudyRun
from core.store import Artefact, Draft, Store
from core.study import media_root

VERSION = 1
NAME = "maps:atlas"
TILE_PX, ACROSS = 64, 16
TILES = ACROSS * ACROSS  # of a sheet
MOST_TILES = 20_000
RATE_HZ = 22_050  # at which sounds are read
MOST_S = 10.0  # of a sound
QUALITY = 82


@dataclass(frozen=True)
class SheetTask:
    """One sheet of the atlas, to be drawn for a draft."""

    store_root: str
    ingested: str
    folder: str
    number: int
    item_ids: tuple[str, ...]

    @property
    def files(self) -> list[str]:
        return [sheet_name(self.number), f"drawn.{self.number:04d}.npy"]


def sheet_name(number: int) -> str:
    """The file of a sheet."""
    return f"sheet.{number:04d}.jpg"


def plan(run: StudyRun) -> Iterator[ArtefactTask]:
    """One artefact, `maps:atlas`, if the study has sounds or pictures."""
    ingested = run.artefacts.get("ingest")
    if ingested is None or shown_items(ingested).empty:
        return
    key = {
        "atlas": VERSION,
        "items": ingested.digest,
        "most": MOST_TILES,
        "seed": run.config.seed,
    }
    yield ArtefactTask(NAME, key, functools.partial(_write, run.engine, ingested))


def shown_items(ingested: Artefact) -> pd.DataFrame:
    """The items with a sound or a picture."""
    frame = ingested.table("items.parquet")
    return frame[frame["modality"].isin(("audio", "image")) & (frame["path"] != "")]


def chosen_items(frame: pd.DataFrame, seed: int) -> list[str]:
    """The ids of the items that get a tile, by class and modality."""
    kinds = items.single_labels(frame) + "/" + frame["modality"]
    codes = np.unique(kinds.to_numpy(dtype=str), return_inverse=True)[1]
    rows = np.arange(len(frame))
    if len(rows) > MOST_TILES:
        rows = evenly(rows, codes, MOST_TILES, np.random.default_rng([seed, 1]))
    return list(frame["item_id"].to_numpy()[rows[np.lexsort((rows, codes[rows]))]])


def _write(engine: Engine, ingested: Artefact, draft: Draft) -> dict[str, Any]:
    ids = chosen_items(shown_items(ingested), draft.key["seed"])
    tasks = [
        SheetTask(draft.root, ingested.digest, draft.folder, number, tuple(ids[start:][:TILES]))
        for number, start in enumerate(range(0, len(ids), TILES))
    ]
    missing = [task for task in tasks if not all(map(draft.has, task.files))]
    engine.run_all(draw_sheet, missing, "drawing the atlas")
    drawn = np.concatenate([draft.array(task.files[1]) for task in tasks])
    table = pd.DataFrame({"item_id": ids, "tile": np.arange(len(ids), dtype=np.int32)})
    draft.write_table("tiles.parquet", table[drawn])
    for task in tasks:
        draft.remove(task.files[1])
    n_shown = len(shown_items(ingested))
    return {"n_tiles": int(drawn.sum()), "n_items": n_shown, "n_sheets": len(tasks)}


def draw_sheet(task: SheetTask) -> int:
    """Draw the tiles of some items; beside the sheet, which of them could be drawn, as bool."""
    from PIL import Image

    store = Store(task.store_root)
    ingested, files = store.need("ingest", task.ingested), store.below(task.folder)
    frame = ingested.table("items.parquet").set_index("item_id").loc[list(task.item_ids)]
    root = media_root(ingested)
    sheet = Image.new("RGB", (ACROSS * TILE_PX, ACROSS * TILE_PX), "#808080")
    drawn = np.zeros(len(frame), dtype=bool)
    for place, row in enumerate(frame.itertuples()):
        try:
            tile = tile_of(media_source(root, str(row.path)), row)
        except MediaError:
            continue
        sheet.paste(tile, (place % ACROSS * TILE_PX, place // ACROSS * TILE_PX))
        drawn[place] = True
    content = io.BytesIO()
    sheet.save(content, "JPEG", quality=QUALITY)
    files.write_bytes(task.files[0], content.getvalue())
    files.write_array(task.files[1], drawn)
    return task.number


def tile_of(source: media.Source, row: Any) -> Any:
    """The picture or spectrogram of an item as a PIL image of 64 x 64 pixels.

    `row` has `modality`, `path`, `start_s` and `duration_s`.

    Raises
    ------
    MediaError
        The file cannot be read.
    """
    from PIL import Image, ImageOps

    if row.modality == "audio":
        heard = media.read_audio(
            source,
            row.path,
            rate_hz=RATE_HZ,
            start_s=float(row.start_s),
            duration_s=min(float(row.duration_s), MOST_S),
        )
        size = (TILE_PX, TILE_PX)
        return spectrogram.to_picture(heard.samples, heard.rate_hz, n_frames=TILE_PX, size_px=size)
    if media.kind_of(source, row.path) == "video":
        pixels = media.read_frame(source, row.path, float(row.start_s))
    else:
        pixels = media.read_image(source, row.path)
    return ImageOps.fit(Image.fromarray(pixels), (TILE_PX, TILE_PX), Image.Resampling.BOX)
