"""Video: one frame of it -> RGB uint8, with PyAV through `core.media.container`.

Frames are (height, width, 3) uint8, upright. Time zero is the start of the container's first
stream, as for its sound. `core.media` is the public face of this module.
"""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
    return read_frames(source, name, [at_s])[0]


def read_frames(source: Source, name: str, times_s: Sequence[float]) -> list[np.ndarray]:
    """`read_frame` for several times in ascending order, each frame decoded once if key frames are
    farther apart than the times.

    Raises what `read_frame` raises.
    """
    if not all(at_s >= 0 for at_s in times_s) or list(times_s) != sorted(times_s):
        raise ValueError(f"expected ascending times of 0 or more, not {times_s}")
    with opened(source, name, "video") as media, open_container(media) as container:
        stream = picture_stream(container, media)
        if stream is None:
            raise media.refusal(
                "has no picture track, but a video was expected", "choose a video file"
            )
        frames = [_nearest_frame(container, stream, at_s, media) for at_s in times_s[:1]]
        if _reaches_back(container, stream, times_s):
            frames = _in_one_pass(container, stream, times_s, media)
        else:
            frames += [_nearest_frame(container, stream, at_s, media) for at_s in times_s[1:]]
        return [_to_rgb(frame, media) for frame in frames]


def _reaches_back(
    container: "InputContainer", stream: "VideoStream", times_s: Sequence[float]
) -> bool:
    """Whether the key frame before the last time is before the time before that."""
    import av

    if len(times_s) < 2:
        return False
    zero_s = zero_of(container)
    try:
        container.seek(int((times_s[-1] + zero_s) / float(stream.time_base or 1)), stream=stream)
    except av.FFmpegError:  # no index to seek by
        return True
    first = next(decoded_frames(container, stream), None)
    return first is None or first.time is None or first.time - zero_s <= times_s[-2]


def _in_one_pass(
    container: "InputContainer", stream: "VideoStream", times_s: Sequence[float], media: MediaFile
) -> "list[VideoFrame]":
    """The frames nearest to the times, from one pass over the video."""
    container.seek(0)
    waiting = deque(at_s + zero_of(container) for at_s in times_s)
    found: list[Any] = []
    before = None
    for frame in decoded_frames(container, stream):
        time = frame.time
        while waiting and (time is None or time >= waiting[0]):
            wanted = waiting.popleft()
            is_nearer = before is None or (
                time is not None and time - wanted < wanted - before.time
            )
            found.append(frame if is_nearer else before)
        if not waiting:
            break
        before = frame
    if before is None:
        if found:
            return found
        raise media.refusal(
            "is cut short or damaged, and no picture could be decoded", "export it again"
        )
    return [*found, *([before] * len(waiting))]


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
