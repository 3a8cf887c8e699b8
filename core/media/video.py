"""Video: one frame of it -> RGB uint8, with PyAV through `core.media.container`.

Frames are (height, width, 3) uint8, upright. Time zero is the start of the container's first
stream, as for its sound. `core.media` is the public face of this module.
"""

from typing import TYPE_CHECKING

import numpy as np

from core.media import limits
from core.media.container import (
    check_video_size,
    decoded_frames,
    open_container,
    picture_stream,
    zero_of,
)
from core.media.source import MediaFile, Source, opened

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_FULL_HD_PX = 1920 * 1080


def read_frame(source: Source, name: str, at_s: float) -> np.ndarray:
    """The video frame nearest to `at_s` seconds, upright, as (h, w, 3) uint8 RGB.

    Past the end it is the last frame. Raises MediaError when the file is no video, over a limit,
    cut short or damaged; ValueError for a negative time.
    """
    if not at_s >= 0:
        raise ValueError(f"at_s must be 0 or more, not {at_s}")
    with opened(source, name, "video") as media, open_container(media) as container:
        stream = picture_stream(container, media)
        if stream is None:
            raise media.refusal(
                "has no picture track, but a video was expected", "choose a video file"
            )
        return _to_rgb(_nearest_frame(container, stream, at_s, media), media)


def _nearest_frame(
    container: "InputContainer", stream: "VideoStream", at_s: float, media: MediaFile
) -> "VideoFrame":
    import av

    wanted = at_s + zero_of(container)
    sought = False
    if at_s > 0:
        try:
            container.seek(int(wanted / float(stream.time_base or 1)), stream=stream)
            sought = True
        except av.FFmpegError:  # no index to seek by
            container.seek(0)
    before = None
    most_px = limits.MAX_FRAMES_PER_READ * _FULL_HD_PX
    for attempt in range(2):
        for n_decoded, frame in enumerate(decoded_frames(container, stream), start=1):
            if n_decoded * max(frame.width * frame.height, _FULL_HD_PX) > most_px:
                raise media.refusal(
                    f"has more than {n_decoded - 1:,} frames between two key frames near "
                    f"{at_s:.1f} s",
                    "export it with a key frame every few seconds",
                )
            time = frame.time
            if time is None or time >= wanted:
                if before is None and sought and time is not None and time > wanted:
                    break  # the seek went too far
                if before is None or (time is not None and time - wanted < wanted - before.time):
                    return frame
                return before
            before = frame
        if before is not None or attempt or not sought:
            break
        container.seek(0)
        sought = False
    if before is None:
        raise media.refusal(
            "is cut short or damaged, and no picture could be decoded", "export it again"
        )
    return before


def _to_rgb(frame: "VideoFrame", media: MediaFile) -> np.ndarray:
    check_video_size(frame.width, frame.height, media)
    rgb = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90) % 4  # counterclockwise, as np.rot90 turns
    return np.ascontiguousarray(np.rot90(rgb, quarters))
