"""core.media.picture: every picture format and colour mode becomes upright RGB."""

import io
from pathlib import Path

import numpy as np
import pytest

from core.media import kind_of, picture_bytes, probe, read_image
from tests.media_samples import PICTURE_FORMATS, picture_file

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters() -> np.ndarray:
    """(40, 60, 3): red and green above, blue and white below."""
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:20, :30], picture[:20, 30:] = RED, GREEN
    picture[20:, :30], picture[20:, 30:] = BLUE, WHITE
    return picture


def corners(picture: np.ndarray) -> list[tuple[int, ...]]:
    """The colours inside the four corners, row by row, rounded to pure ones."""
    height, width = picture.shape[:2]
    at = [(y, x) for y in (8, height - 9) for x in (8, width - 9)]
    return [tuple(int(round(v / 255) * 255) for v in picture[y, x]) for y, x in at]


def saved(picture: object, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)  # type: ignore[attr-defined]
    return file.getvalue()


@pytest.mark.parametrize("suffix", PICTURE_FORMATS)
def test_round_trip(suffix: str, tmp_path: Path) -> None:
    data = picture_file(quarters(), suffix)
    path = tmp_path / f"p.{suffix}"
    path.write_bytes(data)
    for source in (data, path):
        picture = read_image(source, path.name)
        assert picture.shape == (40, 60, 3)
        assert picture.dtype == np.uint8
        assert corners(picture) == [RED, GREEN, BLUE, WHITE]
        found = probe(source, path.name)
        assert (found.kind, found.width_px, found.height_px) == ("image", 60, 40)
        assert (found.has_audio, found.has_video) == (False, False)
        assert kind_of(source, path.name) == "image"
    if suffix in ("png", "bmp", "tiff"):
        np.testing.assert_array_equal(picture, quarters())


UPRIGHT = [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_exif_orientation(suffix: str, orientation: int) -> None:
    from PIL import Image, ImageOps
    from PIL.Image import Transpose as T

    undo = {
        2: T.FLIP_LEFT_RIGHT,
        3: T.ROTATE_180,
        4: T.FLIP_TOP_BOTTOM,
        5: T.TRANSPOSE,
        6: T.ROTATE_90,
        7: T.TRANSVERSE,
        8: T.ROTATE_270,
    }
    picture = Image.fromarray(quarters())
    if orientation in undo:
        picture = picture.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    format = {"jpg": "JPEG", "tiff": "TIFF"}.get(suffix, suffix.upper())
    data = saved(picture, format, exif=exif)
    assert corners(read_image(data, f"p.{suffix}")) == UPRIGHT
    found = probe(data, f"p.{suffix}")
    assert (found.width_px, found.height_px) == (60, 40)
    # Pillow's own reading of the same file agrees.
    theirs = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert corners(np.asarray(theirs)) == UPRIGHT


def test_damaged_exif_does_not_hide_a_picture() -> None:
    data = picture_file(quarters(), "jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff broken")
    assert corners(read_image(data, "p.jpg")) == UPRIGHT


def test_transparency_lies_over_white() -> None:
    from PIL import Image

    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[:, :10] = (255, 0, 0, 255)
    rgba[:, 10:20] = (255, 0, 0, 128)
    for format in ("PNG", "WEBP", "TIFF"):
        picture = read_image(saved(Image.fromarray(rgba), format, lossless=True), "p")
        assert picture[10, 5].tolist() == [255, 0, 0]
        np.testing.assert_allclose(picture[10, 15], [255, 127, 127], atol=1)
        assert picture[10, 25].tolist() == [255, 255, 255]
    grey = read_image(saved(Image.fromarray(rgba).convert("LA"), "PNG"), "p.png")
    assert grey[10, 25].tolist() == [255, 255, 255]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8).repeat(20, 0).repeat(20, 1), "P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    for format in ("PNG", "GIF"):
        picture = read_image(saved(palette, format, transparency=1), "p")
        assert picture[5, 5].tolist() == [255, 0, 0]
        assert picture[5, 35].tolist() == [255, 255, 255]


def test_depths_and_colour_models() -> None:
    from PIL import Image

    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(16, 0)
    for format in ("PNG", "TIFF"):
        picture = read_image(saved(Image.fromarray(ramp), format), "p")
        np.testing.assert_allclose(picture[8, :, 0], np.linspace(0, 255, 64), atol=1)
    floats = np.linspace(0, 1, 64, dtype=np.float32)[None].repeat(16, 0)
    for scale in (1.0, 255.0):
        picture = read_image(saved(Image.fromarray(floats * scale), "TIFF"), "p.tiff")
        np.testing.assert_allclose(picture[8, :, 1], np.linspace(0, 255, 64), atol=1)
    wide = read_image(saved(Image.fromarray(floats * 2e6 - 1e6), "TIFF"), "p.tiff")
    np.testing.assert_allclose(wide[8, :, 1], np.linspace(0, 255, 64), atol=1)
    cmyk = Image.fromarray(quarters()).convert("CMYK")
    for format in ("JPEG", "TIFF"):
        assert corners(read_image(saved(cmyk, format), "p")) == UPRIGHT
    bits = Image.fromarray(quarters()).convert("1")
    assert read_image(saved(bits, "PNG"), "p.png")[30, 45].tolist() == [255, 255, 255]
    grey = read_image(saved(Image.fromarray(quarters()).convert("L"), "JPEG"), "p.jpg")
    assert grey.shape == (40, 60, 3)
    assert (grey[..., 0] == grey[..., 2]).all()


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_frame_of_an_animation(format: str) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, GREEN, BLUE)]
    data = saved(frames[0], format, save_all=True, append_images=frames[1:])
    picture = read_image(data, "p")
    np.testing.assert_allclose(picture[16, 16], RED, atol=3)


def test_the_result_is_ones_own() -> None:
    picture = read_image(picture_file(quarters(), "png"), "p.png")
    picture[:] = 0  # writeable, and no view of something shared
    assert corners(read_image(picture_file(quarters(), "png"), "p.png")) == UPRIGHT


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_picture_bytes_make_a_thumbnail(format: str) -> None:
    large = quarters().repeat(20, 0).repeat(20, 1)
    data = picture_bytes(large, max_side_px=90, format=format)  # type: ignore[arg-type]
    picture = read_image(data, "p")
    assert picture.shape == (60, 90, 3)
    assert corners(picture) == UPRIGHT
    assert len(data) < 5000
    assert read_image(picture_bytes(quarters(), 500), "p").shape == (40, 60, 3)  # never enlarged


def test_real_pictures_decode(shared_dir: Path) -> None:
    paths = sorted((shared_dir / "realmedia" / "images").glob("*/*"))[::9]
    assert len(paths) >= 40
    for path in paths:
        picture = read_image(path, path.name)
        found = probe(path, path.name)
        assert (found.height_px, found.width_px) == picture.shape[:2]
        assert picture.std() > 3
