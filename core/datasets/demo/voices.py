"""The compiled inner loop of the synthesiser: all voices resampled, filtered, faded and mixed.

Only `synth` imports it, and only to play something: numba takes a moment to import. The first call
on a machine compiles for a few seconds; the result is cached. NumPy has no operation for a filter
that moves with its envelope, which is a recursion over samples.

Envelopes, oscillators and bends are computed once per block of `BLOCK` output samples, on a grid
shared by all voices. Loudness is interpolated within the block, so that nothing clicks.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 64
FADED = -9.226  # an exponential fade ends at e**FADED, about -80 dB
OPEN_CENTS = 13_500.0  # a filter with this corner or a higher one is skipped
LOWEST_HZ = 8.176  # 0 cents
HIGHEST_SHARE = 0.499  # highest corner of a filter, as a share of the sampling rate

# One sample of the bank played once. `on`, `off`, `choked` and the parts of the envelopes count
# output samples; `step` is in samples of the bank per output sample, without bends; `channel` is
# the row of its bends and levels; the `_step` of a triangle wave is in cycles per output sample.
# The rest is as in `soundfont.ZONE`.
VOICE = np.dtype(
    [
        *((name, "i8") for name in ("on", "off", "choked", "channel", "loop_mode")),
        *((name, "i8") for name in ("start", "end", "loop_start", "loop_end")),
        *((name, "f8") for name in ("step", "gain", "choke", "filter_cents", "filter_q")),
        *((name, "f8") for name in ("delay", "attack", "hold", "decay", "sustain", "release")),
        *((name, "f8") for name in ("mod_delay", "mod_attack", "mod_hold", "mod_decay")),
        *((name, "f8") for name in ("mod_sustain", "mod_release")),
        *((name, "f8") for name in ("mod_to_pitch_cents", "mod_to_filter_cents")),
        *((name, "f8") for name in ("lfo_delay", "lfo_step", "lfo_to_pitch_cents")),
        *((name, "f8") for name in ("lfo_to_filter_cents", "lfo_to_volume_db")),
        *((name, "f8") for name in ("vibrato_delay", "vibrato_step", "vibrato_to_pitch_cents")),
    ]
)

Array = NDArray[Any]
Voice = Any  # a row of `VOICE`


@njit(cache=True, nogil=True)
def _amplitude(v: Voice, age: float) -> float:
    """Gain of the amplitude envelope: linear attack, hold, exponential decay and release."""
    level, t = 0.0, min(age, v.off - v.on) - v.delay
    if t >= v.attack:
        t -= v.attack + v.hold
        level = 1.0 if t <= 0 else math.exp(FADED * t / v.decay) if t < v.decay else 0.0
        level = max(level, v.sustain)
    elif t > 0:
        level = t / v.attack
    released = age - (v.off - v.on)
    if released > 0:
        level = level * math.exp(FADED * released / v.release) if released < v.release else 0.0
    choked = age - (v.choked - v.on)
    if choked > 0:
        level = level * math.exp(FADED * choked / v.choke) if choked < v.choke else 0.0
    return level


@njit(cache=True, nogil=True)
def _modulation(v: Voice, age: float) -> float:
    """Level (0 to 1) of the modulation envelope, linear throughout."""
    level, t = 0.0, min(age, v.off - v.on) - v.mod_delay
    if t >= v.mod_attack:
        t -= v.mod_attack + v.mod_hold
        level = 1.0 if t <= 0 else 1 - t / v.mod_decay if t < v.mod_decay else 0.0
        level = max(level, v.mod_sustain)
    elif t > 0:
        level = t / v.mod_attack
    released = age - (v.off - v.on)
    return max(0.0, level - released / v.mod_release) if released > 0 else level


@njit(cache=True, nogil=True)
def _triangle(cycles: float) -> float:
    """A triangle wave (-1 to 1) that starts at 0, rising; 0 before its start."""
    turn = max(cycles, 0.0) % 1.0
    return 4 * turn if turn < 0.25 else 2 - 4 * turn if turn < 0.75 else 4 * turn - 4


@njit(cache=True, nogil=True)
def mix(
    samples: Array, voices: Array, bends: Array, levels: Array, rate_hz: float, out: Array
) -> None:
    """Add all `voices` (k,) `VOICE` to `out` (n,) float64 at `rate_hz`.

    `samples` is the bank's, float32; `bends` (channels, blocks) are cents in the middle of each
    block, `levels` (channels, blocks + 1) gains at the blocks' edges.
    """
    for i in range(len(voices)):
        v = voices[i]
        _add(samples, v, bends[v.channel], levels[v.channel], rate_hz, out)


@njit(cache=True, nogil=True)
def _add(samples: Array, v: Voice, bends: Array, levels: Array, rate_hz: float, out: Array) -> None:
    position, end = float(v.start), float(v.end - 1)
    loop_end, loop = float(v.loop_end), float(v.loop_end - v.loop_start)
    z1 = z2 = a0 = b1 = b2 = 0.0
    at, n = v.on, len(out)
    first = at // BLOCK
    share = (at - first * BLOCK) / BLOCK
    gain = v.gain * _amplitude(v, 0.0) * (levels[first] * (1 - share) + levels[first + 1] * share)
    while at < n:
        block = at // BLOCK
        stop = min((block + 1) * BLOCK, n)
        age = float(at - v.on)
        mod = _modulation(v, age)
        lfo = _triangle((age - v.lfo_delay) * v.lfo_step)
        vibrato = _triangle((age - v.vibrato_delay) * v.vibrato_step)
        cents = bends[block] + mod * v.mod_to_pitch_cents
        cents += lfo * v.lfo_to_pitch_cents + vibrato * v.vibrato_to_pitch_cents
        step = v.step * 2 ** (cents / 1200)
        loops = v.loop_mode == 1 or (v.loop_mode == 3 and at < v.off)

        corner = v.filter_cents + mod * v.mod_to_filter_cents + lfo * v.lfo_to_filter_cents
        corner_share = LOWEST_HZ * 2 ** (corner / 1200) / rate_hz
        filters = corner < OPEN_CENTS and corner_share < HIGHEST_SHARE
        if filters:  # a second-order Butterworth-like low-pass by the bilinear transform
            k = math.tan(math.pi * corner_share)
            norm = 1 / (1 + k / v.filter_q + k * k)
            a0, b1, b2 = k * k * norm, 2 * (k * k - 1) * norm, (1 - k / v.filter_q + k * k) * norm

        amplitude = _amplitude(v, float(stop - v.on))
        target = v.gain * amplitude * levels[block + 1] * 10 ** (lfo * v.lfo_to_volume_db / 20)
        slope = (target - gain) / (stop - at)
        for j in range(at, stop):
            if loops:
                while position >= loop_end:
                    position -= loop
            elif position >= end:
                return
            here = int(position)
            after = here + 1
            if loops and after == v.loop_end:
                after = v.loop_start
            value = samples[here] + (position - here) * (samples[after] - samples[here])
            if filters:
                heard = a0 * value + z1
                z1 = 2 * a0 * value - b1 * heard + z2
                z2 = a0 * value - b2 * heard
                value = heard
            out[j] += value * gain
            gain += slope
            position += step
        if amplitude == 0 and age > v.delay:
            return
        at, gain = stop, target
