"""Pictures of the demo corpus: vector drawings as a camera might see them.

`art/<class>/<design>.svg` holds several drawings of each of the 18 instruments. `render` takes one,
colours it with a plausible palette, and varies pose, perspective, light, shadow, background,
foreground, focus, noise and compression. The result is imperfect on purpose, like frames of amateur
video: an instrument may be cut by the edge, half hidden, dark or out of focus.

Pictures are `(size, size, 3) uint8` RGB; lengths that scale with the picture are shares of its
size. Equal generator states give equal pictures. A drawing in one palette is rasterised once per
process and kept.

The amounts of variation were set by measurement: HOG and a colour histogram (the `hog` encoder)
with logistic regression, fitted to 28 pictures of each class, reach a macro F1 of 0.67 on 504
others. Much more variation (turns of 9 degrees, scales from 0.6) leaves 0.2, which shows nothing.
"""

import io
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from core.datasets.demo import palettes, scenery

ART = Path(__file__).resolve().parent / "art"
SPRITE_PX = 256  # drawings are rasterised at this size

_RGB_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)


@cache
def designs(class_name: str) -> tuple[str, ...]:
    """Names of the drawings of one class, sorted."""
    return tuple(sorted(path.stem for path in (ART / class_name).glob("*.svg")))


@lru_cache(maxsize=400)
def sprite(class_name: str, design: str, palette: int) -> Image.Image:
    """A drawing in one of its `palettes.PALETTES`: premultiplied `RGBa`, `SPRITE_PX` square.

    It is shared: copy it before changing it.
    """
    import resvg_py

    svg = (ART / class_name / f"{design}.svg").read_text(encoding="utf-8")
    png = resvg_py.svg_to_bytes(
        svg_string=svg,
        style_sheet=palettes.style_sheet(svg, palettes.PALETTES[class_name][palette]),
        skip_system_fonts=True,
        width=SPRITE_PX,
        height=SPRITE_PX,
    )
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA").convert("RGBa")


def _pose(rng: np.random.Generator, size: int) -> tuple[float, ...]:
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
    # From sprite to picture, in a unit square about the origin; Pillow needs the inverse.
    shape = np.array([[mirror * squeeze, shear, 0], [0, 1 / squeeze, 0], [0, 0, 1]])
    rotate = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    place = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [tilt[0], tilt[1], 1]])
    back = np.linalg.inv(place @ rotate @ shape)
    to_unit = np.array([[1 / size, 0, -0.5], [0, 1 / size, -0.5], [0, 0, 1]])
    to_sprite = np.array([[SPRITE_PX, 0, SPRITE_PX / 2], [0, SPRITE_PX, SPRITE_PX / 2], [0, 0, 1]])
    matrix = to_sprite @ back @ to_unit
    return tuple((matrix / matrix[2, 2]).ravel()[:8])


def _recolour(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Saturation, white balance and brightness; linear, so premultiplied colours are fine."""
    saturation = rng.uniform(0.0, 0.25) if rng.random() < 0.08 else rng.uniform(0.55, 1.25)
    gains = rng.uniform(0.8, 1.15) * np.exp(rng.normal(0, 0.03, 3))
    matrix = saturation * np.eye(3) + (1 - saturation) * _RGB_WEIGHTS[:, None]
    return rgb @ (matrix * gains).astype(np.float32)


def _shadow(rng: np.random.Generator, alpha: np.ndarray) -> np.ndarray:
    """The share of light that remains in a soft, shifted shadow, `(n, n, 1)`."""
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
    """Focus, resolution, noise and compression of a video frame, as `uint8`."""
    size = len(picture)
    sharp = Image.fromarray(np.clip(picture, 0, 255, out=picture).astype(np.uint8))
    blur = rng.random()
    if blur < 0.35:
        sharp = sharp.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 2.4) * size / 256))
    elif blur < 0.55:
        low = max(16, int(size * rng.uniform(0.3, 0.7)))
        sharp = sharp.resize((low, low), Image.Resampling.BOX).resize((size, size))
    noise_std = rng.uniform(0, 10) if rng.random() < 0.6 else 0.0
    if noise_std > 0:
        noise = rng.standard_normal((size, size), dtype=np.float32) * np.float32(noise_std)
        noisy = np.array(sharp, np.float32)
        noisy += noise[..., None]
        sharp = Image.fromarray(np.clip(noisy, 0, 255, out=noisy).astype(np.uint8))
    if rng.random() < 0.6:
        packed = io.BytesIO()
        sharp.save(packed, "JPEG", quality=int(rng.integers(18, 75)))
        sharp = Image.open(packed).convert("RGB")
    return np.array(sharp)


def render(class_name: str, rng: np.random.Generator, size_px: int) -> np.ndarray:
    """One picture of an instrument, `(size_px, size_px, 3) uint8` RGB; `rng` alone decides."""
    names = designs(class_name)
    design = names[rng.integers(len(names))]
    palette = int(rng.integers(len(palettes.PALETTES[class_name])))
    shown = sprite(class_name, design, palette).transform(
        (size_px, size_px),
        Image.Transform.PERSPECTIVE,
        _pose(rng, size_px),
        Image.Resampling.BILINEAR,
    )
    layers = np.frombuffer(shown.tobytes(), np.uint8).reshape(size_px, size_px, 4)
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
