"""Pictures as the networks of CLIP and DINOv2 were trained on them: the middle, at one size.

The shorter side is brought to `short_px` (bicubic), the middle square of `size_px` is cut out, and
its values are brought to the mean and deviation of the network's training pictures. The rounding is
that of `transformers`' own processors (`CLIPImageProcessor`, `BitImageProcessor`): the resized long
side is rounded down, the cut's corner too. Of a picture more than four times as long as it is wide
only what lies in the cut is resized: 2 by 3000 pixels would else become 224 by 336,000 first.
"""

import functools

import numpy as np

LONGEST = 4  # long side to short, up to which a picture is resized whole
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = (
    (0.48145466, 0.4578275, 0.40821073),  # openai/CLIP, clip/clip.py
    (0.26862954, 0.26130258, 0.27577711),
)


def centre_crop(picture: np.ndarray, short_px: int, size_px: int) -> np.ndarray:
    """`(size_px, size_px, 3)` uint8: the middle of a picture whose shorter side is `short_px`.

    Raises ValueError when `picture` is not `(height, width, 3)` uint8 with at least one pixel.
    """
    from PIL import Image

    if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise ValueError(f"expected a picture of shape (h, w, 3), found {picture.shape}")
    if picture.dtype != np.uint8:
        raise ValueError(f"expected a picture of uint8, found {picture.dtype}")
    height, width = picture.shape[:2]
    short = min(height, width)
    resized_h, resized_w = int(short_px * height / short), int(short_px * width / short)
    left, top = (resized_w - size_px) // 2, (resized_h - size_px) // 2
    image = Image.fromarray(np.ascontiguousarray(picture))
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
    """`(3, h, w)` float32: a uint8 picture over 255, less the mean, over the deviation."""
    table = _normalised_values(statistics)
    return np.stack([values[picture[..., channel]] for channel, values in enumerate(table)])


@functools.cache
def _normalised_values(statistics: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
    """`(3, 256)` float32: what each value of each channel becomes."""
    mean, deviation = (np.asarray(each, np.float32)[:, None] for each in statistics)
    scaled = np.arange(256, dtype=np.float32) * np.float32(1 / 255)
    return (scaled - mean) / deviation
