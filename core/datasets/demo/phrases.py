"""Short musical figures written as notes: strums, melodies, rolls, grooves, held chords.

A figure is a function `(rng, setting) -> list[Note]`. It fills `setting.duration_s` seconds
within the keys `setting.low` to `setting.high`, and leaves no gap longer than about a second, since
one-second windows are cut from what is rendered. Keys are MIDI note numbers (60 is middle C),
times and lengths are seconds, velocities 1 to 127. Figures say when a note ends *nominally*;
`core.datasets.demo.sounds` applies the articulation. All randomness comes from the generator.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
PROGRESSIONS = ((0, 4, 5, 3), (0, 3, 4, 0), (1, 4, 0, 5), (0, 5, 3, 4), (5, 3, 0, 4), (0, 6, 3, 0))


class Note(NamedTuple):
    """One note: onset and nominal length in seconds, MIDI key, velocity 1 to 127."""

    start_s: float
    length_s: float
    key: int
    velocity: int


@dataclass(frozen=True)
class Setting:
    """What a figure is written for.

    `strings` are the open strings (MIDI keys, in playing order) of fretted instruments, empty for
    all others; `rings` says that a note dies away by itself, so that it has to be struck again.
    """

    duration_s: float
    beat_s: float
    tonic: int
    mode: str
    low: int
    high: int
    velocity: int
    strings: tuple[int, ...] = ()
    rings: bool = False

    @property
    def longest_s(self) -> float:
        """The longest time between two onsets."""
        return 0.55 if self.rings else 1.1

    def ladder(self) -> list[int]:
        """The keys of the scale within the register, ascending."""
        classes = {(self.tonic + step) % 12 for step in SCALES[self.mode]}
        return [key for key in range(self.low, self.high + 1) if key % 12 in classes]

    def chord(self, degree: int) -> tuple[int, ...]:
        """The pitch classes of the triad on a degree of the scale, root first."""
        steps = SCALES[self.mode]
        return tuple((self.tonic + steps[(degree + third) % 7]) % 12 for third in (0, 2, 4))

    def chord_keys(self, degree: int) -> list[int]:
        """The keys of the triad on a degree within the register, ascending; never fewer than 3."""
        classes = self.chord(degree)
        keys = [key for key in range(self.low, self.high + 1) if key % 12 in classes]
        while len(keys) < 3:
            keys.append(keys[-3] + 12 if len(keys) > 2 else next_key(keys[-1] + 1, classes))
        return keys


Figure = Callable[[np.random.Generator, Setting], list[Note]]


def next_key(key: int, classes: Sequence[int]) -> int:
    """The lowest key at or above `key` whose pitch class is among `classes`."""
    return next(k for k in range(key, key + 12) if k % 12 in classes)


def velocity_near(rng: np.random.Generator, s: Setting, accent: float = 0.0) -> int:
    return int(np.clip(s.velocity + accent + rng.normal(0, 5), 12, 127))


def rhythm_of(
    rng: np.random.Generator, s: Setting, patterns: Sequence[Sequence[float]]
) -> list[tuple[float, float, bool]]:
    """`(start_s, length_s, on the beat)` of notes that fill the phrase with one bar's pattern.

    Patterns count in beats. A value longer than `longest_s` is halved until it is not.
    """
    pattern = patterns[int(rng.integers(len(patterns)))]
    lengths: list[float] = []
    for beats in pattern:
        parts = 1
        while beats * s.beat_s / parts > s.longest_s:
            parts *= 2
        lengths += [beats / parts] * parts
    out = []
    at, i = -float(rng.uniform(0, 0.06)) / s.beat_s, int(rng.integers(len(lengths)))
    while at * s.beat_s < s.duration_s:
        length = lengths[i % len(lengths)]
        start = max(0.0, at * s.beat_s + float(rng.normal(0, 0.004)))
        out.append((start, max(0.05, length * s.beat_s), i % len(lengths) == 0))
        at, i = at + length, i + 1
    return out


def bars_of(rng: np.random.Generator, s: Setting, beats: float) -> list[tuple[float, float, int]]:
    """`(start_s, length_s, degree)` of the chords of a progression that fills the phrase."""
    progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    first = int(rng.integers(len(progression)))
    length_s = beats * s.beat_s
    n = int(np.ceil(s.duration_s / length_s))
    return [(i * length_s, length_s, progression[(first + i) % len(progression)]) for i in range(n)]


MELODIC = (
    (1, 1, 0.5, 0.5, 1),
    (0.5,) * 8,
    (1.5, 0.5, 1, 1),
    (0.75, 0.25, 0.75, 0.25, 1, 1),
    (1 / 3,) * 6 + (1, 1),
    (2, 1, 1),
    (1, 0.5, 0.5, 1, 0.25, 0.25, 0.5),
)


def _walk(rng: np.random.Generator, n_rungs: int, n: int, reach: float = 1.0) -> list[int]:
    """`n` rungs of a ladder: mostly steps, some leaps, turned back at both ends."""
    at = int(rng.integers(n_rungs // 4, max(n_rungs // 4 + 1, 3 * n_rungs // 4)))
    steps = np.array([-4, -3, -2, -1, 0, 1, 2, 3, 4])
    weights = np.array([1, 2, 4, 8, 2, 8, 4, 2, 1]) ** (1 / reach)
    out = []
    for _ in range(n):
        out.append(at)
        at += int(rng.choice(steps, p=weights / weights.sum()))
        at = -at if at < 0 else 2 * (n_rungs - 1) - at if at >= n_rungs else at
        at = int(np.clip(at, 0, n_rungs - 1))
    return out


# One line


def melody(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A tune in scale steps and small leaps."""
    ladder, rhythm = s.ladder(), rhythm_of(rng, s, MELODIC)
    rungs = _walk(rng, len(ladder), len(rhythm))
    return [
        Note(start, length, ladder[rung], velocity_near(rng, s, 8 if beat else 0))
        for (start, length, beat), rung in zip(rhythm, rungs, strict=True)
    ]


def held(rng: np.random.Generator, s: Setting) -> list[Note]:
    """One to three long notes."""
    ladder, n = s.ladder(), int(rng.integers(1, 4))
    edges = np.linspace(0, s.duration_s, n + 1)
    edges[1:-1] += rng.uniform(-0.15, 0.15, n - 1)
    rungs = _walk(rng, len(ladder), n)
    return [
        Note(float(a), float(b - a), ladder[rung], velocity_near(rng, s))
        for a, b, rung in zip(edges[:-1], edges[1:], rungs, strict=True)
    ]


def arpeggio(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Chord notes one after another, up, down or up and down."""
    out = []
    part = s.beat_s / int(rng.choice([2, 3, 4] if s.beat_s > 0.55 else [2, 2, 3]))
    shape = rng.integers(3)
    for start, length, degree in bars_of(rng, s, float(rng.choice([2, 4]))):
        keys = s.chord_keys(degree)[: int(rng.integers(4, 8))]
        keys = keys[::-1] if shape == 1 else keys + keys[-2:0:-1] if shape == 2 else keys
        for i in range(max(1, round(length / part))):
            key = keys[i % len(keys)]
            out.append(Note(start + i * part, part, key, velocity_near(rng, s, 6 if i == 0 else 0)))
    return out


def run(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Fast scales up and down."""
    ladder = s.ladder()
    part = max(0.075, s.beat_s / 4)
    at, way = int(rng.integers(len(ladder))), int(rng.choice([-1, 1]))
    out = []
    for i in range(int(np.ceil(s.duration_s / part))):
        out.append(Note(i * part, part, ladder[at], velocity_near(rng, s, 6 if i % 4 == 0 else 0)))
        if not 0 <= at + way < len(ladder) or rng.random() < 0.08:
            way = -way
        at = int(np.clip(at + way, 0, len(ladder) - 1))
    return out


def trill(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A long note, trilled with its upper neighbour, then resolved or moved on."""
    ladder, out = s.ladder(), []
    part = 1 / float(rng.uniform(10, 15))
    edge = s.duration_s * float(rng.uniform(0.45, 0.9))
    at = int(rng.integers(0, len(ladder) - 1))
    for i in range(int(edge / part)):
        out.append(Note(i * part, part, ladder[at + i % 2], velocity_near(rng, s)))
    out.append(
        Note(len(out) * part, s.duration_s - len(out) * part, ladder[at], velocity_near(rng, s))
    )
    return out


def repeated(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A riff on one or two tones, repeated quickly."""
    ladder = s.ladder()
    at = int(rng.integers(0, len(ladder) - 1))
    rhythm = rhythm_of(rng, s, ((0.5,) * 4, (0.25, 0.25, 0.5), (1 / 3,) * 3, (0.5, 0.25, 0.25)))
    return [
        Note(
            start,
            length,
            ladder[at + int(rng.random() < 0.2)],
            velocity_near(rng, s, 10 if beat else 0),
        )
        for start, length, beat in rhythm
    ]


def fanfare(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A call on the notes of one chord, dotted or in triplets, ending on a longer note."""
    keys = s.chord_keys(0)
    rhythm = rhythm_of(
        rng, s, ((0.75, 0.25, 1, 1), (1 / 3, 1 / 3, 1 / 3, 1), (0.5, 0.25, 0.25, 1, 2))
    )
    rungs = _walk(rng, len(keys), len(rhythm), reach=1.5)
    return [
        Note(start, length, keys[rung], velocity_near(rng, s, 12 if length > s.beat_s / 2 else 4))
        for (start, length, _), rung in zip(rhythm, rungs, strict=True)
    ]


def sequence(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A machine's loop: an even pattern of four to eight sixteenths, repeated exactly."""
    keys = s.chord_keys(0) + s.chord_keys(5)[:2]
    loop = [keys[i] for i in rng.integers(0, len(keys), int(rng.integers(4, 9)))]
    part = s.beat_s / 4 if s.beat_s > 0.4 else s.beat_s / 2
    return [
        Note(i * part, part, loop[i % len(loop)], s.velocity)
        for i in range(int(np.ceil(s.duration_s / part)))
    ]


def bass_line(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Roots, fifths and octaves in the bottom of the register."""
    out = []
    part = s.beat_s / 2
    for start, length, degree in bars_of(rng, s, 4):
        root = next_key(s.low, s.chord(degree)[:1])
        for i in range(round(length / part)):
            key = root + int(rng.choice([0, 0, 0, 12, 7]))
            out.append(
                Note(start + i * part, part, key, velocity_near(rng, s, 8 if i % 4 == 0 else 0))
            )
    return out


# Chords


def _voicing(
    rng: np.random.Generator, s: Setting, degree: int, n: int, near: float | None = None
) -> list[int]:
    """`n` neighbouring chord keys, close to a centre when one is given."""
    keys = s.chord_keys(degree)
    n = min(n, len(keys))
    if near is None:
        first = int(rng.integers(0, len(keys) - n + 1))
    else:
        first = int(
            np.argmin([abs(np.mean(keys[i : i + n]) - near) for i in range(len(keys) - n + 1)])
        )
    return keys[first : first + n]


def held_chords(rng: np.random.Generator, s: Setting) -> list[Note]:
    """One or two long chords, moving by the nearest voices."""
    out: list[Note] = []
    n, near = int(rng.integers(3, 5)), None
    beats = max(1.0, s.duration_s / s.beat_s / int(rng.integers(1, 3)))
    for start, length, degree in bars_of(rng, s, beats):
        keys = _voicing(rng, s, degree, n, near)
        near = float(np.mean(keys))
        out += [Note(start, length, key, velocity_near(rng, s)) for key in keys]
    return out


def hymn(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A chord on every beat or two, its voices moving as little as they can."""
    out: list[Note] = []
    near = None
    n = int(rng.integers(3, 5))
    for start, length, degree in bars_of(rng, s, 1 if s.beat_s > 0.5 else 2):
        keys = _voicing(rng, s, degree, n, near)
        near = float(np.mean(keys))
        out += [Note(start, length, key, velocity_near(rng, s)) for key in keys]
    return out


def block_chords(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Chords in a rhythm."""
    rhythm = rhythm_of(rng, s, ((1, 1), (0.5, 0.5, 1), (1.5, 0.5, 1, 1), (0.75, 0.75, 0.5)))
    bars = bars_of(rng, s, 4)
    n = int(rng.integers(3, 6))
    out = []
    for start, length, beat in rhythm:
        degree = bars[min(int(start / bars[0][1]), len(bars) - 1)][2]
        keys = _voicing(rng, s, degree, n, (s.low + s.high) / 2)
        out += [Note(start, length, key, velocity_near(rng, s, 6 if beat else 0)) for key in keys]
    return out


def broken_chords(rng: np.random.Generator, s: Setting) -> list[Note]:
    """An Alberti figure: low, high, middle, high, left to ring."""
    out = []
    part = s.beat_s / (2 if s.beat_s < 0.5 else 4)
    for start, length, degree in bars_of(rng, s, 4):
        keys = _voicing(rng, s, degree, 3)
        for i in range(round(length / part)):
            key = keys[(0, 2, 1, 2)[i % 4]]
            out.append(Note(start + i * part, part * 1.6, key, velocity_near(rng, s, -4 * (i % 2))))
    return out


def tune(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A melody above, held chords or a bass below."""
    middle = (s.low + s.high) // 2
    upper = Setting(**{**s.__dict__, "low": middle, "high": s.high + 5})
    lower = Setting(**{**s.__dict__, "low": s.low - 7, "high": middle, "velocity": s.velocity - 12})
    below = (held_chords, bass_line, broken_chords)[rng.integers(3)](rng, lower)
    return melody(rng, upper) + below


def oom_pah(rng: np.random.Generator, s: Setting) -> list[Note]:
    """Bass on one, chord on two (and three)."""
    out = []
    beats = int(rng.choice([2, 3]))
    part = s.beat_s if s.beat_s < 0.5 else s.beat_s / 2
    for start, length, degree in bars_of(rng, s, beats * part / s.beat_s):
        out.append(
            Note(start, part, next_key(s.low - 12, s.chord(degree)[:1]), velocity_near(rng, s, 8))
        )
        keys = _voicing(rng, s, degree, 3, (s.low + s.high) / 2)
        for i in range(1, round(length / part)):
            out += [Note(start + i * part, part * 0.7, key, velocity_near(rng, s)) for key in keys]
    return out


def double_stops(rng: np.random.Generator, s: Setting) -> list[Note]:
    """A slow melody in thirds and sixths."""
    ladder = s.ladder()
    rhythm = rhythm_of(rng, s, ((2, 1, 1), (1, 1), (1.5, 0.5)))
    gap = int(rng.choice([2, 5]))
    rungs = _walk(rng, max(1, len(ladder) - gap), len(rhythm))
    return [
        Note(start, length, ladder[min(rung + add, len(ladder) - 1)], velocity_near(rng, s))
        for (start, length, _), rung in zip(rhythm, rungs, strict=True)
        for add in (0, gap)
    ]


LINES_AND_CHORDS: dict[str, Figure] = {
    "melody": melody,
    "held note": held,
    "arpeggio": arpeggio,
    "run": run,
    "trill": trill,
    "repeated notes": repeated,
    "fanfare": fanfare,
    "sequence": sequence,
    "bass line": bass_line,
    "held chords": held_chords,
    "hymn": hymn,
    "block chords": block_chords,
    "broken chords": broken_chords,
    "tune with accompaniment": tune,
    "oom-pah": oom_pah,
    "double stops": double_stops,
}
