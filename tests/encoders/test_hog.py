"""`hog`: shape and colour parts, each against a plain way of finding them."""

import numpy as np

from core.encoders import hog
from core.encoders.pictures import letterbox

N_SHAPE = hog.CARD.dim - 128


def stripes(vertical: bool, colour: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[:, (np.arange(128) // 8) % 2 == 0] = colour
    return picture if vertical else picture.transpose(1, 0, 2)


def embed(*pictures: np.ndarray) -> np.ndarray:
    return hog.load(None, 1).embed(pictures)


def test_blocks_have_unit_length() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 200, 3), dtype=np.uint8)
    blocks = embed(picture)[0, :N_SHAPE].reshape(49, -1)
    np.testing.assert_allclose(np.linalg.norm(blocks, axis=1), 1, atol=1e-3)


def test_orientation_of_stripes() -> None:
    upright, flat = embed(stripes(True), stripes(False))[:, :N_SHAPE]
    by_orientation = upright.reshape(-1, hog.N_ORIENTATIONS).sum(0)
    across = flat.reshape(-1, hog.N_ORIENTATIONS).sum(0)
    assert by_orientation.argmax() != across.argmax()
    assert by_orientation.max() > 0.99 * by_orientation.sum()
    assert across.max() > 0.99 * across.sum()


def test_colours_are_a_histogram_by_plain_counting() -> None:
    import colorsys

    picture = np.random.default_rng(0).integers(0, 256, (20, 33, 3), dtype=np.uint8)
    found = (embed(picture)[0, N_SHAPE:] / hog.COLOUR_LENGTH) ** 2
    np.testing.assert_allclose(found.sum(), 1, rtol=1e-5)
    counts = np.zeros(hog.HSV_BINS)
    for pixel in letterbox(picture, hog.SIZE_PX).reshape(-1, 3) / 255:
        place = [
            min(n - 1, int(part * n))
            for part, n in zip(colorsys.rgb_to_hsv(*pixel), hog.HSV_BINS, strict=True)
        ]
        counts[tuple(place)] += 1
    # Pixels on the border of two bins may be rounded to either.
    assert np.abs(found - counts.ravel() / counts.sum()).sum() < 0.05


def test_colour_alone_is_seen() -> None:
    red, again, blue = embed(
        stripes(True, (255, 0, 0)), stripes(True, (250, 0, 0)), stripes(True, (0, 0, 255))
    )
    np.testing.assert_allclose(red[:N_SHAPE], blue[:N_SHAPE], atol=1e-6)
    assert np.linalg.norm(red - again) < np.linalg.norm(red - blue) / 2


def test_a_flat_picture_has_no_shape() -> None:
    flat = embed(np.full((10, 10, 3), 128, np.uint8))[0]
    np.testing.assert_array_equal(flat[:N_SHAPE], 0)
    assert (flat[N_SHAPE:] > 0).sum() == 1
