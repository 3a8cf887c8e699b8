"""Rooms, equipment and background noise for rendered sounds: one pass over the spectrum.

All of it is synthetic: a room is exponentially decaying noise, equipment a tilted or band-limited
response, noise a coloured spectrum. Sounds are mono float32. `rng` alone decides.
"""

from dataclasses import dataclass

import numpy as np

RATE_HZ = 22_050  # of recordings
OVERSAMPLING = 2  # of the sounds that are recorded
TAIL_S = 0.8
PEAK = 0.95


@dataclass(frozen=True)
class Room:
    """The reverberation time (60 dB) of a room, and the level of its tail over the direct sound."""

    reverberation_s: float
    wet_db: float


ROOMS = {
    "dry": Room(0.0, -np.inf),
    "small room": Room(0.25, -7.0),
    "studio": Room(0.45, -9.0),
    "stage": Room(0.8, -7.0),
    "hall": Room(1.4, -6.0),
}
NOISES = {"hiss": 0.0, "pink noise": 1.0, "rumble": 2.0, "mains hum": 1.5}
RECORDINGS = (*["full range"] * 9, "dull", "thin", "telephone")


@dataclass(frozen=True)
class Take:
    """How a sound was recorded."""

    room: str
    recording: str
    tilt_db_per_octave: float
    noise: str
    snr_db: float
    level_dbfs: float


def draw_take(rng: np.random.Generator, level_dbfs: float) -> Take:
    """A random room, equipment, background noise and level around `level_dbfs`."""
    return Take(
        room=str(rng.choice(list(ROOMS))),
        recording=str(rng.choice(RECORDINGS)),
        tilt_db_per_octave=round(float(np.clip(rng.normal(0, 0.6), -1.5, 1.5)), 2),
        noise=str(rng.choice(list(NOISES))),
        snr_db=round(float(rng.uniform(18, 50)), 1),
        level_dbfs=round(float(np.clip(level_dbfs + rng.normal(0, 2.5), -34, -12)), 1),
    )


def _response(take: Take, hz: np.ndarray) -> np.ndarray:
    """The equipment's magnitude response at frequencies `hz` (m,), float32."""
    low, high = {
        "full range": (30, 20_000),
        "dull": (40, 4500),
        "thin": (220, 20_000),
        "telephone": (250, 5500),
    }[take.recording]
    # 6.02 dB are a factor of two: a tilt in dB per octave is a power of the frequency.
    gain = (np.maximum(hz, 40) / 1000) ** np.float32(take.tilt_db_per_octave / 6.02)
    below, above = (low / np.maximum(hz, 1)) ** 2, (hz / high) ** 2
    out: np.ndarray = gain / np.sqrt((1 + below * below) * (1 + above * above * above))
    return out


def _impulse_response(rng: np.random.Generator, room: Room) -> np.ndarray:
    """A direct sound and a decaying tail of noise, (TAIL_S * RATE_HZ,) float32."""
    n = int(TAIL_S * RATE_HZ)
    out = np.zeros(n, np.float32)
    out[0] = 1
    if room.reverberation_s:
        t = np.arange(n, dtype=np.float32) / RATE_HZ
        tail = rng.standard_normal(n, dtype=np.float32) * np.exp(-6.9 * t / room.reverberation_s)
        tail[: int(0.008 * RATE_HZ)] = 0
        out += tail * np.float32(10 ** (room.wet_db / 20) / np.sqrt((tail**2).sum()))
    return out


def _noise(rng: np.random.Generator, kind: str, hz: np.ndarray, n: int) -> np.ndarray:
    """Background noise of one colour, (n,) float32 of unit RMS; `hz` are the bins' frequencies."""
    spectrum = rng.standard_normal(2 * len(hz), dtype=np.float32).view(np.complex64)
    spectrum *= np.maximum(hz, 30) ** np.float32(-NOISES[kind] / 2)
    spectrum[hz < 20] = 0
    if kind == "mains hum":
        mains = int(rng.choice([50, 60]))
        for harmonic in range(1, 9):
            at = int(np.searchsorted(hz, mains * harmonic))
            spectrum[at] += 60 * mains ** (-NOISES[kind] / 2) / harmonic
    noise = np.fft.irfft(spectrum, 2 * (len(hz) - 1))[:n].astype(np.float32)
    return np.asarray(noise / np.float32(np.sqrt(np.mean(noise**2)) + 1e-12))


def record(rng: np.random.Generator, sound: np.ndarray, take: Take) -> np.ndarray:
    """A dry sound heard in a room through equipment, with noise, at its level.

    `sound` is (n * OVERSAMPLING,) float32 at `RATE_HZ * OVERSAMPLING`; returns (n,) float32 at
    `RATE_HZ`, its peak at most `PEAK`. Down-sampling, room and equipment are one multiplication in
    the spectrum (fast convolution), so nothing above half of `RATE_HZ` folds back.
    """
    n = len(sound) // OVERSAMPLING
    length = n + int(TAIL_S * RATE_HZ)
    length += -length % 2048
    spectrum = np.fft.rfft(sound, length * OVERSAMPLING)[: length // 2 + 1] / OVERSAMPLING
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ).astype(np.float32)
    room = np.fft.rfft(_impulse_response(rng, ROOMS[take.room]), length)
    heard = np.fft.irfft(spectrum * room * _response(take, hz), length)[:n]
    heard /= np.sqrt(np.mean(heard**2)) + 1e-12
    heard += 10 ** (-take.snr_db / 20) * _noise(rng, take.noise, hz, n)
    heard *= 10 ** (take.level_dbfs / 20)
    heard *= min(1.0, PEAK / float(np.abs(heard).max()))
    return np.asarray(heard, np.float32)
