"""The demo corpus's sounds: short phrases of W's eighteen instruments, rendered offline.

    samples, phrase = render("trumpet", np.random.default_rng(7))

A phrase is composed (`instruments` says what suits the instrument, `patterns` writes the
notes), played with the General MIDI soundfont that ships inside `pretty_midi` (`player`, through
the synthesiser in `synth`), and recorded in a synthetic room with noise (`rooms`). What was
rendered comes back as a `Phrase` of plain facts. The generator alone decides: the same state gives
the same samples, in any process and after any other render.

Sounds are mono float32 in [-1, 1]. Which classes General MIDI lacks: `APPROXIMATED`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.demo.instruments import APPROXIMATED, CLASSES, INSTRUMENTS, PERCUSSION_BANK
from core.datasets.demo.patterns import FIGURES
from core.datasets.demo.phrases import SCALES, Note, Setting
from core.datasets.demo.player import Part, contour_at, play
from core.datasets.demo.rooms import Take, draw_take, record
from core.datasets.demo.styles import ARTICULATIONS, STYLES, Articulation
from core.errors import UserError

__all__ = ["APPROXIMATED", "CLASSES", "Phrase", "mix", "render"]

DYNAMICS = {"pp": (40, -29), "p": (54, -26), "mp": (66, -24), "mf": (80, -22), "f": (98, -19)}
DYNAMICS["ff"] = (114, -17)
REGISTERS = ("low", "middle", "high")
CONTOURS = ("steady", "steady", "crescendo", "diminuendo", "swell")
KEY_NAMES = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")
BACKING = ("piano", "guitar", "organ", "synthesizer", "drums", "cello", "accordion")


@dataclass(frozen=True)
class Phrase:
    """What was rendered, as facts from which a caption can be written.

    `key` is empty for percussion and `backing` where nothing plays along quietly; `snr_db` is the
    ratio of music to background noise; `level_dbfs` the RMS level aimed at (a clip that would pass
    the peak limit is quieter); `approximated` says that General MIDI lacks the instrument.
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


def _choose(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


# Composing


def _compose(
    class_name: str, rng: np.random.Generator, duration_s: float, along: Part | None = None
) -> Part:
    """A part for one instrument; with `along` in that part's key and tempo."""
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
        tempo, tonic, mode = along.tempo_bpm, along.setting.tonic, along.setting.mode
    span = program.high - program.low
    width = min(span, max(14, span // 2))
    low = program.low + {"low": 0, "middle": (span - width) // 2, "high": span - width}[register]
    setting = Setting(
        duration_s=duration_s,
        beat_s=60 / tempo,
        tonic=tonic,
        mode=mode,
        low=low,
        high=low + width,
        velocity=DYNAMICS[dynamics][0],
        strings=program.strings,
        rings=program.rings,
    )
    notes = FIGURES[figure](rng, setting)
    if program.bank == PERCUSSION_BANK:
        low_pieces = np.mean([note.key in (35, 36, 41, 43, 45) for note in notes])
        register = "high" if class_name == "cymbals" else "low" if low_pieces > 0.4 else "middle"
    return Part(
        class_name,
        program,
        setting,
        _articulate(rng, notes, ARTICULATIONS[articulation], contour, duration_s),
        articulation,
        figure,
        register,
        dynamics,
        contour,
        tempo,
    )


def _articulate(
    rng: np.random.Generator, notes: list[Note], how: Articulation, contour: str, duration_s: float
) -> list[Note]:
    """The notes with their sounded lengths and velocities, restruck where the playing asks."""
    hz = float(rng.uniform(*how.restrike_hz)) if how.restrike_hz[1] else 0.0
    out = []
    for note in notes:
        if not 0 <= note.start_s < duration_s:
            continue
        level = float(contour_at(contour, np.array(note.start_s / duration_s)))
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


def _facts(part: Part, take: Take, backing: str) -> Phrase:
    s = part.setting
    pitched = part.program.bank != PERCUSSION_BANK and part.class_name != "drums"
    return Phrase(
        class_name=part.class_name,
        program=part.program.name,
        register=part.register,
        figure=part.figure,
        articulation=part.articulation,
        dynamics=part.dynamics,
        contour=part.contour,
        tempo_bpm=part.tempo_bpm,
        key=f"{KEY_NAMES[s.tonic]} {s.mode}" if pitched else "",
        room=take.room,
        recording=take.recording,
        noise=take.noise,
        snr_db=take.snr_db,
        level_dbfs=take.level_dbfs,
        backing=backing,
        approximated=part.class_name in APPROXIMATED,
        duration_s=s.duration_s,
    )


# Public


def _check(class_names: Sequence[str], duration_s: float, rate_hz: int) -> None:
    for class_name in class_names:
        if class_name not in INSTRUMENTS:
            raise UserError(
                f"The demo has no instrument {class_name!r}: choose one of {', '.join(CLASSES)}."
            )
    if not 0.5 <= duration_s <= 30 or not 8_000 <= rate_hz <= 96_000:
        raise UserError(
            f"A phrase of {duration_s} s at {rate_hz} Hz cannot be rendered: "
            "ask for 0.5 to 30 s at 8,000 to 96,000 Hz."
        )


def _render(
    parts: Sequence[tuple[Part, float]], rng: np.random.Generator, duration_s: float, rate_hz: int
) -> tuple[np.ndarray, Take]:
    """Parts with their levels in dB played together in one room, (n,) float32."""
    n = round(duration_s * rate_hz)
    oversampling = 2 if rate_hz < 40_000 else 1
    sound = np.zeros(n * oversampling, np.float32)
    for part, level_db in parts:
        sound += np.float32(10 ** (level_db / 20)) * play(
            rng, part, len(sound), rate_hz * oversampling
        )
    take = draw_take(rng, DYNAMICS[parts[0][0].dynamics][1])
    return record(rng, sound, take, n, rate_hz, oversampling), take


def render(
    class_name: str,
    rng: np.random.Generator,
    *,
    duration_s: float = 2.5,
    rate_hz: int = 22_050,
) -> tuple[np.ndarray, Phrase]:
    """One phrase of one instrument, and the facts about it.

    Returns `(samples, phrase)`, samples (round(duration_s * rate_hz),) float32, |sample| <= 0.95.
    About one phrase in seven has a second instrument far behind it (`phrase.backing`).
    Raises UserError for a class that is not among `CLASSES` and for an absurd duration or rate.
    """
    _check((class_name,), duration_s, rate_hz)
    part = _compose(class_name, rng, duration_s)
    parts, backing = [(part, 0.0)], ""
    if rng.random() < 0.15:
        backing = _choose(rng, [name for name in BACKING if name != class_name])
        parts.append((_compose(backing, rng, duration_s, along=part), -float(rng.uniform(13, 22))))
    samples, take = _render(parts, rng, duration_s, rate_hz)
    return samples, _facts(part, take, backing)


def mix(
    class_names: tuple[str, str],
    rng: np.random.Generator,
    *,
    duration_s: float = 2.5,
    rate_hz: int = 22_050,
) -> tuple[np.ndarray, tuple[Phrase, Phrase]]:
    """Two instruments playing together in one key, tempo and room, for clips with two labels.

    Their levels differ by at most 4 dB, so that both are heard. Returns samples as `render` does
    and one `Phrase` for each, in the order of `class_names`. Raises UserError as `render` does, and
    when the two names are not two different ones.
    """
    _check(class_names, duration_s, rate_hz)
    if len(class_names) != 2 or class_names[0] == class_names[1]:
        raise UserError(
            f"A mix of {', '.join(class_names) or 'nothing'} was asked for: "
            "name two different instruments."
        )
    first = _compose(class_names[0], rng, duration_s)
    second = _compose(class_names[1], rng, duration_s, along=first)
    balance_db = float(rng.uniform(-4, 4))
    samples, take = _render(((first, 0.0), (second, balance_db)), rng, duration_s, rate_hz)
    return samples, (_facts(first, take, ""), _facts(second, take, ""))
