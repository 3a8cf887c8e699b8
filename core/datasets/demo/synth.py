"""A SoundFont 2 synthesiser: channels of notes, bends and swells to one mono sound.

The settings of a zone are followed as in the SoundFont Technical Specification 2.04 (section 8.1):
key and velocity ranges, tuning, loops, attenuation, both envelopes, both low-frequency oscillators,
the resonant low-pass filter, exclusive classes. Beyond it: a note's amplitude is proportional to
its velocity, the modulation envelope of a harder note opens faster, envelopes fade by 80 dB in the
time given, and stereo samples are added up. There are no modulators, no reverberation and no chorus
(`rooms` makes the rooms).

    samples = render(soundfont.load(), [Channel(0, 56, notes, times_s, bends, levels)], n, 44_100)

The same notes give the same samples: nothing is random, and no call changes the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.demo.phrases import Note
from core.datasets.demo.soundfont import MIDDLE_C, ZONE, SoundFont

CHOKE_S = 0.01  # fade of a note that the next of its exclusive class ends; shortest release
NO_RESONANCE_DB = 3.01  # attenuation at the corner of a filter without resonance


@dataclass(frozen=True)
class Channel:
    """One preset and its notes.

    `bends` (m,) in semitones and `levels` (m,) as gains are given at `times_s` (m,) and
    interpolated linearly; `tuning` in semitones and `gain` are constant.
    """

    bank: int
    program: int
    notes: Sequence[Note]
    times_s: np.ndarray
    bends: np.ndarray
    levels: np.ndarray
    tuning: float = 0.0
    gain: float = 1.0


def render(font: SoundFont, channels: Sequence[Channel], n: int, rate_hz: int) -> np.ndarray:
    """All channels together, (n,) float32 at `rate_hz`, not normalised.

    Raises UserError for a preset that the soundfont lacks.
    """
    from core.datasets.demo import voices  # compiled code

    n_blocks = -(-n // voices.BLOCK)
    edges_s = np.arange(n_blocks + 1) * voices.BLOCK / rate_hz
    middles_s = edges_s[:-1] + voices.BLOCK / 2 / rate_hz
    bends = np.array([100 * np.interp(middles_s, c.times_s, c.bends) for c in channels])
    levels = np.array([np.interp(edges_s, c.times_s, c.levels) for c in channels])
    played = [_voices(font, channel, row, n, rate_hz) for row, channel in enumerate(channels)]
    out = np.zeros(n)
    if channels:
        voices.mix(font.samples, np.concatenate(played), bends, levels, float(rate_hz), out)
    return out.astype(np.float32)


def _voices(font: SoundFont, channel: Channel, row: int, n: int, rate_hz: int) -> np.ndarray:
    """The samples of the bank that a channel's notes play, and how: (k,) `voices.VOICE`."""
    from core.datasets.demo.voices import VOICE

    zones = font.zones(channel.bank, channel.program)
    notes = np.array(channel.notes, dtype=float).reshape(-1, 4)
    on, off = np.floor(notes[:, 0] * rate_hz), np.floor((notes[:, 0] + notes[:, 1]) * rate_hz)
    keys, velocities = notes[:, 2:3], notes[:, 3:4]
    sounding = (zones["low_key"] <= keys) & (keys <= zones["high_key"])
    sounding &= (zones["low_velocity"] <= velocities) & (velocities <= zones["high_velocity"])
    sounding &= ((on >= 0) & (on < n))[:, None]
    note, which = np.nonzero(sounding)
    z, key, velocity = zones[which], keys[note, 0], velocities[note, 0]

    out = np.zeros(len(z), VOICE)
    for name in set(ZONE.names or ()) & set(VOICE.names or ()):
        out[name] = z[name]
    out["on"], out["off"], out["channel"] = on[note], off[note], row
    out["choked"] = _choked(on[note], z["exclusive_class"], n)
    cents = z["cents_per_key"] * (key - z["root_key"]) + z["tuning_cents"] + 100 * channel.tuning
    out["step"] = z["rate_hz"] / rate_hz * 2 ** (cents / 1200)
    out["gain"] = channel.gain * velocity / 127 * 10 ** (-z["attenuation_db"] / 20)
    out["filter_q"] = 10 ** ((z["filter_q_db"] - NO_RESONANCE_DB) / 20)
    for name in ("lfo", "vibrato"):
        out[f"{name}_delay"] = z[f"{name}_delay_s"] * rate_hz
        out[f"{name}_step"] = z[f"{name}_hz"] / rate_hz
    for mod in ("", "mod_"):
        for part in ("delay", "attack", "hold", "decay", "release"):
            out[mod + part] = z[f"{mod}{part}_s"] * rate_hz
        for part in ("hold", "decay"):
            out[mod + part] *= 2 ** (z[f"{mod}key_to_{part}"] * (MIDDLE_C - key) / 1200)
    out["mod_attack"] *= (145 - velocity) / 144
    out["choke"] = CHOKE_S * rate_hz
    for name in ("release", "mod_release"):
        out[name] = np.where(out[name] > 0, out[name], CHOKE_S * rate_hz)
    return out


def _choked(on: np.ndarray, classes: np.ndarray, n: int) -> np.ndarray:
    """The start of the next note of each voice's exclusive class, (k,); 2 n where there is none."""
    out = np.full(len(on), 2.0 * n)
    for number in set(classes.tolist()) - {0}:
        members = np.flatnonzero(classes == number)
        starts = np.unique(on[members])
        following = np.append(starts[1:], 2.0 * n)
        out[members] = following[np.searchsorted(starts, on[members])]
    return out
