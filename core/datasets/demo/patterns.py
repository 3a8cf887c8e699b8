"""Figures of plucked strings and of percussion: strums, rolls, grooves, crashes.

The conventions are those of `core.datasets.demo.phrases`. Fretted chords are found as a hand finds
them, the lowest chord tone at or above each open string. Percussion keys are the General MIDI
percussion map (36 bass drum, 38 snare, 42 closed hi-hat, 49 crash, 51 ride, ...).
"""

import numpy as np

from core.datasets.demo.phrases import (
    LINES_AND_CHORDS,
    Figure,
    Note,
    Setting,
    bars_of,
    next_key,
    rhythm_of,
    velocity_near,
)

# Fretted strings


def _fretted(s: Setting, degree: int) -> list[int]:
    """One key per string: the lowest chord tone at or above the open string, as hands find it.

    The strings are moved up (a capo) into the register when that lies higher.
    """
    capo = max(0, s.low - min(s.strings))
    classes = s.chord(degree)
    return [next_key(string + capo, classes) for string in s.strings]


STROKES = ("D-DUDUDU", "DUDUDUDU", "D-D-DUDU", "D-DU-UDU", "DDUUDUDU")


def strum(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Down and up strokes in eighths over all strings, chords changing every bar or half bar."""
    out = []
    strokes = STROKES[rng.integers(len(STROKES))]
    part = s.beat_s / 2
    bars = bars_of(rng, s, float(rng.choice([2, 4])))
    spread = float(rng.uniform(0.006, 0.02))
    for i in range(int(np.ceil(s.duration_s / part))):
        stroke = strokes[i % 8]
        if stroke == "-":
            continue
        degree = bars[min(int(i * part / bars[0][1] + 1e-6), len(bars) - 1)][2]
        keys = _fretted(s, degree)
        if stroke == "U":
            keys = keys[::-1][: max(3, len(keys) - 2)]
        rest = 2 if strokes[(i + 1) % 8] == "-" else 1
        for j, key in enumerate(keys):
            accent = (6 if i % 4 == 0 else 0) - (10 if stroke == "U" else 0)
            length = rest * part - j * spread
            out.append(
                Note(i * part + j * spread, max(0.05, length), key, velocity_near(rng, s, accent))
            )
    return out


def fingerpicking(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Thumb on the lower strings, fingers on the upper ones, everything left to ring."""
    out = []
    n = len(s.strings)
    part = s.beat_s / (2 if s.beat_s < 0.55 else 4)
    fingers = rng.integers(n // 2, n, 8)
    fingers[::2] = rng.integers(0, max(1, n // 2), 4)
    for start, length, degree in bars_of(rng, s, 4):
        keys = _fretted(s, degree)
        for i in range(round(length / part)):
            key = keys[fingers[i % 8]]
            out.append(
                Note(start + i * part, 3 * part, key, velocity_near(rng, s, 5 * (i % 2 == 0)))
            )
    return out


ROLLS = ((2, 3, 4, 2, 3, 4, 2, 4), (3, 2, 4, 3, 2, 4, 3, 4), (2, 3, 4, 3, 2, 3, 4, 3))


def roll(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A three-finger banjo roll: sixteenths over the chord, the short drone string last."""
    out = []
    pattern = ROLLS[rng.integers(len(ROLLS))]
    part = float(np.clip(s.beat_s / 4, 0.11, 0.19))
    shift = int(rng.integers(0, len(s.strings) - 2))
    drone = s.strings[-1] + max(0, s.low - min(s.strings))
    for start, length, degree in bars_of(rng, s, 8 * part / s.beat_s):
        keys = [*_fretted(s, degree)[:-1], drone]
        for i in range(round(length / part)):
            string = pattern[i % 8]
            key = keys[string if string == len(keys) - 1 else (string + shift) % (len(keys) - 1)]
            out.append(Note(start + i * part, part, key, velocity_near(rng, s, 8 * (i % 4 == 0))))
    return out


def power_chords(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Root, fifth and octave in driving eighths or long chords."""
    out: list[Note] = []
    bottom = min(s.low, 45)
    rhythm = rhythm_of(rng, s, ((0.5,) * 8, (1, 1), (0.5, 0.25, 0.25), (1.5, 0.5, 2)))
    bars = bars_of(rng, s, 2)
    for start, length, beat in rhythm:
        degree = bars[min(int(start / bars[0][1]), len(bars) - 1)][2]
        root = next_key(bottom, s.chord(degree)[:1])
        for add in (0, 7, 12):
            out.append(Note(start, length, root + add, velocity_near(rng, s, 6 if beat else 0)))
    return out


# Percussion

KICK, STICK, SNARE, SNARE_2 = 36, 37, 38, 40
TOMS = (50, 48, 47, 45, 43, 41)
CLOSED, PEDAL, OPEN = 42, 44, 46
CRASH, CRASH_2, SPLASH, CHINA = 49, 57, 55, 52
RIDE, RIDE_2, BELL = 51, 59, 53

# Sixteen steps a bar: x struck, X accented, - silent.
GROOVES: tuple[dict[int, str], ...] = (
    {CLOSED: "x-x-x-x-x-x-x-x-", SNARE: "----X-------X---", KICK: "X-------X-x-----"},
    {CLOSED: "xxxxxxxxxxxxxxxx", SNARE: "----X--x-x--X---", KICK: "X--x--x---X--x--"},
    {OPEN: "--x---x---x---x-", SNARE: "----X-------X---", KICK: "X---X---X---X---"},
    {PEDAL: "----x-------x---", STICK: "x--x--x---x-x---", KICK: "X-----x-X-----x-"},
    {SNARE: "X-xxX-xxX-xxXxxx", KICK: "X---X---X---X---"},
    {
        47: "X---x-X---x-X---",
        43: "--x-----x-----xx",
        KICK: "X-------X-------",
        SNARE: "----X-------X---",
    },
)
RIDES: tuple[dict[int, str], ...] = (
    {RIDE: "X---x-xxX---x-xx"},
    {RIDE: "X-x-X-x-X-x-X-x-", PEDAL: "----x-------x---"},
    {RIDE_2: "X--x--X--x--X-x-"},
    {RIDE: "x-x-x-x-x-x-x-x-", BELL: "X-------X-------"},
)
HATS: tuple[dict[int, str], ...] = (
    {CLOSED: "X-x-X-x-X-x-X-x-"},
    {CLOSED: "XxxxXxxxXxxxXxxx"},
    {CLOSED: "X-xxX-x-X-xxX-x-", OPEN: "------x-------x-"},
    {CLOSED: "x-x-x-x-x-x-x---", OPEN: "--------------X-", PEDAL: "----x-------x---"},
)


def _patterned(
    rng: np.random.Generator, s: Setting, patterns: tuple[dict[int, str], ...]
) -> list[Note]:
    """One pattern of sixteenths from a random beat on, sometimes swung, with small accents."""
    part = s.beat_s / 4
    pattern = patterns[rng.integers(len(patterns))]
    first = 4 * int(rng.integers(4))
    swing = float(rng.choice([0.0, 0.0, 0.33])) * part
    out = []
    for i in range(int(np.ceil(s.duration_s / part))):
        at = i * part + (swing if i % 4 == 2 else 0)
        for key, steps in pattern.items():
            step = steps[(first + i) % 16]
            if step != "-":
                accent = 10 if step == "X" else -8
                out.append(Note(at, part, key, velocity_near(rng, s, accent)))
    return out


def groove(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A drum kit keeping time; once in a while a crash on the first beat."""
    out = _patterned(rng, s, GROOVES)
    if rng.random() < 0.15:
        out.append(Note(0, 1, CRASH, velocity_near(rng, s, -8)))
    return out


def fill(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Sixteenths over snare and toms, mostly downwards, a bass drum under the beats."""
    part = max(0.085, s.beat_s / 4)
    out, pieces, at = [], (SNARE, *TOMS), 0
    for i in range(int(np.ceil(s.duration_s / part))):
        at = (at + int(rng.choice([0, 0, 1, 1, -1]))) % len(pieces)
        accent = 10 if i % 4 == 0 else -6
        if i % 4 and rng.random() < 0.12:
            continue
        out.append(Note(i * part, part, pieces[at], velocity_near(rng, s, accent)))
        if i % 4 == 0 and rng.random() < 0.5:
            out.append(Note(i * part, part, KICK, velocity_near(rng, s)))
    return out


def _rolled(
    rng: np.random.Generator, s: Setting, keys: tuple[int, ...], strokes_hz: float
) -> list[Note]:
    """Fast alternating strokes that swell and sink."""
    part = 1 / strokes_hz
    n = int(np.ceil(s.duration_s / part))
    phase, turns = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.5, 1.5))
    out = []
    for i in range(n):
        accent = 12 * np.sin(phase + 2 * np.pi * turns * i / n) - (4 if i % 2 else 0)
        at = max(0.0, i * part + float(rng.normal(0, 0.1 * part)))
        out.append(Note(at, part, keys[i % len(keys)], velocity_near(rng, s, accent)))
    return out


def drum_roll(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A roll on the snare, sometimes on a tom."""
    piece = int(rng.choice([SNARE, SNARE, SNARE_2, TOMS[2], TOMS[4]]))
    return _rolled(rng, s, (piece,), float(rng.uniform(14, 20)))


def hand_drums(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Two or three tuned drums in a repeated rhythm."""
    keys = [s.low + 2, s.low + 2, s.low + 9, s.low + 14]
    rhythm = rhythm_of(
        rng, s, ((0.5, 0.25, 0.25, 0.5, 0.5), (0.75, 0.75, 0.5), (0.25,) * 8, (0.5,) * 4)
    )
    return [
        Note(start, length, int(rng.choice(keys)), velocity_near(rng, s, 10 if beat else -4))
        for start, length, beat in rhythm
    ]


def ride(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A ride cymbal keeping time."""
    return _patterned(rng, s, RIDES)


def hi_hat(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A hi-hat keeping time."""
    return _patterned(rng, s, HATS)


def crashes(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Crash, splash and china cymbals struck and left to ring."""
    pieces = [CRASH, CRASH_2, CRASH, CRASH_2, SPLASH, CHINA]
    out, at = [], float(rng.uniform(0, 0.1))
    while at < s.duration_s:
        out.append(Note(at, 2.0, int(rng.choice(pieces)), velocity_near(rng, s, 8)))
        at += float(rng.uniform(0.35, 0.85))
    return out


def cymbal_roll(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A roll with two mallets on a suspended cymbal."""
    keys = ((CRASH,), (CRASH_2,), (RIDE,), (CRASH, CRASH_2))[rng.integers(4)]
    return _rolled(rng, s, keys, float(rng.uniform(6, 10)))


FIGURES: dict[str, Figure] = {
    **LINES_AND_CHORDS,
    "strum": strum,
    "fingerpicking": fingerpicking,
    "roll": roll,
    "power chords": power_chords,
    "groove": groove,
    "fill": fill,
    "drum roll": drum_roll,
    "hand drums": hand_drums,
    "ride": ride,
    "hi-hat": hi_hat,
    "crashes": crashes,
    "cymbal roll": cymbal_roll,
}
