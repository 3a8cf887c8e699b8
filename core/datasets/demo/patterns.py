"""Figures of plucked strings and of percussion: strums, rolls, grooves, crashes.

The conventions are those of `core.datasets.demo.phrases`. Percussion keys are the General MIDI
percussion map (36 bass drum, 38 snare, 42 closed hi-hat, 49 crash, 51 ride, ...).
"""

from collections.abc import Iterator

import numpy as np

from core.datasets.demo.instruments import DRUM_PATTERNS
from core.datasets.demo.phrases import (
    LINES_AND_CHORDS,
    Note,
    Setting,
    bars_of,
    degree_at,
    named,
    next_key,
    note,
    rhythm_of,
    steps_of,
)

# Fretted strings


def _fretted(s: Setting, degree: int) -> list[int]:
    """One key per string, as a hand finds it: the lowest chord tone at or above the open string.

    The strings are moved up (a capo) into the register when that is higher.
    """
    capo = max(0, s.low - min(s.strings))
    classes = s.chord(degree)
    return [next_key(string + capo, classes) for string in s.strings]


STROKES = ("D-DUDUDU", "DUDUDUDU", "D-D-DUDU", "D-DU-UDU", "DDUUDUDU")


def strum(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Down and up strokes in eighths over all strings, chords changing every bar or half bar."""
    strokes = STROKES[rng.integers(len(STROKES))]
    part = s.beat_s / 2
    bars = bars_of(rng, s, float(rng.choice([2, 4])))
    apart = float(rng.uniform(0.006, 0.02))
    for i in range(int(np.ceil(s.duration_s / part))):
        stroke = strokes[i % 8]
        if stroke == "-":
            continue
        keys = _fretted(s, degree_at(bars, i * part + 1e-6 * bars[0][1]))
        if stroke == "U":
            keys = keys[::-1][: max(3, len(keys) - 2)]
        length = part * (2 if strokes[(i + 1) % 8] == "-" else 1)
        accent = 6 * (i % 4 == 0) - 10 * (stroke == "U")
        for j, key in enumerate(keys):
            at, rest = i * part + j * apart, max(0.05, length - j * apart)
            yield note(rng, s, at, rest, key, accent)


def fingerpicking(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Thumb on the lower strings, fingers on the upper ones; the notes ring on."""
    n = len(s.strings)
    part = s.beat_s / (2 if s.beat_s < 0.55 else 4)
    fingers = rng.integers(n // 2, n, 8)
    fingers[::2] = rng.integers(0, max(1, n // 2), 4)
    for start, length, degree in bars_of(rng, s, 4):
        keys = _fretted(s, degree)
        for i, at in steps_of(start, length, part):
            yield note(rng, s, at, 3 * part, keys[fingers[i % 8]], 5 * (i % 2 == 0))


ROLLS = ((2, 3, 4, 2, 3, 4, 2, 4), (3, 2, 4, 3, 2, 4, 3, 4), (2, 3, 4, 3, 2, 3, 4, 3))


def roll(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A three-finger banjo roll: sixteenths over the chord, the short drone string last."""
    pattern = ROLLS[rng.integers(len(ROLLS))]
    part = float(np.clip(s.beat_s / 4, 0.11, 0.19))
    shift = int(rng.integers(0, len(s.strings) - 2))
    drone = s.strings[-1] + max(0, s.low - min(s.strings))
    for start, length, degree in bars_of(rng, s, 8 * part / s.beat_s):
        keys = [*_fretted(s, degree)[:-1], drone]
        for i, at in steps_of(start, length, part):
            string = pattern[i % 8]
            key = keys[string if string == len(keys) - 1 else (string + shift) % (len(keys) - 1)]
            yield note(rng, s, at, part, key, 8 * (i % 4 == 0))


def power_chords(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Root, fifth and octave in driving eighths or long chords."""
    rhythm = rhythm_of(rng, s, ((0.5,) * 8, (1, 1), (0.5, 0.25, 0.25), (1.5, 0.5, 2)))
    bars = bars_of(rng, s, 2)
    for start, length, beat in rhythm:
        root = next_key(min(s.low, 45), s.chord(degree_at(bars, start))[:1])
        for add in (0, 7, 12):
            yield note(rng, s, start, length, root + add, 6 * beat)


# Percussion

KICK, SNARE, SNARE_2 = 36, 38, 40
TOMS = (50, 48, 47, 45, 43, 41)
CRASH, CRASH_2, SPLASH, CHINA, RIDE = 49, 57, 55, 52, 51


def _patterned(rng: np.random.Generator, s: Setting, kind: str) -> Iterator[Note]:
    """One pattern of a kind from a random beat on, sometimes swung, with small accents."""
    part = s.beat_s / 4
    pattern = DRUM_PATTERNS[kind][rng.integers(len(DRUM_PATTERNS[kind]))]
    first = 4 * int(rng.integers(4))
    swing = float(rng.choice([0.0, 0.0, 0.33])) * part
    for i in range(int(np.ceil(s.duration_s / part))):
        at = i * part + swing * (i % 4 == 2)
        for key, steps in pattern.items():
            step = steps[(first + i) % 16]
            if step != "-":
                yield note(rng, s, at, part, key, 10 if step == "X" else -8)


def groove(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A drum kit keeping time; once in a while a crash on the first beat."""
    yield from _patterned(rng, s, "groove")
    if rng.random() < 0.15:
        yield note(rng, s, 0, 1, CRASH, -8)


def fill(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Sixteenths over snare and toms, mostly downwards, a bass drum under the beats."""
    part = max(0.085, s.beat_s / 4)
    pieces, at = (SNARE, *TOMS), 0
    for i in range(int(np.ceil(s.duration_s / part))):
        at = (at + int(rng.choice([0, 0, 1, 1, -1]))) % len(pieces)
        if i % 4 and rng.random() < 0.12:
            continue
        yield note(rng, s, i * part, part, pieces[at], 10 if i % 4 == 0 else -6)
        if i % 4 == 0 and rng.random() < 0.5:
            yield note(rng, s, i * part, part, KICK)


def _rolled(
    rng: np.random.Generator, s: Setting, keys: tuple[int, ...], strokes_hz: float
) -> Iterator[Note]:
    """Fast alternating strokes that get louder and softer."""
    part = 1 / strokes_hz
    n = int(np.ceil(s.duration_s / part))
    phase, turns = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.5, 1.5))
    for i in range(n):
        accent = 12 * np.sin(phase + 2 * np.pi * turns * i / n) - 4 * (i % 2)
        at = max(0.0, i * part + float(rng.normal(0, 0.1 * part)))
        yield note(rng, s, at, part, keys[i % len(keys)], accent)


def drum_roll(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A roll on the snare, sometimes on a tom."""
    piece = int(rng.choice([SNARE, SNARE, SNARE_2, TOMS[2], TOMS[4]]))
    return _rolled(rng, s, (piece,), float(rng.uniform(14, 20)))


def hand_drums(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Two or three tuned drums in a repeated rhythm."""
    keys = [s.low + 2, s.low + 2, s.low + 9, s.low + 14]
    rhythm = rhythm_of(
        rng, s, ((0.5, 0.25, 0.25, 0.5, 0.5), (0.75, 0.75, 0.5), (0.25,) * 8, (0.5,) * 4)
    )
    for start, length, beat in rhythm:
        yield note(rng, s, start, length, int(rng.choice(keys)), 10 if beat else -4)


def ride(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A ride cymbal keeping time."""
    return _patterned(rng, s, "ride")


def hi_hat(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A hi-hat keeping time."""
    return _patterned(rng, s, "hi-hat")


def crashes(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Crash, splash and china cymbals, struck and ringing on."""
    at = float(rng.uniform(0, 0.1))
    while at < s.duration_s:
        piece = int(rng.choice([CRASH, CRASH_2, CRASH, CRASH_2, SPLASH, CHINA]))
        yield note(rng, s, at, 2.0, piece, 8)
        at += float(rng.uniform(0.35, 0.85))


def cymbal_roll(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A roll with two mallets on a suspended cymbal."""
    keys = ((CRASH,), (CRASH_2,), (RIDE,), (CRASH, CRASH_2))[rng.integers(4)]
    return _rolled(rng, s, keys, float(rng.uniform(6, 10)))


STRINGS = named(strum, fingerpicking, roll, power_chords)
DRUMS = named(groove, fill, drum_roll, hand_drums)
CYMBALS = named(ride, crashes, cymbal_roll) | {"hi-hat": hi_hat}
FIGURES = LINES_AND_CHORDS | STRINGS | DRUMS | CYMBALS
