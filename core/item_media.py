"""The sound or picture of an item, as a study refers to it."""

import numpy as np

from core import media
from core.study import Study


def sound(study: Study, item_id: str, rate_hz: int | None = None) -> media.Audio:
    """The stretch of sound that is the item, mono; at the file's rate by default.

    Raises
    ------
    MediaError
        The file cannot be read, or the item has no sound.
    """
    row = study.items().loc[item_id]
    source, name = study.media_of(item_id)
    return media.read_audio(
        source,
        name,
        rate_hz=rate_hz,
        start_s=float(row["start_s"]),
        duration_s=float(row["duration_s"]),
    )


def picture(study: Study, item_id: str) -> np.ndarray:
    """`(h, w, 3) uint8`: the picture, or the frame of a video, that is the item.

    Raises
    ------
    MediaError
        The file cannot be read, or the item has no picture.
    """
    source, name = study.media_of(item_id)
    if media.kind_of(source, name) == "video":
        return media.read_frame(source, name, at_s=float(study.items().loc[item_id, "start_s"]))
    return media.read_image(source, name)
