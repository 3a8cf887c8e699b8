"""A few dozen plain sounds, pictures and texts, the same in every run, to examine encoders with.

They differ in what a fault of preprocessing changes: pitch and bandwidth (sample rate), level,
colour (order of the channels), brightness (scale of the pixels), direction (axes), words.
"""

from collections.abc import Callable

import numpy as np

from core.encoders.base import Card

SECONDS, SIZE_PX = 1.0, 128
TEXTS = (
    "a cello",
    "drums",
    "slow bowed strings",
    "a loud electric guitar with distortion",
    "someone sings softly in a small room",
    "The recipe needs two eggs and a cup of flour.",
    "rain falls on a tin roof",
    "a red car on an empty street",
    "The court will decide about the appeal on Monday.",
    "happy birthday to you",
    "a black and white photograph of a bridge",
    "fast techno with a heavy bass line",
    "piano",
    "a church organ plays a long chord",
    "Integers are closed under addition and multiplication.",
    "two dogs run along the beach at sunset",
    "a flute melody with birdsong",
    "the stock market fell by three percent",
    "children laugh in a playground",
    "an old man reads a newspaper",
    "trumpets and trombones march past",
    "Press the green button to start the machine.",
    "silence",
    "a close-up of a violin on a wooden table",
)
TONES_HZ = (110.0, 220.0, 440.0, 880.0, 1760.0, 3520.0)
BANDS_HZ = ((50.0, 300.0), (300.0, 1000.0), (1000.0, 2500.0), (2500.0, 7000.0))
COLOURS = ((200, 30, 30), (30, 160, 60), (30, 50, 200), (220, 200, 40))


def media(card: Card) -> list[np.ndarray] | list[str]:
    """The probe of an encoder's modality, as it takes its media."""
    if card.modality == "audio":
        return sounds(card.rate_hz or 16_000)
    return pictures() if card.modality == "image" else list(TEXTS)


def sounds(rate_hz: int) -> list[np.ndarray]:
    """24 sounds of one second: `(n,) float32` within ±0.5."""
    t = np.arange(round(SECONDS * rate_hz)) / rate_hz
    rng = np.random.default_rng(7)
    # Noise is made at one rate, so that it is the same sound at every rate.
    spectrum = rng.normal(size=(8_000, 2)) @ [1.0, 1j]

    def band(low_hz: float, high_hz: float, tilt: float = 0.0) -> np.ndarray:
        hz = np.arange(1, 8_001)
        kept = (hz >= low_hz) & (hz < high_hz)
        bins = np.zeros(len(t) // 2 + 1, complex)
        n = min(len(bins) - 1, 8_000)
        bins[1 : n + 1] = (spectrum * kept * hz**-tilt)[:n]
        return np.fft.irfft(bins, len(t))

    def saw(hz: float) -> np.ndarray:
        partials = range(1, int(min(7_500, rate_hz / 2) / hz))
        return np.sum([np.sin(2 * np.pi * hz * k * t) / k for k in partials], axis=0)

    def pulses(per_s: float) -> np.ndarray:
        return band(50, 7_000) * np.exp(-40 * np.mod(t * per_s, 1.0) / per_s)

    fade = np.exp(-3 * t)
    found = [
        *(np.sin(2 * np.pi * hz * t) for hz in TONES_HZ),
        *(saw(hz) * fade for hz in (98.0, 196.0, 392.0)),
        *(band(*limits) for limits in BANDS_HZ),
        band(50, 7_000),
        band(50, 7_000, tilt=0.5),
        pulses(4.0),
        pulses(12.0),
        np.sin(2 * np.pi * (200 * t + 1_400 * t**2)),
        np.sin(2 * np.pi * (3_000 * t - 1_400 * t**2)),
        np.sin(2 * np.pi * 600 * t) * (1 + np.sin(2 * np.pi * 8 * t)),
        np.sin(2 * np.pi * 600 * t + 30 * np.sin(2 * np.pi * 5 * t)),
        sum((np.sin(2 * np.pi * hz * t) for hz in (262.0, 330.0, 392.0)), np.zeros(len(t))),
        saw(131.0) * (1 - fade),
        saw(262.0) * fade + 0.5 * pulses(6.0),
    ]
    levels = np.resize([0.5, 0.25, 0.1], len(found))
    return [
        (level * one / np.abs(one).max()).astype(np.float32)
        for level, one in zip(levels, found, strict=True)
    ]


def pictures() -> list[np.ndarray]:
    """24 pictures: `(SIZE_PX, SIZE_PX, 3) uint8`."""
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX] / (SIZE_PX - 1.0)
    rng = np.random.default_rng(11)
    blobs = rng.uniform(size=(8, 8, 3)).repeat(SIZE_PX // 8, 0).repeat(SIZE_PX // 8, 1)

    def mixed(share: np.ndarray, one: tuple[int, ...], other: tuple[int, ...]) -> np.ndarray:
        return share[..., None] * np.array(one) + (1 - share[..., None]) * np.array(other)

    def disc(cx: float, cy: float, r: float) -> np.ndarray:
        return ((x - cx) ** 2 + (y - cy) ** 2 < r**2).astype(float)

    stripes: list[Callable[[], np.ndarray]] = [
        lambda: np.sin(40 * x) > 0,
        lambda: np.sin(40 * y) > 0,
        lambda: np.sin(25 * (x + y)) > 0,
        lambda: (np.sin(20 * x) > 0) ^ (np.sin(20 * y) > 0),
    ]
    red, green, blue, yellow = COLOURS
    white, black, grey = (235, 235, 235), (20, 20, 20), (128, 128, 128)
    found = [
        *(mixed(disc(0.5, 0.45, 0.3), colour, grey) for colour in COLOURS),
        *(mixed(disc(0.3, 0.6, 0.2), white, colour) for colour in COLOURS),
        *(mixed(one().astype(float), white, black) for one in stripes),
        mixed(stripes[0]().astype(float), red, blue),
        mixed(stripes[1]().astype(float), green, blue),
        mixed(x, red, black),
        mixed(y, white, blue),
        mixed(y, (150, 190, 240), (60, 120, 40)),
        mixed((y > 0.6).astype(float), (90, 140, 60), (140, 190, 250)),
        mixed(disc(0.7, 0.2, 0.1), yellow, (40, 60, 140)),
        blobs * 255,
        blobs * 60 + 10,
        blobs[..., :1] * np.array([255, 180, 120]),
        mixed(np.abs(np.sin(12 * x * y)), yellow, (90, 20, 60)),
        mixed(disc(0.4, 0.4, 0.25) * (0.5 + 0.5 * x), (200, 120, 80), (245, 240, 230)),
    ]
    return [np.clip(np.round(one), 0, 255).astype(np.uint8) for one in found]
