"""The demo corpus's sounds: short phrases of W's eighteen instruments, rendered offline.

    samples, (phrase,) = render(["trumpet"], np.random.default_rng(7))

A phrase is composed (`instruments` says what suits the instrument, `phrases` and `patterns` write
the notes), played with the General MIDI soundfont inside `pretty_midi` (`player`, `synth`), and
recorded in a synthetic room with noise (`rooms`). `rng` alone decides: the same state gives the
same samples, in any process and after any other render.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.demo.instruments import (
    APPROXIMATED,
    ARTICULATIONS,
    INSTRUMENTS,
    PERCUSSION_BANK,
    STYLES,
    Articulation,
)
from core.datasets.demo.patterns import FIGURES
from core.datasets.demo.phrases import SCALES, Note, Setting
from core.datasets.demo.player import Part, contour_at, play
from core.datasets.demo.rooms import OVERSAMPLING, RATE_HZ, draw_take, record

DURATION_S = 2.5
# Velocity of the notes, and RMS level of the recording in dB of full scale.
DYNAMICS = {
    "pp": (40, -29),
    "p": (54, -26),
    "mp": (66, -24),
    "mf": (80, -22),
    "f": (98, -19),
    "ff": (114, -17),
}
REGISTERS = ("low", "middle", "high")
CONTOURS = ("steady", "steady", "crescendo", "diminuendo", "swell")
KEY_NAMES = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")
BACKING = ("piano", "guitar", "organ", "synthesizer", "drums", "cello", "accordion")


@dataclass(frozen=True)
class Phrase:
    """The facts of one phrase, from which a caption can be written.

    `key` is empty for percussion, `backing` where no second instrument plays quietly along.
    `snr_db` is the ratio of music to background noise. `level_dbfs` is the RMS level aimed at; a
    clip that would exceed the peak limit is quieter. `approximated`: General MIDI lacks the
    instrument.
    """

    class_name: str
    program: str
    register: str
    figure: str
    articulation: str
    dynamics: str
    contour: str
    tempo_bpm: int
    key: str
    room: str
    recording: str
    noise: str
    snr_db: float
    level_dbfs: float
    backing: str
    approximated: bool
    duration_s: float


def render(class_names: Sequence[str], rng: np.random.Generator) -> tuple[np.ndarray, list[Phrase]]:
    """One phrase of one instrument, or of two that play together in one key, tempo and room.

    About one phrase in seven of one instrument has another far behind it (`Phrase.backing`).
    The levels of two instruments differ by at most 4 dB, so that both are heard.

    Returns
    -------
    `(n,)` float32 mono samples of `DURATION_S` at `RATE_HZ`, |sample| <= 0.95, and the facts of
    each instrument, in the order of `class_names`.
    """
    first = _compose(class_names[0], rng)
    parts, backing = [(first, 0.0)], ""
    if len(class_names) == 2:
        second = _compose(class_names[1], rng, along=first)
        parts.append((second, float(rng.uniform(-4, 4))))
    elif rng.random() < 0.15:
        backing = _choose(rng, [name for name in BACKING if name not in class_names])
        parts.append((_compose(backing, rng, along=first), -float(rng.uniform(13, 22))))
    rate_hz = RATE_HZ * OVERSAMPLING
    sound = np.zeros(round(DURATION_S * rate_hz), np.float32)
    for part, level_db in parts:
        sound += np.float32(10 ** (level_db / 20)) * play(rng, part, len(sound), rate_hz)
    take = draw_take(rng, DYNAMICS[first.facts["dynamics"]][1])
    samples = record(rng, sound, take)
    return samples, [
        Phrase(
            **part.facts,
            room=take.room,
            recording=take.recording,
            noise=take.noise,
            snr_db=take.snr_db,
            level_dbfs=take.level_dbfs,
            backing=backing,
        )
        for part, _ in parts[: len(class_names)]
    ]


def _choose(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _compose(class_name: str, rng: np.random.Generator, along: Part | None = None) -> Part:
    """A part for one instrument, in the key and tempo of the part `along`."""
    programs = INSTRUMENTS[class_name]
    weights = np.array([program.weight for program in programs])
    program = programs[int(rng.choice(len(programs), p=weights / weights.sum()))]
    ways = [(figure, name) for figure, names in STYLES[program.style].items() for name in names]
    figure, articulation = ways[int(rng.integers(len(ways)))]
    dynamics = _choose(rng, tuple(DYNAMICS))
    contour = "swell" if ARTICULATIONS[articulation].swells else _choose(rng, CONTOURS)
    register = REGISTERS[int(rng.choice(3, p=(0.25, 0.5, 0.25)))]
    tempo, tonic = int(rng.integers(66, 165)), int(rng.integers(12))
    mode = _choose(rng, tuple(SCALES))
    if along is not None:
        tempo, tonic, mode = along.facts["tempo_bpm"], along.setting.tonic, along.setting.mode
    span = program.high - program.low
    width = min(span, max(14, span // 2))
    low = program.low + {"low": 0, "middle": (span - width) // 2, "high": span - width}[register]
    setting = Setting(
        duration_s=DURATION_S,
        beat_s=60 / tempo,
        tonic=tonic,
        mode=mode,
        low=low,
        high=low + width,
        velocity=DYNAMICS[dynamics][0],
        strings=program.strings,
        rings=program.rings,
    )
    notes = list(FIGURES[figure](rng, setting))
    if program.bank == PERCUSSION_BANK:
        low_pieces = np.mean([note.key in (35, 36, 41, 43, 45) for note in notes])
        register = "high" if class_name == "cymbals" else "low" if low_pieces > 0.4 else "middle"
    pitched = class_name not in ("drums", "cymbals")
    facts = {
        "class_name": class_name,
        "program": program.name,
        "register": register,
        "figure": figure,
        "articulation": articulation,
        "dynamics": dynamics,
        "contour": contour,
        "tempo_bpm": tempo,
        "key": f"{KEY_NAMES[tonic]} {mode}" if pitched else "",
        "approximated": class_name in APPROXIMATED,
        "duration_s": DURATION_S,
    }
    notes = _articulate(rng, notes, ARTICULATIONS[articulation], contour)
    return Part(program, setting, notes, articulation, contour, facts)


def _articulate(
    rng: np.random.Generator, notes: list[Note], how: Articulation, contour: str
) -> list[Note]:
    """The notes as they sound: lengths, velocities, repeated strokes."""
    hz = float(rng.uniform(*how.restrike_hz)) if how.restrike_hz[1] else 0.0
    out = []
    for note in notes:
        if not 0 <= note.start_s < DURATION_S:
            continue
        level = float(contour_at(contour, np.array(note.start_s / DURATION_S)))
        velocity = int(np.clip((note.velocity + how.accent) * (0.4 + 0.6 * level), 10, 127))
        length = max(0.05, note.length_s * how.gate + how.overlap_s)
        n = max(1, round(note.length_s * hz))
        for i in range(n):
            start = note.start_s + i * note.length_s / n
            stroke = velocity
            if n > 1:  # down strokes are stronger than up strokes, and no two are alike
                start += float(rng.uniform(0, 0.2)) * note.length_s / n
                stroke += int(rng.integers(-6, 7)) - (16 if i % 2 else 0)
            key, stroke = int(np.clip(note.key, 0, 127)), int(np.clip(stroke, 8, 127))
            out.append(Note(start, length / n, key, stroke))
    return out
