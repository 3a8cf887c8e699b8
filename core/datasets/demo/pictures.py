"""Pictures of the demo corpus: the project's own vector drawings, seen as a camera might see them.

`art/<class>/<design>.svg` holds several drawings of each of the 18 instruments. `render` takes one,
colours it with a plausible palette, and varies pose, perspective, light, shadow, background, what
stands before it, focus, noise and compression. The result is imperfect on purpose, as frames of
amateur video are: an instrument may be cut by the edge, half hidden, dark or out of focus.

Conventions: pictures are `(size, size, 3) uint8` RGB; lengths that scale with the picture are given
as shares of its size. Equal generator states give equal pictures. One drawing in one palette is
rasterised once per process and kept.

The spreads below were set by measurement: HOG and a colour histogram (the `hog` encoder) with
logistic regression, fitted to 28 pictures of each class, reach a macro F1 of 0.67 on 504 others.
Much wider ones (turns of 9 degrees, scales from 0.6) leave 0.2, which shows nothing.
"""

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from core.datasets.demo import palettes, scenery
from core.errors import UserError

ART = Path(__file__).resolve().parent / "art"
CLASSES = palettes.CLASSES

# Drawings are rasterised at this size, or at twice it when the picture asked for is larger.
SPRITE_PX = 256

_RGB_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)


@lru_cache(maxsize=len(CLASSES))
def _designs(class_name: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (ART / class_name).glob("*.svg")))


def designs(class_name: str) -> tuple[str, ...]:
    """Names of the drawings of one class, sorted.

    Raises `UserError` for a class that has no drawings; the message lists those that do.
    """
    if class_name not in CLASSES:
        raise UserError(
            f"There are no demo pictures of {class_name!r}; use one of {', '.join(CLASSES)}."
        )
    return _designs(class_name)


@lru_cache(maxsize=128)
def _source(class_name: str, design: str) -> str:
    return (ART / class_name / f"{design}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=400)
def _sprite(class_name: str, design: str, palette: int, sprite_px: int) -> Image.Image:
    """One drawing in one palette, premultiplied (`RGBa`), `sprite_px` square. Not to be changed."""
    import resvg_py

    svg = _source(class_name, design)
    colours = palettes.palettes(class_name)[palette]
    png = resvg_py.svg_to_bytes(
        svg_string=svg,
        style_sheet=palettes.style_sheet(svg, colours),
        skip_system_fonts=True,
        width=sprite_px,
        height=sprite_px,
    )
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA").convert("RGBa")


def drawing(class_name: str, design: str, size_px: int = SPRITE_PX, palette: int = 0) -> np.ndarray:
    """One drawing as it is, `(size_px, size_px, 4) uint8` RGBA on a transparent ground.

    `palette` counts within `palettes.palettes(class_name)`. Raises `UserError` for an unknown
    class or design.
    """
    _check_design(class_name, design)
    return np.asarray(_sprite(class_name, design, palette, size_px).convert("RGBA"))


def _check_design(class_name: str, design: str) -> None:
    if design not in designs(class_name):
        raise UserError(
            f"There is no demo drawing {design!r} of {class_name}; "
            f"use one of {', '.join(designs(class_name))}."
        )


def _pose(rng: np.random.Generator, size: int, sprite_px: int) -> tuple[float, ...]:
    """Coefficients of a perspective map from the picture's pixels to the sprite's.

    Mirror, turn, scale, squeeze, shift, and a slight tilt out of the picture's plane. One picture
    in twelve is a close-up that the frame cuts.
    """
    turn = np.deg2rad(rng.normal(0, 3.5) if rng.random() < 0.93 else rng.uniform(-50, 50))
    close = rng.random() < 0.08
    scale = rng.uniform(1.05, 1.5) if close else rng.uniform(0.84, 1.0)
    shift = rng.normal(0, 0.12 if close else 0.03, 2)
    squeeze = np.exp(rng.normal(0, 0.04))
    shear = rng.normal(0, 0.035)
    tilt = rng.normal(0, 0.06, 2)
    mirror = -1.0 if rng.random() < 0.1 else 1.0
    cos, sin = np.cos(turn), np.sin(turn)
    # Unit square about the origin, sprite -> picture; inverted below, as Pillow wants it.
    shape = np.array([[mirror * squeeze, shear, 0], [0, 1 / squeeze, 0], [0, 0, 1]])
    rotate = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    place = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [tilt[0], tilt[1], 1]])
    back = np.linalg.inv(place @ rotate @ shape)
    to_unit = np.array([[1 / size, 0, -0.5], [0, 1 / size, -0.5], [0, 0, 1]])
    to_sprite = np.array([[sprite_px, 0, sprite_px / 2], [0, sprite_px, sprite_px / 2], [0, 0, 1]])
    matrix = to_sprite @ back @ to_unit
    return tuple((matrix / matrix[2, 2]).ravel()[:8])


def _recolour(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Saturation, white balance and brightness; linear, so that premultiplied colours may pass."""
    saturation = rng.uniform(0.0, 0.25) if rng.random() < 0.08 else rng.uniform(0.55, 1.25)
    gains = rng.uniform(0.8, 1.15) * np.exp(rng.normal(0, 0.03, 3))
    matrix = saturation * np.eye(3) + (1 - saturation) * _RGB_WEIGHTS[:, None]
    return rgb @ (matrix * gains).astype(np.float32)


def _shadow(rng: np.random.Generator, alpha: np.ndarray) -> np.ndarray:
    """The share of light that a soft, shifted shadow of the instrument leaves, `(n, n, 1)`."""
    size = len(alpha)
    small = Image.fromarray((alpha * 255).astype(np.uint8)).resize((size // 4, size // 4))
    soft = small.filter(ImageFilter.BoxBlur(rng.uniform(0.5, 4) * size / 256)).resize((size, size))
    dx, dy = (int(v) for v in rng.normal((0, 0.03), 0.03) * size)
    cast = np.roll(np.asarray(soft, np.float32) / 255, (dy, dx), axis=(0, 1))
    return 1 - rng.uniform(0.15, 0.6) * cast[..., None]


def _light(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Light over the whole scene: a slope, a vignette, a tint, contrast and exposure."""
    size = len(picture)
    share = np.ones((size, size), np.float32)
    if rng.random() < 0.5:
        depth = rng.uniform(0.1, 0.45)
        share *= 1 - depth * scenery.ramp(rng, size)
    if rng.random() < 0.4:
        axis = np.linspace(-1, 1, size, dtype=np.float32) ** 2
        share *= 1 - rng.uniform(0.1, 0.4) * (axis[:, None] + axis[None, :])
    tint = np.exp(rng.normal(0, 0.035, 3)).astype(np.float32)
    out = picture * share[..., None]
    out *= tint
    mean, contrast = float(out.mean()), rng.uniform(0.75, 1.2)
    out *= contrast
    out += mean * (rng.uniform(0.9, 1.25) - contrast)
    return out


def _camera(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Focus, resolution, noise and compression of a video frame; `uint8` from here on."""
    size = len(picture)
    sharp = Image.fromarray(np.clip(picture, 0, 255, out=picture).astype(np.uint8))
    blur = rng.random()
    if blur < 0.35:
        sharp = sharp.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 2.4) * size / 256))
    elif blur < 0.55:
        low = max(16, int(size * rng.uniform(0.3, 0.7)))
        sharp = sharp.resize((low, low), Image.Resampling.BOX).resize((size, size))
    noise_sd = rng.uniform(0, 10) if rng.random() < 0.6 else 0.0
    if noise_sd > 0:
        noise = rng.standard_normal((size, size), dtype=np.float32) * np.float32(noise_sd)
        noisy = np.array(sharp, np.float32)
        noisy += noise[..., None]
        sharp = Image.fromarray(np.clip(noisy, 0, 255, out=noisy).astype(np.uint8))
    if rng.random() < 0.6:
        packed = io.BytesIO()
        sharp.save(packed, "JPEG", quality=int(rng.integers(18, 75)))
        sharp = Image.open(packed).convert("RGB")
    return np.array(sharp)


def render(
    class_name: str, rng: np.random.Generator, size_px: int = 256, *, design: str | None = None
) -> np.ndarray:
    """One picture of an instrument, `(size_px, size_px, 3) uint8` RGB.

    The drawing is chosen at random unless `design` names one of `designs(class_name)`. All chance
    comes from `rng`. Raises `UserError` for an unknown class or design.
    """
    names = designs(class_name)
    chosen = names[rng.integers(len(names))]
    if design is not None:
        _check_design(class_name, design)
        chosen = design
    palette = int(rng.integers(len(palettes.palettes(class_name))))
    sprite_px = SPRITE_PX if size_px <= SPRITE_PX else 2 * SPRITE_PX
    sprite = _sprite(class_name, chosen, palette, sprite_px).transform(
        (size_px, size_px),
        Image.Transform.PERSPECTIVE,
        _pose(rng, size_px, sprite_px),
        Image.Resampling.BILINEAR,
    )
    layers = np.frombuffer(sprite.tobytes(), np.uint8).reshape(size_px, size_px, 4)
    alpha = layers[..., 3].astype(np.float32) / 255
    picture = scenery.background(rng, size_px)
    if rng.random() < 0.7:
        picture *= _shadow(rng, alpha)
    front = _recolour(rng, layers[..., :3].astype(np.float32))
    picture *= 1 - alpha[..., None]
    picture += front
    if rng.random() < 0.18:
        mask, hue = scenery.occluder(rng, size_px)
        picture += (hue - picture) * mask[..., None]
    return _camera(rng, _light(rng, picture))
