"""Video: one frame of it -> RGB uint8, with PyAV through `core.media.container`.

Frames are (height, width, 3) uint8, upright. Time zero is where the container's first stream
begins, as for its sound. `core.media` is the public face of this module.
"""

from typing import TYPE_CHECKING

import numpy as np

from core.media.container import (
    check_video_size,
    decoded_frames,
    open_container,
    picture_stream,
    zero_of,
)
from core.media.formats import FORMATS, LIMITS, Limits, Source, decoding, opened, refusal, sniff

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_FULL_HD_PX = 1920 * 1080


def read_frame(source: Source, name: str, at_s: float, limits: Limits = LIMITS) -> np.ndarray:
    """The video frame nearest to `at_s` seconds, upright, as (h, w, 3) uint8 RGB.

    Past the end it is the last frame. Raises MediaError when the file is no video, over a limit,
    cut short or damaged; ValueError for a negative time.
    """
    if not at_s >= 0:
        raise ValueError(f"at_s must be 0 or more, not {at_s}")
    with opened(source, name, limits) as file:
        key = sniff(file, name)
        if FORMATS[key].kind is not None:
            raise refusal(
                name,
                f"is {FORMATS[key].label} where a video was expected",
                "choose an mp4, webm, mov or mkv file",
            )
        with (
            decoding(name, FORMATS[key].label),
            open_container(file, FORMATS[key].demuxer, limits) as container,
        ):
            stream = picture_stream(container, name, limits)
            if stream is None:
                raise refusal(
                    name, "has no picture track where a video was expected", "choose a video file"
                )
            frame = _nearest_frame(container, stream, at_s, name, limits)
            return _to_rgb(frame, name, limits)


def _nearest_frame(
    container: "InputContainer", stream: "VideoStream", at_s: float, name: str, limits: Limits
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
    most_px = limits.max_frames_per_read * _FULL_HD_PX
    for attempt in range(2):
        for n_decoded, frame in enumerate(decoded_frames(container, stream), start=1):
            if n_decoded * max(frame.width * frame.height, _FULL_HD_PX) > most_px:
                raise refusal(
                    name,
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
        raise refusal(
            name, "is cut short or damaged, no picture could be decoded", "export it again"
        )
    return before


def _to_rgb(frame: "VideoFrame", name: str, limits: Limits) -> np.ndarray:
    check_video_size(frame.width, frame.height, name, limits)
    rgb = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90) % 4  # counterclockwise, as np.rot90 turns
    return np.ascontiguousarray(np.rot90(rgb, quarters))
