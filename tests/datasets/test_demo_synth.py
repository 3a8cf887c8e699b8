"""The synthesiser: pitch, loudness, loops, envelopes, filter, choking as a zone asks for them."""

from collections.abc import Sequence

import numpy as np
import pytest

from core.datasets.demo import soundfont
from core.datasets.demo.phrases import Note
from core.datasets.demo.synth import Channel, render
from core.errors import UserError
from tests.datasets.tiny_soundfont import Bank, Sample, Zone, looped_tone, sine

RATE_HZ = 44_100
A4 = 69  # the root key of the tests' tone, which is 441 Hz
ON = np.array([0.0])


def play(
    zone: Zone,
    notes: Sequence[Note],
    *,
    sample: Sample | None = None,
    duration_s: float = 0.5,
    times_s: Sequence[float] = (0.0,),
    bends: Sequence[float] = (0.0,),
    levels: Sequence[float] = (1.0,),
    tuning: float = 0.0,
    gain: float = 1.0,
) -> np.ndarray:
    """Notes on a bank of one looped tone with one zone, (n,) float32."""
    bank = Bank([sample or looped_tone()], [[[(54, 1), *zone, (53, 0)]]])
    times = np.array(times_s)
    bent, level = (np.broadcast_to(curve, times.shape) for curve in (bends, levels))
    channel = Channel(0, 0, notes, times, bent, level, tuning, gain)
    return render(soundfont.read(bank.bytes()), [channel], round(duration_s * RATE_HZ), RATE_HZ)


def held(key: int = A4, velocity: int = 127, start_s: float = 0.0, length_s: float = 9.0) -> Note:
    return Note(start_s, length_s, key, velocity)


def hz(sound: np.ndarray) -> float:
    """The frequency of a steady tone, from its zero crossings."""
    rising = np.flatnonzero((sound[:-1] < 0) & (sound[1:] >= 0))
    at = rising + sound[rising] / (sound[rising] - sound[rising + 1])
    return float(RATE_HZ * (len(at) - 1) / (at[-1] - at[0]))


def cents(a: float, b: float) -> float:
    return float(1200 * np.log2(a / b))


def amplitude(sound: np.ndarray, at_s: float) -> float:
    """The largest value within three periods of the tone around a time."""
    at = round(at_s * RATE_HZ)
    return float(np.abs(sound[max(0, at - 150) : at + 150]).max())


@pytest.mark.parametrize("key", [45, 57, 69, 76, 93])
def test_keys_are_equally_tempered(key: int) -> None:
    assert abs(cents(hz(play([], [held(key)])), 441 * 2 ** ((key - A4) / 12))) < 0.5


def test_tuning_bend_and_generators_move_the_pitch() -> None:
    assert abs(cents(hz(play([], [held()], tuning=-0.4)), 441) + 40) < 0.5
    assert abs(cents(hz(play([(51, 2), (52, -30)], [held()])), 441) - 170) < 0.5
    assert abs(cents(hz(play([(56, 50)], [held(81)])), 441) - 600) < 0.5
    assert abs(cents(hz(play([], [held()], bends=[7.0])), 441) - 700) < 0.5


def test_bends_follow_their_curve() -> None:
    sound = play([], [held()], times_s=[0, 0.2, 0.3], bends=[0, 0, 3])
    assert abs(cents(hz(sound[: round(0.19 * RATE_HZ)]), 441)) < 1
    assert abs(cents(hz(sound[round(0.31 * RATE_HZ) :]), 441) - 300) < 1
    assert 120 < cents(hz(sound[round(0.24 * RATE_HZ) : round(0.26 * RATE_HZ)]), 441) < 180


def test_a_loop_goes_on_and_a_sample_without_one_ends() -> None:
    assert amplitude(play([], [held()]), 0.45) == pytest.approx(0.5, abs=0.01)
    once = play([(54, 0)], [held()])
    assert amplitude(once, 0.05) == pytest.approx(0.5, abs=0.01)
    assert not once[round(0.11 * RATE_HZ) :].any()


def test_a_loop_until_release_plays_to_the_end_behind_it() -> None:
    """The louder tone behind the loop is heard once the key is released."""
    tail = Sample(np.concatenate([sine(441, 0.1), 1.9 * sine(441, 0.1)]), loop=(500, 2_000))
    notes = [held(length_s=0.3)]
    sound = play([(54, 3), (38, 2_000)], notes, sample=tail)
    assert amplitude(sound, 0.28) == pytest.approx(0.5, abs=0.01)
    assert max(amplitude(sound, at) for at in np.arange(0.3, 0.45, 0.01)) > 0.6
    assert amplitude(play([(38, 2_000)], notes, sample=tail), 0.4) < 0.5


def test_loudness_follows_velocity_attenuation_level_and_gain() -> None:
    loud = amplitude(play([], [held()]), 0.2)
    assert loud == pytest.approx(0.5, abs=0.01)
    assert amplitude(play([], [held(velocity=64)]), 0.2) == pytest.approx(loud * 64 / 127, rel=0.01)
    assert amplitude(play([(48, 60)], [held()]), 0.2) == pytest.approx(loud / 10**0.3, rel=0.01)
    assert amplitude(play([], [held()], levels=[0.25]), 0.2) == pytest.approx(loud / 4, rel=0.01)
    assert amplitude(play([], [held()], gain=0.1), 0.2) == pytest.approx(loud / 10, rel=0.01)
    swell = play([], [held()], times_s=[0, 0.4], levels=[0, 1])
    assert amplitude(swell, 0.2) == pytest.approx(loud / 2, rel=0.03)


def test_the_amplitude_envelope_has_its_parts() -> None:
    """Delay 0.1 s, attack 0.1 s, hold 0.1 s, decay to -20 dB (80 dB in 0.4 s), release."""
    tenth = round(1200 * np.log2(0.1))
    zone = [(33, tenth), (34, tenth), (35, tenth), (36, tenth + 2_400), (37, 200), (38, tenth)]
    sound = play(zone, [held(length_s=0.7)], duration_s=1.0)
    assert amplitude(sound, 0.09) == 0
    assert amplitude(sound, 0.15) == pytest.approx(0.25, abs=0.02)
    assert amplitude(sound, 0.25) == pytest.approx(0.5, abs=0.01)
    assert amplitude(sound, 0.35) == pytest.approx(0.5 * 10**-0.5, rel=0.1)
    assert amplitude(sound, 0.6) == pytest.approx(0.05, abs=0.002)
    assert amplitude(sound, 0.75) == pytest.approx(0.05 * 10**-2, rel=0.4)
    assert not sound[round(0.81 * RATE_HZ) :].any()


def test_higher_keys_decay_faster_where_the_zone_says_so() -> None:
    zone = [(36, 0), (37, 1_000), (40, 100)]
    low, high = (amplitude(play(zone, [held(key)]), 0.4) for key in (60, 84))
    assert high < low / 3


def test_the_filter_takes_the_treble_and_its_envelope_opens_it() -> None:
    corner = round(1200 * np.log2(441 / 8.176))
    assert amplitude(play([(8, corner)], [held()]), 0.3) == pytest.approx(0.5 / 2**0.5, rel=0.03)
    assert amplitude(play([(8, corner), (9, 100)], [held()]), 0.3) > 0.9
    far = amplitude(play([(8, corner - 2_400)], [held()]), 0.3)
    assert far == pytest.approx(0.5 / 16, rel=0.1)
    opened = play([(8, corner - 2_400), (11, 4_800), (26, 0)], [held(velocity=1)], gain=127.0)
    assert amplitude(opened, 0.05) < 0.1
    assert amplitude(opened, 0.48) > 0.2


def test_oscillators_and_the_modulation_envelope_bend() -> None:
    slow = round(1200 * np.log2(1 / 8.176))  # once a second: a quarter of a second up
    for pitch, speed in ((5, 22), (6, 24)):
        sound = play([(speed, slow), (pitch, 200)], [held()])
        assert 120 < cents(hz(sound[round(0.22 * RATE_HZ) : round(0.28 * RATE_HZ)]), 441) < 210
    struck = play([(7, 1_200), (28, -2_400), (29, 1_000)], [held()])
    assert cents(hz(struck[: round(0.02 * RATE_HZ)]), 441) > 900
    assert abs(cents(hz(struck[round(0.3 * RATE_HZ) :]), 441)) < 1
    tremolo = play([(22, slow + 2_400), (13, 60)], [held()])
    peaks = [amplitude(tremolo, at) for at in np.arange(0.02, 0.3, 0.02)]
    assert max(peaks) / min(peaks) == pytest.approx(4, rel=0.15)


def test_a_note_silences_the_one_before_in_its_exclusive_class() -> None:
    notes = [held(), held(81, start_s=0.2)]
    alone, both = play([], [held(81, start_s=0.2)]), play([(57, 4)], notes)
    later = slice(round(0.22 * RATE_HZ), None)
    assert np.abs(both[later] - alone[later]).max() < 1e-6
    assert np.abs(play([], notes)[later] - alone[later]).max() > 0.3


def test_notes_add_up_and_the_same_notes_give_the_same_samples() -> None:
    one, other = held(64), held(71, start_s=0.1)
    both = play([], [one, other])
    assert np.abs(both - play([], [one]) - play([], [other])).max() < 1e-6
    assert np.array_equal(both, play([], [one, other]))


def test_channels_play_together() -> None:
    font = soundfont.read(Bank([looped_tone()], [[[(54, 1), (53, 0)]]]).bytes())
    quiet = Channel(0, 0, [held()], ON, ON, np.array([0.5]))
    high = Channel(0, 0, [held(76)], ON, ON, np.array([1.0]), tuning=5.0)
    together = render(font, [quiet, high], 22_050, RATE_HZ)
    apart = render(font, [quiet], 22_050, RATE_HZ) + render(font, [high], 22_050, RATE_HZ)
    assert np.abs(together - apart).max() < 1e-6
    assert together.dtype == np.float32


def test_nothing_to_play_is_silence() -> None:
    font = soundfont.read(Bank([looped_tone()], [[[(53, 0)]]]).bytes())
    assert not render(font, [], 1_000, RATE_HZ).any()
    assert not play([], []).any()
    assert not play([], [held(start_s=0.6)]).any()
    with pytest.raises(UserError, match="no preset 3 in bank 0"):
        render(font, [Channel(0, 3, [held()], ON, ON, ON)], 1_000, RATE_HZ)
