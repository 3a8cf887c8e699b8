"""Pictures letterboxed, and cropped as the processors of the published networks do."""

import functools
from typing import Any

import numpy as np
import pytest

from core.encoders import clip, dinov2
from core.encoders.pictures import centre_crop, letterbox

SHAPES = [
    (300, 400),
    (400, 300),
    (224, 224),
    (256, 256),
    (97, 61),
    (640, 480),
    (480, 641),
    (30, 31),
]


def picture(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return np.ascontiguousarray(np.kron(coarse, np.ones((8, 8, 1), np.uint8))[:height, :width])


# -- letterbox -------------------------------------------------------------------------------


def test_letterbox_does_not_change_a_picture_of_the_right_size() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(letterbox(picture, 32), picture)


def test_letterbox_keeps_the_whole_picture_and_repeats_its_edge() -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:20] = (255, 0, 0)
    picture[20:] = (0, 0, 255)
    small = letterbox(picture, 20)
    assert small.shape == (20, 20, 3)
    assert (small[:5] == (255, 0, 0)).all()  # above the picture: its top row again
    assert (small[:9, :, 0] == 255).all()
    assert (small[-9:, :, 2] == 255).all()


def test_letterbox_of_tall_pictures_is_the_transposed() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 90, 3), dtype=np.uint8)
    tall = letterbox(np.ascontiguousarray(picture.transpose(1, 0, 2)), 48)
    np.testing.assert_allclose(tall.transpose(1, 0, 2), letterbox(picture, 48), atol=1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 999), (999, 1), (7, 5)])
def test_letterbox_of_any_shape(shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 77, np.uint8)
    assert (letterbox(flat, 24) == np.full((24, 24, 3), 77)).all()


# -- centre crop -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_clip_as_its_processor(shape: tuple[int, int]) -> None:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    seen = picture(*shape)
    expected = CLIPImageProcessorPil()(seen, return_tensors="np")["pixel_values"][0]
    np.testing.assert_allclose(clip.prepare(seen), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_dinov2_as_its_processor(shape: tuple[int, int]) -> None:
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    processor = BitImageProcessorPil(
        size={"shortest_edge": 256},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    seen = picture(*shape)
    expected = processor(seen, return_tensors="np")["pixel_values"][0]
    np.testing.assert_allclose(dinov2.prepare(seen), expected, rtol=0, atol=1e-6)


def test_only_the_cut_of_very_long_pictures_is_resized() -> None:
    """Pillow then resizes rows and columns in another order, and rounds in between."""
    from PIL import Image

    long = np.random.default_rng(0).integers(60, 190, (60, 500, 3), dtype=np.uint8)
    whole = Image.fromarray(long).resize((1866, 224), Image.Resampling.BICUBIC)
    expected = np.asarray(whole)[:, 821 : 821 + 224]
    difference = np.abs(centre_crop(long, 224, 224).astype(int) - expected)
    assert difference.max() <= 2


def test_the_cut_is_the_middle() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = 255
    assert centre_crop(wide, 50, 50).min() > 200
    np.testing.assert_array_equal(centre_crop(wide.transpose(1, 0, 2), 50, 50).shape, (50, 50, 3))


@pytest.mark.parametrize("shape", [(1, 1), (2, 3000), (3000, 1), (5, 7)])
def test_centre_crop_of_any_shape(shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 77, np.uint8)
    assert (centre_crop(flat, 256, 224) == 77).all()


@pytest.mark.parametrize("resized", [letterbox, functools.partial(centre_crop, short_px=8)])
@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (np.zeros((5, 5), np.uint8), r"shape \(h, w, 3\), found \(5, 5\)"),
        (np.zeros((5, 5, 4), np.uint8), r"found \(5, 5, 4\)"),
        (np.zeros((0, 5, 3), np.uint8), r"found \(0, 5, 3\)"),
        (np.zeros((5, 5, 3), np.float32), "uint8, found float32"),
    ],
)
def test_other_arrays_are_refused(resized: Any, wrong: np.ndarray, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        resized(wrong, size_px=8)
