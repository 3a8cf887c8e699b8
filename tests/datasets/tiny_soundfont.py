"""Small SoundFont 2 banks for the tests of the reader and the synthesiser."""

import struct
from dataclasses import dataclass, field

import numpy as np

Zone = list[tuple[int, int]]  # generators and their amounts, in the order of the file


def pair(low: int, high: int) -> int:
    """A range of keys or velocities as a generator's amount."""
    return low | high << 8


@dataclass
class Sample:
    """A sample's header and its values (n,) in [-1, 1]."""

    values: np.ndarray
    rate_hz: int = 22_050
    root_key: int = 69
    loop: tuple[int, int] = (0, 0)
    correction_cents: int = 0


@dataclass
class Bank:
    """Samples, instruments and presets, each of the latter two a list of zones."""

    samples: list[Sample]
    instruments: list[list[Zone]]
    presets: dict[tuple[int, int], list[Zone]] = field(
        default_factory=lambda: {(0, 0): [[(41, 0)]]}
    )

    def bytes(self) -> bytes:
        """The bank as an `.sf2` file."""
        sound, headers, at = b"", b"", 0
        for number, sample in enumerate(self.samples):
            n = len(sample.values)
            sound += (np.clip(sample.values, -1, 1) * 32_767).astype("<i2").tobytes() + bytes(92)
            headers += struct.pack("<20s5I", f"s{number}".encode(), at, at + n, at + sample.loop[0],
                                   at + sample.loop[1], sample.rate_hz)  # fmt: skip
            headers += struct.pack("<BbHH", sample.root_key, sample.correction_cents, 0, 1)
            at += n + 46
        headers += struct.pack("<20s5IBbHH", b"EOS", *[0] * 9)
        inst, ibag, igen = _tables(self.instruments)
        phdr, pbag, pgen = _tables(list(self.presets.values()))
        names = [*self.presets, (0, 0)]
        chunks = {
            "phdr": b"".join(
                struct.pack("<20s3H3I", b"preset", number, bank, bag, 0, 0, 0)
                for (bank, number), bag in zip(names, phdr, strict=True)
            ),
            "pbag": pbag,
            "pmod": bytes(10),
            "pgen": pgen,
            "inst": b"".join(struct.pack("<20sH", b"instrument", bag) for bag in inst),
            "ibag": ibag,
            "imod": bytes(10),
            "igen": igen,
            "shdr": headers,
        }
        lists = {"sdta": {"smpl": sound}, "pdta": chunks}
        body = b"sfbk" + b"".join(
            _chunk("LIST", name.encode() + b"".join(_chunk(*one) for one in parts.items()))
            for name, parts in lists.items()
        )
        return _chunk("RIFF", body)


def _chunk(name: str, body: bytes) -> bytes:
    return name.encode() + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _tables(owners: list[list[Zone]]) -> tuple[list[int], bytes, bytes]:
    """The first zone of each owner (and one more), the table of zones, the table of generators."""
    firsts, bags, generators, n_bags, n = [], b"", b"", 0, 0
    for zones in owners:
        firsts.append(n_bags)
        for zone in zones:
            bags += struct.pack("<2H", n, 0)
            generators += b"".join(struct.pack("<HH", what, a & 0xFFFF) for what, a in zone)
            n_bags, n = n_bags + 1, n + len(zone)
    return [*firsts, n_bags], bags + struct.pack("<2H", n, 0), generators + bytes(4)


def sine(hz: float, duration_s: float = 0.5, rate_hz: int = 22_050) -> np.ndarray:
    """A tone of amplitude 0.5, (n,)."""
    n = round(duration_s * rate_hz)
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(n) / rate_hz)


def looped_tone(hz: float = 441.0) -> Sample:
    """A tone of whole periods, looped over its second half; 441 Hz has 50 samples a period."""
    return Sample(sine(hz, 0.1), loop=(1_000, 2_000))
