"""Plays a composed part with the General MIDI soundfont: vibrato, glides, swells, breath.

Bends and loudness are curves with a value every `CONTROL_S`. `synth` turns them and the notes into
samples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.datasets.demo import soundfont
from core.datasets.demo.instruments import ARTICULATIONS, BREATH_DB, PICK_DB, Program
from core.datasets.demo.phrases import Note, Setting
from core.datasets.demo.synth import Channel, render

BEND_RANGE = 12
CONTROL_S = 0.004
LOUDNESS_TO_GAIN = 1.5  # the power of a loudness (0 to 1) that is its gain


@dataclass(frozen=True)
class Part:
    """The notes of one instrument, and how they are played."""

    program: Program
    setting: Setting
    notes: list[Note]
    articulation: str
    contour: str
    facts: dict[str, Any]  # of `sounds.Phrase`


def contour_at(kind: str, share: np.ndarray) -> np.ndarray:
    """Loudness between 0.5 and 1 at shares (0 to 1) of the phrase."""
    shape = {
        "steady": np.ones_like(share),
        "crescendo": 0.5 + 0.5 * share,
        "diminuendo": 1 - 0.5 * share,
        "swell": 0.5 + 0.5 * np.sin(np.pi * share),
    }
    return shape[kind]


def _wander(rng: np.random.Generator, times: np.ndarray, rate_hz: float) -> np.ndarray:
    """A smooth random curve at `times` (m,), about within -1 and 1, turning `rate_hz` times."""
    knots = np.arange(0, times[-1] + 2 / rate_hz, 1 / rate_hz)
    return np.interp(times, knots, np.clip(rng.normal(0, 0.6, len(knots)), -1.5, 1.5))


def _bends(rng: np.random.Generator, part: Part, times: np.ndarray) -> np.ndarray:
    """Pitch bend in semitones at `times` (m,): vibrato and glides of one part."""
    how = ARTICULATIONS[part.articulation]
    onsets = sorted({round(note.start_s, 3) for note in part.notes}) or [0.0]
    keys = [max(n.key for n in part.notes if abs(n.start_s - at) < 0.002) for at in onsets]
    which = np.clip(np.searchsorted(onsets, times, side="right") - 1, 0, None)
    age = times - np.array(onsets)[which]
    depth = float(rng.uniform(*how.vibrato_cents)) / 100
    rate, phase = float(rng.uniform(4.5, 6.5)), float(rng.uniform(0, 6.28))
    delay = float(rng.uniform(0.05, 0.25))
    fade = np.clip((age - delay) / 0.2, 0, 1)
    bends = depth * fade * np.sin(2 * np.pi * rate * times + phase)
    if part.program.style in BREATH_DB:
        bends = bends + 0.07 * _wander(rng, times, 5)
    if how.glide_semitones or how.portamento:
        if how.portamento:
            starts = np.clip(-np.diff(keys, prepend=keys[0]), -BEND_RANGE, BEND_RANGE).astype(float)
        else:
            starts = rng.choice(how.glide_semitones, len(onsets)) * (rng.random(len(onsets)) < 0.7)
        length = float(rng.uniform(*how.glide_s))
        bends = bends + starts[which] * np.clip(1 - age / length, 0, 1)
    return np.asarray(np.clip(bends, -BEND_RANGE, BEND_RANGE))


def _levels(rng: np.random.Generator, part: Part, times: np.ndarray) -> np.ndarray:
    """Channel loudness (0 to 1) at `times` (m,): contour of sustained sounds, and shaking."""
    how = ARTICULATIONS[part.articulation]
    levels = np.ones_like(times)
    if not part.program.rings:
        levels = contour_at(part.contour, times / part.setting.duration_s)
    if part.program.style in BREATH_DB:
        levels = levels * (0.85 + 0.15 * _wander(rng, times, 7))
    if how.shake_hz[1]:
        rate, depth = float(rng.uniform(*how.shake_hz)), float(rng.uniform(0.08, 0.25))
        levels = levels * (1 - depth + depth * np.sin(2 * np.pi * rate * times))
    return levels


def play(rng: np.random.Generator, part: Part, n: int, rate_hz: int) -> np.ndarray:
    """The part played dry, (n,) float32 at `rate_hz`, of unit RMS."""
    program = part.program
    tuning = program.transpose + float(rng.normal(0, 0.08))
    # Of each channel: program, delay in seconds, detuning in semitones, gain.
    layers = [(program.number, 0.0, 0.0, 1.0)]
    if program.courses == 2:
        delay, detuning = float(rng.uniform(0.004, 0.012)), float(rng.uniform(0.05, 0.12))
        layers.append((program.number, delay, detuning, 1.0))
    if program.layer is not None:
        layers.append((program.layer, 0.0, 0.0, 10 ** (program.layer_db / 20)))
    times = np.arange(0, part.setting.duration_s, CONTROL_S)
    channels = []
    for number, delay, detuning, gain in layers:
        channels.append(
            Channel(
                bank=program.bank,
                program=number,
                notes=[
                    note._replace(start_s=note.start_s + delay, key=note.key - program.transpose)
                    for note in part.notes
                ],
                times_s=times,
                bends=_bends(rng, part, times),
                levels=_levels(rng, part, times) ** LOUDNESS_TO_GAIN,
                tuning=tuning + detuning,
                gain=gain,
            )
        )
    sound = render(soundfont.load(), channels, n, rate_hz)
    if program.style in PICK_DB:
        _add_picks(rng, sound, part.notes, rate_hz, PICK_DB[program.style])
    if program.style in BREATH_DB:
        sound += _breath(rng, sound, rate_hz, BREATH_DB[program.style])
    return sound / np.float32(np.sqrt(np.mean(sound**2)) + 1e-12)


def _breath(
    rng: np.random.Generator, sound: np.ndarray, rate_hz: int, level_db: float
) -> np.ndarray:
    """Noise of breath or bow with the loudness of `sound`, (n,) float32."""
    step = rate_hz // 100
    power = np.add.reduceat(sound**2, np.arange(0, len(sound), step)) / step
    at = np.arange(len(sound), dtype=np.float32)
    envelope = np.interp(at, np.arange(len(power)) * step, np.sqrt(power)).astype(np.float32)
    noise = np.repeat(rng.standard_normal((len(sound) + 1) // 2, dtype=np.float32), 2)[: len(sound)]
    return envelope * noise * np.float32(10 ** (level_db / 20))


def _add_picks(
    rng: np.random.Generator, sound: np.ndarray, notes: list[Note], rate_hz: int, level_db: float
) -> None:
    """Adds a few milliseconds of noise at each note's start to `sound` (n,) float32, in place."""
    n = round(0.012 * rate_hz)
    decay = np.exp(-np.arange(n) / (0.003 * rate_hz)).astype(np.float32)
    loud = np.float32(10 ** (level_db / 20) * np.abs(sound).max() / 127)
    for note in notes:
        start = int(note.start_s * rate_hz)
        burst = rng.standard_normal(n, dtype=np.float32) * decay * loud * note.velocity
        sound[start : start + n] += burst[: max(0, len(sound) - start)]
