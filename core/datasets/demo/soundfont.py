"""Reading a SoundFont 2 bank: its samples, and the zones of a preset in plain units.

A preset's zones refer to instruments, whose zones refer to samples; both carry *generators*
(numbers of what is played how), an instrument's absolute and a preset's added to them, and the
first zone of either may be global. `SoundFont.zones` resolves all that into one row (`ZONE`) for
each sample that a preset can sound. Numbers of generators, their units, limits and defaults are
those of the SoundFont Technical Specification 2.04, sections 7 and 8.1. Modulators are left out.

    font = soundfont.load()
    zones = font.zones(bank=0, number=56)   # the trumpet's
"""

import struct
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError

# One sample of a preset. Keys and velocities are inclusive ranges; positions are samples of the
# bank, `end` and `loop_end` just behind the last; envelopes in seconds (`sustain` a gain, or for
# `mod_` a level from 0 to 1), cents where a name says so, `key_to_` in cents of time a key.
# `loop_mode` is 0 never, 1 always, 3 until the key is released. Pan is left out: one hears mono.
ZONE = np.dtype(
    [
        *((name, "i4") for name in ("low_key", "high_key", "low_velocity", "high_velocity")),
        *((name, "i8") for name in ("start", "end", "loop_start", "loop_end")),
        *((name, "i4") for name in ("loop_mode", "exclusive_class", "root_key")),
        *((name, "f8") for name in ("rate_hz", "tuning_cents", "cents_per_key", "attenuation_db")),
        *((name, "f8") for name in ("delay_s", "attack_s", "hold_s", "decay_s")),
        *((name, "f8") for name in ("sustain", "release_s", "key_to_hold", "key_to_decay")),
        *((name, "f8") for name in ("mod_delay_s", "mod_attack_s", "mod_hold_s", "mod_decay_s")),
        *((name, "f8") for name in ("mod_sustain", "mod_release_s")),
        *((name, "f8") for name in ("mod_key_to_hold", "mod_key_to_decay")),
        *((name, "f8") for name in ("filter_cents", "filter_q_db")),
        *((name, "f8") for name in ("mod_to_pitch_cents", "mod_to_filter_cents")),
        *((name, "f8") for name in ("lfo_delay_s", "lfo_hz", "lfo_to_pitch_cents")),
        *((name, "f8") for name in ("lfo_to_filter_cents", "lfo_to_volume_db")),
        *((name, "f8") for name in ("vibrato_delay_s", "vibrato_hz", "vibrato_to_pitch_cents")),
    ]
)

INSTRUMENT, SAMPLE, KEYS, VELOCITIES = 41, 53, 43, 44
# Generators that a preset does not add to: they are an instrument's alone (section 8.5).
INSTRUMENTS_OWN = {0, 1, 2, 3, 4, 12, 45, 46, 47, 50, 54, 57, 58}
DEFAULTS = {8: 13_500, 56: 100, 58: -1} | dict.fromkeys(
    (21, 23, 25, 26, 27, 28, 30, 33, 34, 35, 36, 38), -12_000
)
LIMITS = {
    **dict.fromkeys((5, 6, 7, 10, 11), (-12_000, 12_000)),
    8: (1_500, 13_500),
    9: (0, 960),
    13: (-960, 960),
    **dict.fromkeys((21, 23, 25, 27, 33, 35), (-12_000, 5_000)),
    **dict.fromkeys((22, 24), (-16_000, 4_500)),
    **dict.fromkeys((26, 28, 30, 34, 36, 38), (-12_000, 8_000)),
    29: (0, 1_000),
    **dict.fromkeys((31, 32, 39, 40), (-1_200, 1_200)),
    **dict.fromkeys((37, 48), (0, 1_440)),
}
TIMES_S = {
    "delay_s": 33,
    "attack_s": 34,
    "hold_s": 35,
    "decay_s": 36,
    "release_s": 38,
    "mod_delay_s": 25,
    "mod_attack_s": 26,
    "mod_hold_s": 27,
    "mod_decay_s": 28,
    "mod_release_s": 30,
    "lfo_delay_s": 21,
    "vibrato_delay_s": 23,
}
AS_THEY_ARE = {
    "key_to_hold": 39,
    "key_to_decay": 40,
    "mod_key_to_hold": 31,
    "mod_key_to_decay": 32,
    "filter_cents": 8,
    "mod_to_pitch_cents": 7,
    "mod_to_filter_cents": 11,
    "lfo_to_pitch_cents": 5,
    "lfo_to_filter_cents": 10,
    "vibrato_to_pitch_cents": 6,
    "cents_per_key": 56,
    "exclusive_class": 57,
}
LOWEST_HZ = 8.176  # 0 cents: the pitch of key 0
MIDDLE_C = 60  # of a sample without a pitch of its own
INSTANT_TIMECENTS = -11_950  # times this short are none

RECORDS = {
    "phdr": np.dtype(
        [("name", "S20"), ("number", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("unused", "V12")]
    ),
    "pbag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    "pgen": np.dtype([("what", "<u2"), ("amount", "<i2")]),
    "inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    "ibag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    "igen": np.dtype([("what", "<u2"), ("amount", "<i2")]),
    "shdr": np.dtype(
        [
            ("name", "S20"),
            *((name, "<u4") for name in ("start", "end", "loop_start", "loop_end", "rate_hz")),
            *(("root_key", "u1"), ("correction_cents", "i1"), ("link", "<u2"), ("kind", "<u2")),
        ]
    ),
}

Generators = dict[int, int]
Range = tuple[int, int]
Bag = tuple[Generators, Range, Range, int | None]  # amounts, keys, velocities, what is referred to


@dataclass
class SoundFont:
    """A bank: `samples` (n,) float32 in [-1, 1], and the records of the file by chunk name."""

    samples: np.ndarray
    records: dict[str, np.ndarray]
    _zones: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def presets(self) -> dict[tuple[int, int], str]:
        """The names of the presets by (bank, number)."""
        return {
            (int(row["bank"]), int(row["number"])): row["name"].decode("latin-1")
            for row in self.records["phdr"][:-1]
        }

    def zones(self, bank: int, number: int) -> np.ndarray:
        """All that one preset can sound, (n,) `ZONE`. Raises UserError for an unknown preset."""
        key = (bank, number)
        if key not in self._zones:
            headers = self.records["phdr"]
            found = np.flatnonzero(
                (headers["bank"][:-1] == bank) & (headers["number"][:-1] == number)
            )
            if not len(found):
                raise UserError(
                    f"The soundfont has no preset {number} in bank {bank}: "
                    f"it has {len(headers) - 1} others."
                )
            first, last = (int(headers[found[0] + i]["bag"]) for i in (0, 1))
            rows = [
                _zone(self, own, added, sample)
                for added in self._bags("p", first, last, INSTRUMENT)
                for own, sample in self._instrument(added)
            ]
            self._zones[key] = np.array(rows, ZONE)
        return self._zones[key]

    def _instrument(self, added: Bag) -> list[tuple[Bag, int]]:
        """The zones of the instrument that a preset's zone refers to, within its ranges."""
        which = added[3]
        instruments = self.records["inst"]
        if which is None or which >= len(instruments) - 1:
            return []
        first, last = (int(instruments[which + i]["bag"]) for i in (0, 1))
        out: list[tuple[Bag, int]] = []
        for amounts, keys, velocities, sample in self._bags("i", first, last, SAMPLE):
            keys, velocities = _overlap(keys, added[1]), _overlap(velocities, added[2])
            known = sample is not None and sample < len(self.records["shdr"]) - 1
            if (
                sample is not None
                and known
                and keys[0] <= keys[1]
                and velocities[0] <= velocities[1]
            ):
                out.append(((amounts, keys, velocities, sample), sample))
        return out

    def _bags(self, level: str, first: int, last: int, refers: int) -> list[Bag]:
        """The zones `first` to `last` of a preset ("p") or instrument ("i"), the global one in."""
        bags, generators = self.records[f"{level}bag"], self.records[f"{level}gen"]
        if not 0 <= first <= last < len(bags):
            raise UserError("The soundfont is damaged: a zone lies outside its table.")
        shared: Bag = ({}, (0, 127), (0, 127), None)
        out = []
        for row in range(first, last):
            amounts, (keys, velocities) = dict(shared[0]), shared[1:3]
            target = None
            start, stop = (int(bags[row + i]["generator"]) for i in (0, 1))
            for what, amount in generators[start:stop].tolist():
                low_high = (amount & 0x7F, amount >> 8 & 0x7F)
                if what == KEYS:
                    keys = low_high
                elif what == VELOCITIES:
                    velocities = low_high
                elif what == refers:
                    target = amount & 0xFFFF
                else:
                    amounts[what] = amount
            bag = (amounts, keys, velocities, target)
            if target is not None:
                out.append(bag)
            elif row == first:
                shared = bag
        return out


def _overlap(a: Range, b: Range) -> Range:
    return max(a[0], b[0]), min(a[1], b[1])


def _seconds(timecents: int) -> float:
    return 0.0 if timecents <= INSTANT_TIMECENTS else float(2 ** (timecents / 1200))


def _zone(font: SoundFont, own: Bag, added: Bag, sample: int) -> tuple[Any, ...]:
    """One row of `ZONE`: an instrument's zone with a preset's generators added."""
    header = font.records["shdr"][sample]
    n_samples = len(font.samples)

    def value(what: int) -> int:
        amount = own[0].get(what, DEFAULTS.get(what, 0))
        if what not in INSTRUMENTS_OWN:
            amount += added[0].get(what, 0)
        low, high = LIMITS.get(what, (-(1 << 16), 1 << 16))
        return min(max(amount, low), high)

    def position(name: str, fine: int, coarse: int) -> int:
        return min(max(int(header[name]) + value(fine) + 32_768 * value(coarse), 0), n_samples)

    root, sampled = value(58), int(header["root_key"])
    row: dict[str, float] = {
        **dict(zip(("low_key", "high_key"), own[1], strict=True)),
        **dict(zip(("low_velocity", "high_velocity"), own[2], strict=True)),
        "start": position("start", 0, 4),
        "end": position("end", 1, 12),
        "loop_start": position("loop_start", 2, 45),
        "loop_end": position("loop_end", 3, 50),
        "loop_mode": {1: 1, 3: 3}.get(value(54) & 3, 0),
        "root_key": root if 0 <= root <= 127 else sampled if sampled <= 127 else MIDDLE_C,
        "rate_hz": int(header["rate_hz"]),
        "tuning_cents": 100 * value(51) + value(52) + int(header["correction_cents"]),
        "attenuation_db": value(48) / 10,
        "sustain": 10 ** (-value(37) / 200) if value(37) < 1_000 else 0.0,
        "mod_sustain": 1 - value(29) / 1_000,
        "filter_q_db": value(9) / 10,
        "lfo_hz": LOWEST_HZ * 2 ** (value(22) / 1200),
        "lfo_to_volume_db": value(13) / 10,
        "vibrato_hz": LOWEST_HZ * 2 ** (value(24) / 1200),
        **{name: _seconds(value(what)) for name, what in TIMES_S.items()},
        **{name: value(what) for name, what in AS_THEY_ARE.items()},
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
    chunks: dict[str, bytes] = {}
    for _, body in _chunks(data, 12, len(data)):
        for name, (start, end) in _chunks(data, body[0] + 4, body[1]):
            chunks[name] = data[start:end]
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


def _chunks(data: bytes, at: int, end: int) -> list[tuple[str, tuple[int, int]]]:
    """The chunks between two places, each with where its body starts and ends."""
    out = []
    while at + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > end:
            raise UserError("The soundfont is damaged: it ends within a chunk.")
        out.append((name.decode("latin-1"), (at + 8, at + 8 + size)))
        at += 8 + size + size % 2
    return out


@lru_cache(maxsize=1)
def load() -> SoundFont:
    """The General MIDI bank that ships inside `pretty_midi`, read once a process.

    Raises UserError when it is not installed.
    """
    spec = find_spec("pretty_midi")
    path = Path(spec.origin).parent / "TimGM6mb.sf2" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise UserError(
            "The soundfont TimGM6mb.sf2 was not found, the demo's sounds need it: run "
            "`.venv/bin/pip install -r requirements.txt`, whose pretty_midi contains it."
        )
    return read(path.read_bytes())
