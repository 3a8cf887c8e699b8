"""Pictures: bytes or a path -> RGB uint8, with Pillow.

Only the plugin of the recognised format is called, directly: no other plugin is ever loaded. The
size is checked here, before decoding, without Pillow's process-wide limit.
Pixels are (height, width, 3) uint8, sRGB as stored; colour profiles are not applied.
`core.media` is the public face of this module.
"""

import importlib
import io
import logging
import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.media import limits
from core.media.source import MediaFile, Source, opened

if TYPE_CHECKING:
    from PIL.Image import Image

# Pillow warns about every oddity of a damaged file. It either decodes, or our error says why not.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)

_EXIF_ORIENTATION = 0x0112
_MAX_JPEG_SCANS = 100  # encoders write about 10; each costs a pass over all pixels, however empty
_MAX_RLE_BYTES = 4_000_000  # Pillow unpacks run-length BMP in Python, 1 us a run


def read_image(source: Source, name: str) -> np.ndarray:
    """The picture, upright, as (h, w, 3) uint8 RGB.

    EXIF orientation is applied, the first frame of an animation used, transparency put on white;
    16-bit and float pictures are scaled to 8 bits, CMYK and palettes converted.
    Raises MediaError when it is no picture, over a limit, cut short or damaged.
    """
    with opened(source, name, "image") as media:
        picture = open_picture(media)
        picture.load()
        rgb = _upright(_to_rgb(picture, media), _orientation(picture))
        return np.array(rgb, dtype=np.uint8)


def open_picture(media: MediaFile) -> "Image":
    """The lazily opened picture, its size checked; nothing is decoded yet."""
    plugin = media.format.plugin
    module = importlib.import_module(f"PIL.{plugin}ImagePlugin")
    picture: Image = getattr(module, f"{plugin}ImageFile")(media.file)
    check_size(*picture.size, media)
    if plugin == "Jpeg" and picture.info.get("progressive"):
        media.file.seek(0)
        if media.file.read().count(b"\xff\xda") > _MAX_JPEG_SCANS:  # start-of-scan markers
            raise media.refusal(
                f"is a JPEG of over {_MAX_JPEG_SCANS} scans, which takes too long to decode",
                "export it again",
            )
    if plugin == "Bmp" and picture.info.get("compression") in (1, 2):
        n_bytes = media.file.seek(0, io.SEEK_END)
        if n_bytes > _MAX_RLE_BYTES or picture.width * picture.height > _MAX_RLE_BYTES:
            raise media.refusal(
                "is a large BMP in run-length coding, which takes too long to decode",
                "export it as PNG or JPEG",
            )
    _check_content(*picture.size, media)
    return picture


def picture_size(media: MediaFile) -> tuple[int, int]:
    """(width_px, height_px) of the upright picture, from its header."""
    picture = open_picture(media)
    width, height = picture.size
    # Pillow turns TIFF itself, and states the upright size from the beginning.
    sideways = media.format.plugin != "Tiff" and _orientation(picture) >= 5
    return (height, width) if sideways else (width, height)


def check_size(width: int, height: int, media: MediaFile) -> None:
    """Raises MediaError when a picture of this size would cost too much to decode or resize."""
    size = f"{width:,} × {height:,} pixels"
    if width < 1 or height < 1:
        raise media.refusal("has no pixels, but a picture was expected", "export it again")
    if width * height > limits.MAX_PIXELS:
        raise media.refusal(
            f"has {size}, but at most {limits.MAX_PIXELS / 1e6:,.0f} million are allowed",
            "make it smaller",
        )
    if max(width, height) > limits.MAX_ASPECT * min(width, height):
        raise media.refusal(
            f"is a strip of {size}, but one side may be at most {limits.MAX_ASPECT:.0f} times the "
            "other",
            "crop it",
        )


def _check_content(width: int, height: int, media: MediaFile) -> None:
    """Refuses a huge picture of hardly any bytes, which nobody drew or photographed."""
    place = media.file.tell()  # where the decoder goes on
    n_bytes = media.file.seek(0, io.SEEK_END)
    media.file.seek(place)
    n_decoded = 3 * width * height
    if n_decoded > limits.MIN_JUDGED_BYTES and n_decoded > limits.MAX_UNPACKED * n_bytes:
        raise media.refusal(
            f"has {width:,} × {height:,} pixels in {n_bytes:,} bytes, so all of it is empty",
            "choose another picture",
        )


def picture_bytes(
    picture: np.ndarray, max_side_px: int = 256, format: Literal["JPEG", "WEBP"] = "JPEG"
) -> bytes:
    """A thumbnail of an (h, w, 3) uint8 picture: encoded bytes, no side over `max_side_px`."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    encoded = io.BytesIO()
    image.save(encoded, format, quality=85)
    return encoded.getvalue()


def _to_rgb(picture: "Image", media: MediaFile) -> "Image":
    from PIL import Image

    if picture.mode.startswith("I;16"):
        # The high byte, as Pillow itself does for 16-bit RGB.
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        return Image.fromarray(_to_8_bits(np.asarray(picture), media)).convert("RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture.convert("RGBA"))
        return white.convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_8_bits(values: np.ndarray, media: MediaFile) -> np.ndarray:
    """(h, w) int32 or float32 -> uint8, by the range in use: 0-1, 0-255, 0-65535 or its own."""
    values = values.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low):
        raise media.refusal("contains NaN or infinite pixels", "export it again as 8-bit PNG")
    if low < 0 or high > 65535:
        values, high = values - low, high - low
        top = high or 1.0
    else:
        top = next(t for t in (1.0, 255.0, 65535.0) if high <= t)
    return np.round(values * (255.0 / top)).astype(np.uint8)


def _orientation(picture: "Image") -> int:
    try:
        value = picture.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # a damaged EXIF block does not make a picture unreadable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(picture: "Image", orientation: int) -> "Image":
    from PIL.Image import Transpose

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return picture if turn is None else picture.transpose(turn)
