"""Results of a search as a table that shows and plays its items in a notebook."""

import base64
import html
import io
from typing import Any

import numpy as np
import pandas as pd

from core import item_media, media
from core.errors import UserError
from core.retrieval.retriever import Answer
from core.study import Study

COLUMNS = ("item_id", "modality", "labels", "text", "score", "percentile")
MAX_SHOWN = 20  # rows with media
RATE_HZ = 22_050
SIDE_PX = 96
CELL = 'style="text-align:left;vertical-align:middle"'


class Hits(pd.DataFrame):
    """Items with `score` (cosine) and `percentile` (share of random pairs that score lower).

    Columns: `item_id, clip_id, modality, labels, path, text, score, percentile`, best first.

    Attributes
    ----------
    gallery_size : number of items that were searched
    median_score : score of a random pair of these modalities
    """

    _metadata = ["study", "gallery_size", "median_score"]  # noqa: RUF012 (read by pandas)
    study: Study | None = None

    @property
    def _constructor(self) -> type["Hits"]:
        return Hits

    @classmethod
    def of(cls, study: Study, answer: Answer) -> "Hits":
        hits = cls(answer.results)
        hits.study = study
        hits.gallery_size = answer.gallery_size
        hits.median_score = answer.median_score
        return hits

    def _repr_html_(self) -> str:
        """A row per item: picture, player or words, its labels and scores."""
        if self.study is None or not set(COLUMNS) <= set(self.columns):
            return str(super()._repr_html_())
        names = ("", "item", "labels", "score", "percentile")
        head = "".join(f"<th {CELL}>{name}</th>" for name in names)
        rows = "".join(
            _row_html(self.study, row) for row in self.head(MAX_SHOWN).to_dict("records")
        )
        more = f"{MAX_SHOWN} of {len(self)} results; " if len(self) > MAX_SHOWN else ""
        note = (
            f"{more}{self.gallery_size:,} items searched; a random pair scores "
            f"{self.median_score:.2f}. Percentile: share of random pairs that score lower."
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
            f'<p style="opacity:.7">{note}</p>'
        )


def _row_html(study: Study, row: dict[str, Any]) -> str:
    cells = (
        _media_html(study, row),
        html.escape(str(row["item_id"])),
        html.escape(", ".join(map(str, row["labels"]))),
        f"{row['score']:.3f}",
        f"{row['percentile']:.1f} %",
    )
    return f"<tr>{''.join(f'<td {CELL}>{cell}</td>' for cell in cells)}</tr>"


def _media_html(study: Study, row: dict[str, Any]) -> str:
    """An item's picture, player or words; the reason in words if its file cannot be read."""
    if row["modality"] == "text":
        return f"<q>{html.escape(str(row['text']))}</q>"
    try:
        if row["modality"] == "audio":
            source = _data_uri(_mp3(item_media.sound(study, row["item_id"], RATE_HZ)), "audio/mpeg")
            return f'<audio controls style="width:220px" src="{source}"></audio>'
        pixels = item_media.picture(study, row["item_id"])
        source = _data_uri(media.picture_bytes(pixels, 2 * SIDE_PX), "image/jpeg")
        alt = html.escape(", ".join(map(str, row["labels"])))
        return f'<img alt="{alt}" style="max-width:{SIDE_PX}px" src="{source}">'
    except UserError as error:
        return html.escape(str(error))


def _mp3(audio: media.Audio) -> bytes:
    import soundfile

    encoded = io.BytesIO()
    samples = np.clip(audio.samples, -1.0, 1.0)
    soundfile.write(encoded, samples, audio.rate_hz, format="MP3")
    return encoded.getvalue()


def _data_uri(content: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
