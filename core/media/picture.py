"""Pictures: bytes or a path -> RGB uint8, with Pillow.

Only the plugin of the format that was recognised is called, directly: no other plugin is ever
loaded, and the size is checked here, before decoding, without Pillow's process-wide bomb limit.
Pixels are (height, width, 3) uint8, sRGB as stored; colour profiles are not applied.
`core.media` is the public face of this module.
"""

import importlib
import io
import logging
import warnings
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np

from core.media.formats import FORMATS, LIMITS, Limits, Source, decoding, opened, refusal, sniff

if TYPE_CHECKING:
    from PIL.Image import Image

_PLUGINS = {
    "jpeg": ("JpegImagePlugin", "JpegImageFile"),
    "png": ("PngImagePlugin", "PngImageFile"),
    "gif": ("GifImagePlugin", "GifImageFile"),
    "bmp": ("BmpImagePlugin", "BmpImageFile"),
    "webp": ("WebPImagePlugin", "WebPImageFile"),
    "tiff": ("TiffImagePlugin", "TiffImageFile"),
}
# Pillow warns about every oddity of a damaged file; either it decodes or our one sentence says why.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)

_EXIF_ORIENTATION = 0x0112
_MAX_JPEG_SCANS = 100  # encoders write about 10; each costs a pass over all pixels, however empty
_MAX_RLE_BYTES = 4_000_000  # Pillow unpacks run-length BMP in Python, 1 us a run


def read_image(source: Source, name: str, *, limits: Limits = LIMITS) -> np.ndarray:
    """The picture, upright, as (h, w, 3) uint8 RGB.

    EXIF orientation is applied, the first frame of an animation taken, transparency laid over
    white; 16-bit and float pictures are scaled to 8 bits, CMYK and palettes converted.
    Raises MediaError when it is no picture, over a limit, cut short or damaged.
    """
    with opened(source, name, limits) as file:
        key = sniff(file, name)
        if FORMATS[key].kind != "image":
            raise refusal(
                name,
                f"is {FORMATS[key].label} where a picture was expected",
                "choose a jpg, png, webp, gif, bmp or tiff file",
            )
        with decoding(name, FORMATS[key].label):
            picture = open_picture(file, key, name, limits)
            picture.load()
            rgb = _upright(_to_rgb(picture, name), _orientation(picture))
            return np.array(rgb, dtype=np.uint8)


def open_picture(file: BinaryIO, key: str, name: str, limits: Limits) -> "Image":
    """The lazily opened picture, its size checked; nothing is decoded yet."""
    module, opener = _PLUGINS[key]
    plugin = getattr(importlib.import_module(f"PIL.{module}"), opener)
    picture: Image = plugin(file)
    check_size(*picture.size, name, limits)
    if key == "jpeg" and picture.info.get("progressive"):
        file.seek(0)
        if file.read().count(b"\xff\xda") > _MAX_JPEG_SCANS:  # start-of-scan markers
            raise refusal(name, "is a JPEG of over a hundred scans", "export it again")
    if key == "bmp" and picture.info.get("compression") in (1, 2):
        n_bytes = file.seek(0, io.SEEK_END)
        if n_bytes > _MAX_RLE_BYTES or picture.width * picture.height > _MAX_RLE_BYTES:
            raise refusal(name, "is a large run-length coded BMP", "export it as PNG or JPEG")
    return picture


def picture_size(file: BinaryIO, key: str, name: str, limits: Limits) -> tuple[int, int]:
    """(width_px, height_px) of the upright picture, from its header."""
    picture = open_picture(file, key, name, limits)
    width, height = picture.size
    # Pillow turns TIFF itself, and states the upright size from the beginning.
    sideways = key != "tiff" and _orientation(picture) >= 5
    return (height, width) if sideways else (width, height)


def check_size(width: int, height: int, name: str, limits: Limits) -> None:
    """Raises MediaError when a picture of this size would cost too much to decode or resize."""
    if width < 1 or height < 1:
        raise refusal(name, "holds no pixels where a picture was expected", "export it again")
    if width * height > limits.max_pixels:
        raise refusal(
            name,
            f"has {width:,} × {height:,} pixels where at most "
            f"{limits.max_pixels / 1e6:,.0f} million are taken",
            "make it smaller",
        )
    if max(width, height) > limits.max_aspect * min(width, height):
        raise refusal(
            name,
            f"is a strip of {width:,} × {height:,} pixels where sides of at most "
            f"1 to {limits.max_aspect:.0f} are taken",
            "crop it",
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


def _to_rgb(picture: "Image", name: str) -> "Image":
    from PIL import Image

    if picture.mode.startswith("I;16"):
        # The high byte, as Pillow itself does for 16-bit RGB.
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        return Image.fromarray(_to_8_bits(np.asarray(picture), name)).convert("RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture.convert("RGBA"))
        return white.convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_8_bits(values: np.ndarray, name: str) -> np.ndarray:
    """(h, w) int32 or float32 -> uint8, by the range in use: 0-1, 0-255, 0-65535 or its own."""
    values = values.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low):
        raise refusal(name, "holds NaN or infinite pixels", "export it again as 8-bit PNG")
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
