"""Scenes of the demo pictures: backgrounds, and objects in front of the instrument.

A background is `(size, size, 3) float32` in [0, 255], an occluder an alpha mask with a colour.
`rng` alone decides, so a seed gives the same scene again. The scenes need not look like
photographs, only be as varied as frames of amateur video: they are the reason why a classifier
cannot simply recognise an instrument by its outline.
"""

import colorsys
import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Array = np.ndarray


def colour(
    rng: np.random.Generator,
    saturation: tuple[float, float] = (0.05, 0.55),
    value: tuple[float, float] = (0.2, 0.95),
) -> Array:
    """A random colour, `(3,) float32` in [0, 255]; warm hues are as common as all others."""
    hue = rng.uniform(0.02, 0.14) if rng.random() < 0.5 else rng.random()
    rgb = colorsys.hsv_to_rgb(hue, rng.uniform(*saturation), rng.uniform(*value))
    return np.asarray(rgb, np.float32) * 255


def smooth_noise(rng: np.random.Generator, size: int, cells: tuple[int, int]) -> Array:
    """Noise of about unit std with a grain of `size / cells` px, `(size, size) float32`."""
    coarse = rng.standard_normal(cells).astype(np.float32)
    picture = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def ramp(rng: np.random.Generator, size: int) -> Array:
    """A linear ramp from 0 to 1 in a random direction, `(size, size) float32`."""
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    slope = math.cos(angle) * axis[None, :] + math.sin(angle) * axis[:, None]
    return (slope - slope.min()) / (slope.max() - slope.min())


def _blend(first: Array, second: Array, share: Array) -> Array:
    return first + (second - first) * share[..., None]


def _canvas(rgb: Array, size: int) -> Image.Image:
    return Image.new("RGB", (size, size), _rgb(rgb))


def _blurred(picture: Image.Image, radius_px: float) -> Array:
    return np.asarray(picture.filter(ImageFilter.BoxBlur(radius_px)), np.float32)


def _rgb(rgb: Array) -> tuple[int, int, int]:
    red, green, blue = (int(c) for c in np.clip(rgb, 0, 255))
    return red, green, blue


def plain(rng: np.random.Generator, size: int) -> Array:
    """One colour: a studio picture, half of the time white or nearly so."""
    value = (0.9, 1.0) if rng.random() < 0.5 else (0.1, 0.95)
    out = np.empty((size, size, 3), np.float32)
    out[:] = colour(rng, (0.0, 0.3), value)
    return out


def gradient(rng: np.random.Generator, size: int) -> Array:
    """One colour running into another."""
    return _blend(colour(rng), colour(rng), ramp(rng, size))


def stage(rng: np.random.Generator, size: int) -> Array:
    """A dark stage: beams of coloured light from above, a lit floor."""
    picture = _canvas(colour(rng, (0.2, 0.8), (0.03, 0.2)), size)
    draw = ImageDraw.Draw(picture, "RGBA")
    floor = int(size * rng.uniform(0.66, 0.88))
    draw.rectangle((0, floor, size, size), fill=(*_rgb(colour(rng, (0.1, 0.5), (0.2, 0.5))), 200))
    for _ in range(int(rng.integers(1, 5))):
        top, foot, width = rng.uniform(0, size), rng.uniform(0, size), rng.uniform(0.1, 0.3) * size
        beam = (*_rgb(colour(rng, (0.3, 0.9), (0.7, 1.0))), int(rng.integers(40, 130)))
        draw.polygon([(top - 4, 0), (top + 4, 0), (foot + width, size), (foot - width, size)], beam)
    return _blurred(picture, size / 40)


def wood(rng: np.random.Generator, size: int) -> Array:
    """Planks: a floor or a wall seen straight on."""
    grain = smooth_noise(rng, size, (int(rng.integers(3, 6)), int(rng.integers(30, 70))))
    base = colour(rng, (0.3, 0.65), (0.3, 0.8))
    out = base * (1 + 0.07 * grain[..., None])
    n_planks = int(rng.integers(3, 8))
    edges = np.linspace(0, size, n_planks + 1).astype(int)
    for left, right in pairwise(edges):
        out[:, left:right] *= rng.uniform(0.88, 1.08)
        out[:, max(0, right - max(1, size // 128)) : right] *= 0.6
    return out if rng.random() < 0.5 else np.ascontiguousarray(out.transpose(1, 0, 2))


def texture(rng: np.random.Generator, size: int) -> Array:
    """A carpet, a plastered wall, grass: mottled colour at two scales."""
    coarse = smooth_noise(rng, size, (int(rng.integers(3, 8)),) * 2)
    fine = smooth_noise(rng, size, (int(rng.integers(24, 90)),) * 2)
    out = _blend(colour(rng), colour(rng), np.clip(0.5 + 0.3 * coarse, 0, 1))
    return out + rng.uniform(6, 26) * fine[..., None]


def clutter(rng: np.random.Generator, size: int) -> Array:
    """Boxes, discs and bars of many colours: a shop window, a full shelf."""
    picture = _canvas(colour(rng), size)
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(5, 18))):
        x, y = rng.uniform(-0.1, 1.0, 2) * size
        w, h = rng.uniform(0.06, 0.5, 2) * size
        fill = _rgb(colour(rng, (0.05, 0.8)))
        kind = rng.integers(0, 3)
        if kind == 0:
            draw.rectangle((x, y, x + w, y + h), fill=fill)
        elif kind == 1:
            draw.ellipse((x, y, x + w, y + w), fill=fill)
        else:
            end = rng.uniform(0, size, 2)
            draw.line((x, y, end[0], end[1]), fill=fill, width=max(2, int(w / 8)))
    return _blurred(picture, rng.uniform(0, size / 50))


def room(rng: np.random.Generator, size: int) -> Array:
    """A wall and a floor, with pictures, windows or a shelf."""
    horizon = int(size * rng.uniform(0.55, 0.85))
    wall, floor = colour(rng, (0.02, 0.4), (0.45, 0.98)), colour(rng, (0.15, 0.6), (0.2, 0.7))
    picture = _canvas(wall, size)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, horizon, size, size), fill=_rgb(floor))
    draw.rectangle((0, horizon - size // 48, size, horizon), fill=_rgb(wall * 0.75))
    for _ in range(int(rng.integers(0, 5))):
        x, y = rng.uniform(-0.1, 0.9) * size, rng.uniform(-0.05, 0.5) * size
        w, h = rng.uniform(0.12, 0.4, 2) * size
        frame, inside = colour(rng, (0.1, 0.6), (0.1, 0.9)), colour(rng, (0.0, 0.6), (0.3, 1.0))
        draw.rectangle((x, y, x + w, y + h), fill=_rgb(inside), outline=_rgb(frame), width=3)
        if rng.random() < 0.4:
            draw.line((x + w / 2, y, x + w / 2, y + h), fill=_rgb(frame), width=3)
            draw.line((x, y + h / 2, x + w, y + h / 2), fill=_rgb(frame), width=3)
    if rng.random() < 0.3:
        shelf, books = int(horizon * rng.uniform(0.2, 0.6)), 0.0
        while books < size:
            w, h = rng.uniform(0.02, 0.05) * size, rng.uniform(0.08, 0.16) * size
            spine = _rgb(colour(rng, (0.2, 0.8), (0.2, 0.8)))
            draw.rectangle((books, shelf - h, books + w, shelf), fill=spine)
            books += w
        draw.rectangle((0, shelf, size, shelf + size // 40), fill=_rgb(floor * 0.7))
    return _blurred(picture, rng.uniform(0, size / 80))


def lights(rng: np.random.Generator, size: int) -> Array:
    """Out-of-focus lights in the dusk: a street, a party, a garden."""
    picture = Image.fromarray(np.clip(gradient(rng, size) * 0.6, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(int(rng.integers(6, 26))):
        x, y = rng.uniform(0, size, 2)
        r = rng.uniform(0.02, 0.1) * size
        fill = (*_rgb(colour(rng, (0.1, 0.9), (0.6, 1.0))), int(rng.integers(50, 170)))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
    return _blurred(picture, size / 128)


BACKGROUNDS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "plain": plain,
    "gradient": gradient,
    "stage": stage,
    "wood": wood,
    "texture": texture,
    "clutter": clutter,
    "room": room,
    "lights": lights,
}
_SHARES = np.array([0.28, 0.22, 0.1, 0.07, 0.07, 0.05, 0.16, 0.05])


def background(rng: np.random.Generator, size: int) -> Array:
    """One of the `BACKGROUNDS`, `(size, size, 3) float32`; values may leave [0, 255] slightly."""
    name = rng.choice(list(BACKGROUNDS), p=_SHARES)
    return BACKGROUNDS[str(name)](rng, size)


def occluder(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    """An object before the instrument: a mask `(size, size) float32` in [0, 1] and its colour.

    A head and shoulders from below, a stand or a pole, a caption bar, a box at the edge.
    """
    mask = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(mask)
    kind = rng.integers(0, 4)
    x = rng.uniform(0, size)
    if kind == 0:
        r = rng.uniform(0.1, 0.2) * size
        y = size * rng.uniform(0.75, 1.05)
        draw.ellipse((x - r, y - 1.2 * r, x + r, y + 1.2 * r), fill=255)
        draw.ellipse((x - 2.4 * r, y + r, x + 2.4 * r, y + 5 * r), fill=255)
    elif kind == 1:
        w, lean = rng.uniform(0.015, 0.06) * size, rng.uniform(-0.3, 0.3) * size
        draw.polygon([(x - w, 0), (x + w, 0), (x + lean + w, size), (x + lean - w, size)], 255)
    elif kind == 2:
        h, y = rng.uniform(0.08, 0.18) * size, size * float(rng.choice([0.02, 0.8, 0.74]))
        draw.rectangle((0, y, size, y + h), fill=230)
        step = size / 30
        for i in range(int(rng.integers(5, 22))):
            draw.rectangle((step * (3 + i), y + h * 0.3, step * (3.7 + i), y + h * 0.7), fill=0)
    else:
        w, h = rng.uniform(0.15, 0.4, 2) * size
        y = rng.uniform(0, size)
        x = -w / 2 if rng.random() < 0.5 else size - w / 2
        draw.rectangle((x, y, x + w, y + h), fill=255)
    soft = mask.filter(ImageFilter.BoxBlur(rng.uniform(0.3, size / 80)))
    return np.asarray(soft, np.float32) / 255, colour(rng, (0.05, 0.7), (0.03, 0.7))
