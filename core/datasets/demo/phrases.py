"""Short musical figures written as notes: melodies, held notes, arpeggios, chords.

A figure is a function `(rng, setting)` that yields notes. It fills `setting.duration_s` seconds
within the keys `setting.low` to `setting.high`, with no gap longer than about a second, because
one-second windows are cut from the sound. Keys are MIDI note numbers (60 is middle C), times and
lengths are seconds, velocities 1 to 127. Lengths are nominal: `core.datasets.demo.sounds` applies
the articulation. `rng` alone decides. `core.datasets.demo.patterns` has the figures of plucked
strings and percussion.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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

Rhythm = list[tuple[float, float, bool]]  # start_s, length_s, on the beat
Bars = list[tuple[float, float, int]]  # start_s, length_s, degree of the scale


class Note(NamedTuple):
    """One note: onset and nominal length in seconds, MIDI key, velocity 1 to 127."""

    start_s: float
    length_s: float
    key: int
    velocity: int


@dataclass(frozen=True)
class Setting:
    """The frame of a figure: length, tempo, scale, register.

    `strings` are the open strings (MIDI keys, in playing order) of fretted instruments, empty for
    all others; `rings` says that a note dies away by itself, so that it has to be repeated.
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
        return self._keys([(self.tonic + step) % 12 for step in SCALES[self.mode]])

    def chord(self, degree: int) -> list[int]:
        """The pitch classes of the triad on a degree of the scale, root first."""
        steps = SCALES[self.mode]
        return [(self.tonic + steps[(degree + third) % 7]) % 12 for third in (0, 2, 4)]

    def chord_keys(self, degree: int) -> list[int]:
        """The keys of the triad on a degree within the register, ascending; at least 3."""
        classes = self.chord(degree)
        keys = self._keys(classes)
        while len(keys) < 3:
            keys.append(next_key(keys[-1] + 1, classes))
        return keys

    def _keys(self, classes: Sequence[int]) -> list[int]:
        return [key for key in range(self.low, self.high + 1) if key % 12 in classes]


Figure = Callable[[np.random.Generator, Setting], Iterable[Note]]


def next_key(key: int, classes: Sequence[int]) -> int:
    """The lowest key at or above `key` whose pitch class is among `classes`."""
    return next(k for k in range(key, key + 12) if k % 12 in classes)


def note(
    rng: np.random.Generator,
    s: Setting,
    start_s: float,
    length_s: float,
    key: int,
    accent: float = 0.0,
) -> Note:
    """A note whose velocity is near that of the setting, plus `accent`."""
    velocity = int(np.clip(s.velocity + accent + rng.normal(0, 5), 12, 127))
    return Note(start_s, length_s, key, velocity)


def rhythm_of(rng: np.random.Generator, s: Setting, patterns: Sequence[Sequence[float]]) -> Rhythm:
    """Onsets and lengths that fill the phrase with one bar's pattern.

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


def bars_of(rng: np.random.Generator, s: Setting, beats: float) -> Bars:
    """The chords of a progression, `beats` each, that fill the phrase."""
    progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    first = int(rng.integers(len(progression)))
    length_s = beats * s.beat_s
    n = int(np.ceil(s.duration_s / length_s))
    return [(i * length_s, length_s, progression[(first + i) % len(progression)]) for i in range(n)]


def degree_at(bars: Bars, time_s: float) -> int:
    """The degree of the chord at a time."""
    return bars[min(int(time_s / bars[0][1]), len(bars) - 1)][2]


def steps_of(start_s: float, length_s: float, part_s: float) -> Iterator[tuple[int, float]]:
    """The numbers and onsets of the equal parts of a bar."""
    return ((i, start_s + i * part_s) for i in range(round(length_s / part_s)))


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
    """`n` rungs of a ladder: mostly steps, some leaps; it turns back at both ends."""
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


def melody(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A tune in scale steps and small leaps."""
    ladder, rhythm = s.ladder(), rhythm_of(rng, s, MELODIC)
    rungs = _walk(rng, len(ladder), len(rhythm))
    for (start, length, beat), rung in zip(rhythm, rungs, strict=True):
        yield note(rng, s, start, length, ladder[rung], 8 * beat)


def held_note(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """One to three long notes."""
    ladder, n = s.ladder(), int(rng.integers(1, 4))
    edges = np.linspace(0, s.duration_s, n + 1)
    edges[1:-1] += rng.uniform(-0.15, 0.15, n - 1)
    for start, end, rung in zip(edges, edges[1:], _walk(rng, len(ladder), n), strict=False):
        yield note(rng, s, float(start), float(end - start), ladder[rung])


def arpeggio(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Chord notes one after another, up, down or up and down."""
    part = s.beat_s / int(rng.choice([2, 3, 4] if s.beat_s > 0.55 else [2, 2, 3]))
    shape = rng.integers(3)
    for start, length, degree in bars_of(rng, s, float(rng.choice([2, 4]))):
        keys = s.chord_keys(degree)[: int(rng.integers(4, 8))]
        keys = keys[::-1] if shape == 1 else keys + keys[-2:0:-1] if shape == 2 else keys
        for i, at in steps_of(start, max(length, part), part):
            yield note(rng, s, at, part, keys[i % len(keys)], 6 * (i == 0))


def run(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Fast scales up and down."""
    ladder = s.ladder()
    part = max(0.075, s.beat_s / 4)
    at, way = int(rng.integers(len(ladder))), int(rng.choice([-1, 1]))
    for i in range(int(np.ceil(s.duration_s / part))):
        yield note(rng, s, i * part, part, ladder[at], 6 * (i % 4 == 0))
        if not 0 <= at + way < len(ladder) or rng.random() < 0.08:
            way = -way
        at = int(np.clip(at + way, 0, len(ladder) - 1))


def trill(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A long note, trilled with its upper neighbour, then resolved."""
    ladder = s.ladder()
    part = 1 / float(rng.uniform(10, 15))
    n = int(s.duration_s * float(rng.uniform(0.45, 0.9)) / part)
    at = int(rng.integers(0, len(ladder) - 1))
    for i in range(n):
        yield note(rng, s, i * part, part, ladder[at + i % 2])
    yield note(rng, s, n * part, s.duration_s - n * part, ladder[at])


def repeated_notes(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A riff on one or two tones, repeated quickly."""
    ladder = s.ladder()
    at = int(rng.integers(0, len(ladder) - 1))
    rhythm = rhythm_of(rng, s, ((0.5,) * 4, (0.25, 0.25, 0.5), (1 / 3,) * 3, (0.5, 0.25, 0.25)))
    for start, length, beat in rhythm:
        yield note(rng, s, start, length, ladder[at + int(rng.random() < 0.2)], 10 * beat)


def fanfare(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A call on the notes of one chord, dotted or in triplets, ending on a longer note."""
    keys = s.chord_keys(0)
    rhythm = rhythm_of(
        rng, s, ((0.75, 0.25, 1, 1), (1 / 3, 1 / 3, 1 / 3, 1), (0.5, 0.25, 0.25, 1, 2))
    )
    rungs = _walk(rng, len(keys), len(rhythm), reach=1.5)
    for (start, length, _), rung in zip(rhythm, rungs, strict=True):
        yield note(rng, s, start, length, keys[rung], 12 if length > s.beat_s / 2 else 4)


def sequence(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A machine's loop: an even pattern of four to eight sixteenths, repeated exactly."""
    keys = s.chord_keys(0) + s.chord_keys(5)[:2]
    loop = [keys[i] for i in rng.integers(0, len(keys), int(rng.integers(4, 9)))]
    part = s.beat_s / 4 if s.beat_s > 0.4 else s.beat_s / 2
    for i in range(int(np.ceil(s.duration_s / part))):
        yield Note(i * part, part, loop[i % len(loop)], s.velocity)


def bass_line(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Roots, fifths and octaves in the bottom of the register."""
    part = s.beat_s / 2
    for start, length, degree in bars_of(rng, s, 4):
        root = next_key(s.low, s.chord(degree)[:1])
        for i, at in steps_of(start, length, part):
            key = root + int(rng.choice([0, 0, 0, 12, 7]))
            yield note(rng, s, at, part, key, 8 * (i % 4 == 0))


# Chords


def _voicing(
    rng: np.random.Generator, s: Setting, degree: int, n: int, near: float | None = None
) -> list[int]:
    """`n` neighbouring chord keys, at random or as close as possible to a centre."""
    keys = s.chord_keys(degree)
    n = min(n, len(keys))
    n_choices = len(keys) - n + 1
    if near is None:
        first = int(rng.integers(0, n_choices))
    else:
        first = int(np.argmin([abs(np.mean(keys[i : i + n]) - near) for i in range(n_choices)]))
    return keys[first : first + n]


def _moving_chords(rng: np.random.Generator, s: Setting, n: int, beats: float) -> Iterator[Note]:
    """Chords of `n` notes, `beats` long, moving by the nearest voices."""
    near = None
    for start, length, degree in bars_of(rng, s, beats):
        keys = _voicing(rng, s, degree, n, near)
        near = float(np.mean(keys))
        yield from (note(rng, s, start, length, key) for key in keys)


def held_chords(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """One or two long chords."""
    n = int(rng.integers(3, 5))
    return _moving_chords(rng, s, n, max(1.0, s.duration_s / s.beat_s / int(rng.integers(1, 3))))


def hymn(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A chord on every beat or two."""
    return _moving_chords(rng, s, int(rng.integers(3, 5)), 1 if s.beat_s > 0.5 else 2)


def block_chords(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Chords in a rhythm."""
    rhythm = rhythm_of(rng, s, ((1, 1), (0.5, 0.5, 1), (1.5, 0.5, 1, 1), (0.75, 0.75, 0.5)))
    bars = bars_of(rng, s, 4)
    n = int(rng.integers(3, 6))
    for start, length, beat in rhythm:
        keys = _voicing(rng, s, degree_at(bars, start), n, (s.low + s.high) / 2)
        yield from (note(rng, s, start, length, key, 6 * beat) for key in keys)


def broken_chords(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """An Alberti figure: low, high, middle, high; the notes ring on."""
    part = s.beat_s / (2 if s.beat_s < 0.5 else 4)
    for start, length, degree in bars_of(rng, s, 4):
        keys = _voicing(rng, s, degree, 3)
        for i, at in steps_of(start, length, part):
            yield note(rng, s, at, part * 1.6, keys[(0, 2, 1, 2)[i % 4]], -4 * (i % 2))


def tune_with_accompaniment(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A melody above, held chords or a bass below."""
    middle = (s.low + s.high) // 2
    lower = replace(s, low=s.low - 7, high=middle, velocity=s.velocity - 12)
    below = list((held_chords, bass_line, broken_chords)[rng.integers(3)](rng, lower))
    yield from melody(rng, replace(s, low=middle, high=s.high + 5))
    yield from below


def oom_pah(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """Bass on one, chord on two (and three)."""
    beats = int(rng.choice([2, 3]))
    part = s.beat_s if s.beat_s < 0.5 else s.beat_s / 2
    for start, length, degree in bars_of(rng, s, beats * part / s.beat_s):
        yield note(rng, s, start, part, next_key(s.low - 12, s.chord(degree)[:1]), 8)
        keys = _voicing(rng, s, degree, 3, (s.low + s.high) / 2)
        for i, at in steps_of(start, length, part):
            if i:
                yield from (note(rng, s, at, part * 0.7, key) for key in keys)


def double_stops(rng: np.random.Generator, s: Setting) -> Iterator[Note]:
    """A slow melody in thirds and sixths."""
    ladder = s.ladder()
    rhythm = rhythm_of(rng, s, ((2, 1, 1), (1, 1), (1.5, 0.5)))
    gap = int(rng.choice([2, 5]))
    rungs = _walk(rng, max(1, len(ladder) - gap), len(rhythm))
    for (start, length, _), rung in zip(rhythm, rungs, strict=True):
        for add in (0, gap):
            yield note(rng, s, start, length, ladder[min(rung + add, len(ladder) - 1)])


def named(*figures: Figure) -> dict[str, Figure]:
    """Figures by their names in `instruments.toml`: `held_note` is "held note"."""
    return {figure.__name__.replace("_", " "): figure for figure in figures}


LINES = named(melody, held_note, arpeggio, run, trill, repeated_notes, fanfare, sequence, bass_line)
CHORDS = named(held_chords, hymn, block_chords, broken_chords, tune_with_accompaniment)
LINES_AND_CHORDS = LINES | CHORDS | named(double_stops) | {"oom-pah": oom_pah}
