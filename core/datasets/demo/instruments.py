"""The demo corpus's eighteen instruments: General MIDI programs, registers, ways of playing.

The tables are in `instruments.toml`. A class has several programs where General MIDI has several.
Each program has a range and a style. A style (`bowed`, `brass`, `cymbals`, ...) names the figures
that it plays (of `phrases` and `patterns`), each with the articulations that suit the figure.
"""

from dataclasses import dataclass
from typing import Any

from core.datasets.demo import tables

PERCUSSION_BANK = 128


@dataclass(frozen=True)
class Program:
    """One General MIDI program and how it is played.

    `number` is the program (a drum kit in bank 128); `low` and `high` are the range in MIDI keys.
    `transpose` plays the sample of a key that many semitones lower, faster: this moves the body's
    resonances too, as on a smaller instrument. `courses` = 2 doubles every string (or reed),
    slightly detuned; `layer` is a second program that plays along, `layer_db` louder. `rings`: a
    note dies away by itself. `strings` are the open strings of a fretted instrument.
    """

    name: str
    number: int
    style: str
    low: int
    high: int
    bank: int = 0
    weight: float = 1.0
    strings: tuple[int, ...] = ()
    rings: bool = False
    transpose: int = 0
    courses: int = 1
    layer: int | None = None
    layer_db: float = 0.0


@dataclass(frozen=True)
class Articulation:
    """How notes are joined, bent and shaken.

    The sounded length is the nominal one times `gate`, plus `overlap_s`. `vibrato_cents`,
    `glide_s`, `restrike_hz` (a note is repeated within its length) and `shake_hz` (of the loudness)
    are ranges to draw from. A glide starts one of `glide_semitones` away from its note, with
    `portamento` at the note before. `swells`: the phrase gets louder, then softer.
    """

    gate: float = 1.0
    overlap_s: float = 0.0
    accent: float = 0.0
    vibrato_cents: tuple[float, float] = (0.0, 0.0)
    glide_semitones: tuple[float, ...] = ()
    glide_s: tuple[float, float] = (0.06, 0.14)
    portamento: bool = False
    restrike_hz: tuple[float, float] = (0.0, 0.0)
    shake_hz: tuple[float, float] = (0.0, 0.0)
    swells: bool = False


def _program(row: dict[str, Any]) -> Program:
    return Program(**row | {"strings": tuple(_TABLES["tunings"].get(row.get("strings"), ()))})


_TABLES = tables.load("instruments")
INSTRUMENTS: dict[str, list[Program]] = {
    name: [_program(row) for row in rows] for name, rows in _TABLES["programs"].items()
}
CLASSES: tuple[str, ...] = tuple(INSTRUMENTS)
APPROXIMATED: dict[str, str] = _TABLES["approximated"]
SKEW: dict[str, float] = _TABLES["skew"]
ARTICULATIONS = {name: Articulation(**row) for name, row in _TABLES["articulations"].items()}
STYLES: dict[str, dict[str, list[str]]] = _TABLES["styles"]
PICK_DB: dict[str, float] = _TABLES["pick_db"]
BREATH_DB: dict[str, float] = _TABLES["breath_db"]
# Of each kind the patterns: key -> sixteen steps.
DRUM_PATTERNS: dict[str, list[dict[int, str]]] = {
    kind: [{_TABLES["percussion"][piece]: row[piece] for piece in row} for row in rows]
    for kind, rows in _TABLES["patterns"].items()
}
