"""Reads a SoundFont 2 bank: its samples, and the zones of a preset in plain units.

The zones of a preset refer to instruments, whose zones refer to samples. Both hold *generators*
(numbered settings): an instrument's are absolute, a preset's are added to them. The first zone of
either may be global. `SoundFont.zones` resolves this to one row (`ZONE`) for each sample that a
preset can play. The generators' numbers, units, limits and defaults are those of the SoundFont
Technical Specification 2.04, sections 7 and 8.1. Modulators are ignored.

    font = soundfont.load()
    zones = font.zones(bank=0, number=56)   # the trumpet's
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from core.errors import UserError

LOWEST_HZ = 8.176  # 0 cents: the pitch of key 0
MIDDLE_C = 60  # root key of a sample that states none
INSTANT_TIMECENTS = -11_950  # shorter times count as 0


def _seconds(timecents: int) -> float:
    return 0.0 if timecents <= INSTANT_TIMECENTS else float(2 ** (timecents / 1200))


def _hz(cents: int) -> float:
    return float(LOWEST_HZ * 2 ** (cents / 1200))


def _tenths(value: int) -> float:
    return value / 10


class ZoneGenerator(NamedTuple):
    """A generator's number, limits and default, and how its amount becomes plain units."""

    number: int
    low: int
    high: int
    default: int = 0
    unit: Callable[[int], float] = float


def _time(number: int, high: int) -> ZoneGenerator:
    return ZoneGenerator(number, -12_000, high, -12_000, _seconds)


# Envelopes in seconds (`sustain` a gain, `mod_sustain` a level from 0 to 1), `key_to_` in cents of
# time per key, `lfo_to_` and `mod_to_` in cents where the name states no other unit.
GENERATORS = {
    "delay_s": _time(33, 5_000),
    "attack_s": _time(34, 8_000),
    "hold_s": _time(35, 5_000),
    "decay_s": _time(36, 8_000),
    "sustain": ZoneGenerator(37, 0, 1_440, 0, lambda v: 10 ** (-v / 200) if v < 1_000 else 0.0),
    "release_s": _time(38, 8_000),
    "key_to_hold": ZoneGenerator(39, -1_200, 1_200),
    "key_to_decay": ZoneGenerator(40, -1_200, 1_200),
    "mod_delay_s": _time(25, 5_000),
    "mod_attack_s": _time(26, 8_000),
    "mod_hold_s": _time(27, 5_000),
    "mod_decay_s": _time(28, 8_000),
    "mod_sustain": ZoneGenerator(29, 0, 1_000, 0, lambda v: 1 - v / 1_000),
    "mod_release_s": _time(30, 8_000),
    "mod_key_to_hold": ZoneGenerator(31, -1_200, 1_200),
    "mod_key_to_decay": ZoneGenerator(32, -1_200, 1_200),
    "mod_to_pitch_cents": ZoneGenerator(7, -12_000, 12_000),
    "mod_to_filter_cents": ZoneGenerator(11, -12_000, 12_000),
    "lfo_delay_s": _time(21, 5_000),
    "lfo_hz": ZoneGenerator(22, -16_000, 4_500, 0, _hz),
    "lfo_to_pitch_cents": ZoneGenerator(5, -12_000, 12_000),
    "lfo_to_filter_cents": ZoneGenerator(10, -12_000, 12_000),
    "lfo_to_volume_db": ZoneGenerator(13, -960, 960, 0, _tenths),
    "vibrato_delay_s": _time(23, 5_000),
    "vibrato_hz": ZoneGenerator(24, -16_000, 4_500, 0, _hz),
    "vibrato_to_pitch_cents": ZoneGenerator(6, -12_000, 12_000),
    "filter_cents": ZoneGenerator(8, 1_500, 13_500, 13_500),
    "filter_q_db": ZoneGenerator(9, 0, 960, 0, _tenths),
    "attenuation_db": ZoneGenerator(48, 0, 1_440, 0, _tenths),
    "cents_per_key": ZoneGenerator(56, 0, 1_200, 100),
    "exclusive_class": ZoneGenerator(57, 0, 127),
}
POSITIONS = {  # sample positions: the generators of their fine and coarse (32,768) offsets
    "start": (0, 4),
    "end": (1, 12),
    "loop_start": (2, 45),
    "loop_end": (3, 50),
}
KEYS, VELOCITIES, INSTRUMENT, SAMPLE = 43, 44, 41, 53
COARSE_TUNE, FINE_TUNE, LOOP_MODE, ROOT_KEY = 51, 52, 54, 58
# Generators that only an instrument sets: a preset does not add to them (section 8.5).
INSTRUMENTS_OWN = {0, 1, 2, 3, 4, 12, 45, 46, 47, 50, 54, 57, 58}

# One sample of a preset. Keys and velocities are inclusive ranges; `end` and `loop_end` are just
# behind the last sample; `loop_mode` is 0 never, 1 always, 3 until the key is released. There is no
# pan: the sound is mono.
ZONE = np.dtype(
    [
        *((name, "i4") for name in ("low_key", "high_key", "low_velocity", "high_velocity")),
        *((name, "i8") for name in POSITIONS),
        *((name, "i4") for name in ("loop_mode", "root_key")),
        *((name, "f8") for name in ("rate_hz", "tuning_cents", *GENERATORS)),
    ]
)

_BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
_GENERATOR = np.dtype([("number", "<u2"), ("amount", "<i2")])
RECORDS = {
    "phdr": np.dtype(
        [("name", "S20"), ("number", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("unused", "V12")]
    ),
    "pbag": _BAG,
    "pgen": _GENERATOR,
    "inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    "ibag": _BAG,
    "igen": _GENERATOR,
    "shdr": np.dtype(
        [
            ("name", "S20"),
            *((name, "<u4") for name in ("start", "end", "loop_start", "loop_end", "rate_hz")),
            *(("root_key", "u1"), ("correction_cents", "i1"), ("link", "<u2"), ("kind", "<u2")),
        ]
    ),
}

Range = tuple[int, int]


class Bag(NamedTuple):
    """A zone as the file has it; `target` is the instrument or sample that it refers to."""

    amounts: dict[int, int]
    keys: Range
    velocities: Range
    target: int | None


@dataclass
class SoundFont:
    """A bank: `samples` (n,) float32 in [-1, 1], and the records of the file by chunk name."""

    samples: np.ndarray
    records: dict[str, np.ndarray]
    _zones: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def zones(self, bank: int, number: int) -> np.ndarray:
        """All samples that one preset can play, (n,) `ZONE`; UserError for an unknown preset."""
        key = (bank, number)
        if key not in self._zones:
            headers = self.records["phdr"][:-1]
            found = np.flatnonzero((headers["bank"] == bank) & (headers["number"] == number))
            if not len(found):
                raise UserError(
                    f"The soundfont has no preset {number} in bank {bank}: "
                    f"it has {len(headers)} others."
                )
            rows = [
                _zone(self, own, added)
                for added in self._bags("p", "phdr", int(found[0]), INSTRUMENT)
                for own in self._instrument(added)
            ]
            self._zones[key] = np.array(rows, ZONE)
        return self._zones[key]

    def _instrument(self, added: Bag) -> Iterator[Bag]:
        """The zones of the instrument that a preset's zone refers to, within its ranges."""
        if added.target is None or added.target >= len(self.records["inst"]) - 1:
            return
        for own in self._bags("i", "inst", added.target, SAMPLE):
            keys = _overlap(own.keys, added.keys)
            velocities = _overlap(own.velocities, added.velocities)
            known = own.target is not None and own.target < len(self.records["shdr"]) - 1
            if known and keys[0] <= keys[1] and velocities[0] <= velocities[1]:
                yield own._replace(keys=keys, velocities=velocities)

    def _bags(self, level: str, header: str, row: int, refers: int) -> Iterator[Bag]:
        """The zones of a preset ("p") or instrument ("i"), with the global one applied."""
        bags, generators = self.records[f"{level}bag"], self.records[f"{level}gen"]
        first, last = (int(self.records[header][row + i]["bag"]) for i in (0, 1))
        if not 0 <= first <= last < len(bags):
            raise UserError("The soundfont is damaged: a zone is outside its table.")
        shared = Bag({}, (0, 127), (0, 127), None)
        for at in range(first, last):
            bag = shared._replace(amounts=dict(shared.amounts))
            start, stop = (int(bags[at + i]["generator"]) for i in (0, 1))
            for number, amount in generators[start:stop].tolist():
                low_high = (amount & 0x7F, amount >> 8 & 0x7F)
                if number == KEYS:
                    bag = bag._replace(keys=low_high)
                elif number == VELOCITIES:
                    bag = bag._replace(velocities=low_high)
                elif number == refers:
                    bag = bag._replace(target=amount & 0xFFFF)
                else:
                    bag.amounts[number] = amount
            if bag.target is not None:
                yield bag
            elif at == first:
                shared = bag


def _overlap(a: Range, b: Range) -> Range:
    return max(a[0], b[0]), min(a[1], b[1])


def _zone(font: SoundFont, own: Bag, added: Bag) -> tuple[Any, ...]:
    """One row of `ZONE`: an instrument's zone with a preset's generators added."""
    header = font.records["shdr"][own.target]

    def amount(number: int, default: int = 0) -> int:
        extra = 0 if number in INSTRUMENTS_OWN else added.amounts.get(number, 0)
        return own.amounts.get(number, default) + extra

    def position(name: str, fine: int, coarse: int) -> int:
        at = int(header[name]) + amount(fine) + 32_768 * amount(coarse)
        return min(max(at, 0), len(font.samples))

    root, sampled = amount(ROOT_KEY, -1), int(header["root_key"])
    row: dict[str, float] = {
        **dict(zip(("low_key", "high_key"), own.keys, strict=True)),
        **dict(zip(("low_velocity", "high_velocity"), own.velocities, strict=True)),
        **{name: position(name, *offsets) for name, offsets in POSITIONS.items()},
        "loop_mode": {1: 1, 3: 3}.get(amount(LOOP_MODE) & 3, 0),
        "root_key": root if 0 <= root <= 127 else sampled if sampled <= 127 else MIDDLE_C,
        "rate_hz": int(header["rate_hz"]),
        "tuning_cents": 100 * amount(COARSE_TUNE)
        + amount(FINE_TUNE)
        + int(header["correction_cents"]),
        **{
            name: g.unit(min(max(amount(g.number, g.default), g.low), g.high))
            for name, g in GENERATORS.items()
        },
    }
    if row["loop_end"] - row["loop_start"] < 2 or row["loop_end"] > row["end"]:
        row["loop_mode"] = 0
    return tuple(row[name] for name in ZONE.names or ())


def read(data: bytes) -> SoundFont:
    """The bank in the bytes of an `.sf2` file.

    Raises UserError when they are no SoundFont 2 bank, or cut off.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise UserError("This is no SoundFont 2 bank: it does not begin with RIFF and sfbk.")
    chunks = {
        name: data[start:end]
        for _, list_start, list_end in _chunks(data, 12, len(data))
        for name, start, end in _chunks(data, list_start + 4, list_end)
    }
    missing = [name for name in ("smpl", *RECORDS) if name not in chunks]
    if missing:
        raise UserError(f"The soundfont is damaged: its chunk {missing[0]!r} is missing.")
    records = {}
    for name, dtype in RECORDS.items():
        if not chunks[name] or len(chunks[name]) % dtype.itemsize:
            raise UserError(f"The soundfont is damaged: its chunk {name!r} is cut off.")
        records[name] = np.frombuffer(chunks[name], dtype)
    whole = chunks["smpl"][: len(chunks["smpl"]) // 2 * 2]
    return SoundFont(np.frombuffer(whole, "<i2").astype(np.float32) / 32_768, records)


def _chunks(data: bytes, at: int, end: int) -> Iterator[tuple[str, int, int]]:
    """The name, start and end of each chunk between two positions."""
    while at + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > end:
            raise UserError("The soundfont is damaged: it ends within a chunk.")
        yield name.decode("latin-1"), at + 8, at + 8 + size
        at += 8 + size + size % 2


@lru_cache(maxsize=1)
def load() -> SoundFont:
    """The General MIDI bank inside `pretty_midi`, read once per process.

    Raises UserError when it is not installed.
    """
    spec = find_spec("pretty_midi")
    path = Path(spec.origin).parent / "TimGM6mb.sf2" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise UserError(
            "The soundfont TimGM6mb.sf2 was not found, but the demo's sounds need it: run "
            "`.venv/bin/pip install -r requirements.txt`, whose pretty_midi contains it."
        )
    return read(path.read_bytes())
