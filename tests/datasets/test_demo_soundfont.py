"""The soundfont reader resolves zones by the specification and refuses damaged banks."""

import importlib.util
import struct

import numpy as np
import pytest

from core.datasets.demo import soundfont
from core.datasets.demo.instruments import INSTRUMENTS
from core.errors import UserError
from tests.datasets.tiny_soundfont import Bank, Sample, looped_tone, pair, sine

TONE = looped_tone()


def only(bank: Bank) -> np.void:
    zones = soundfont.read(bank.bytes()).zones(0, 0)
    assert len(zones) == 1
    row: np.void = zones[0]
    return row


def test_defaults_are_those_of_the_specification() -> None:
    zone = only(Bank([TONE], [[[(53, 0)]]]))
    assert (zone["low_key"], zone["high_key"]) == (0, 127)
    assert (zone["low_velocity"], zone["high_velocity"]) == (0, 127)
    assert (zone["start"], zone["end"]) == (0, len(TONE.values))
    assert (zone["loop_start"], zone["loop_end"], zone["loop_mode"]) == (1_000, 2_000, 0)
    assert zone["root_key"] == 69
    assert zone["rate_hz"] == 22_050
    assert zone["cents_per_key"] == 100
    assert zone["filter_cents"] == 13_500
    assert zone["sustain"] == 1
    assert zone["attack_s"] == zone["decay_s"] == zone["release_s"] == 0
    assert zone["lfo_hz"] == pytest.approx(8.176)


def test_units() -> None:
    zone = only(
        Bank(
            [Sample(sine(441), correction_cents=-7)],
            [
                [
                    [
                        *((58, 60), (51, -1), (52, 30), (48, 60), (37, 200), (36, 1200)),
                        *((29, 250), (9, 120), (13, 15), (54, 1), (57, 3), (38, -1200), (53, 0)),
                    ]
                ]
            ],
        )
    )
    assert zone["root_key"] == 60
    assert zone["tuning_cents"] == -100 + 30 - 7
    assert zone["attenuation_db"] == 6
    assert zone["sustain"] == pytest.approx(0.1)
    assert zone["decay_s"] == 2
    assert zone["release_s"] == 0.5
    assert zone["mod_sustain"] == 0.75
    assert zone["filter_q_db"] == 12
    assert zone["lfo_to_volume_db"] == 1.5
    assert zone["exclusive_class"] == 3
    assert zone["loop_mode"] == 0  # this sample has no loop


def test_instruments_replace_their_global_zone_and_presets_add_to_it() -> None:
    bank = Bank(
        [TONE],
        [[[(48, 100), (52, 10)], [(52, 20), (53, 0)], [(43, pair(0, 40)), (53, 0)]]],
        {(0, 0): [[(48, 30)], [(43, pair(30, 90)), (52, 5), (41, 0)]]},
    )
    a, b = soundfont.read(bank.bytes()).zones(0, 0)
    assert (a["attenuation_db"], a["tuning_cents"]) == (13, 25)
    assert (b["attenuation_db"], b["tuning_cents"]) == (13, 15)
    assert (a["low_key"], a["high_key"]) == (30, 90)
    assert (b["low_key"], b["high_key"]) == (30, 40)


def test_disjoint_ranges_and_unknown_samples_are_left_out() -> None:
    bank = Bank(
        [TONE],
        [[[(43, pair(0, 20)), (53, 0)], [(44, pair(100, 127)), (53, 0)], [(53, 9)]]],
        {(0, 0): [[(43, pair(30, 90)), (44, pair(0, 60)), (41, 0)], [(41, 7)]]},
    )
    assert len(soundfont.read(bank.bytes()).zones(0, 0)) == 0


def test_amounts_are_limited_and_positions_are_within_the_bank() -> None:
    bank = Bank(
        [TONE],
        [[[(8, 14_000), (48, -50), (1, 32_767), (3, 32_767), (54, 1), (53, 0)]]],
        {(0, 0): [[(8, 500), (41, 0)]]},
    )
    zone = only(bank)
    assert zone["filter_cents"] == 13_500
    assert zone["attenuation_db"] == 0
    assert zone["end"] == zone["loop_end"] == len(TONE.values) + 46


def test_samples_are_read_as_they_were_written() -> None:
    font = soundfont.read(Bank([TONE], [[[(53, 0)]]]).bytes())
    assert font.samples.dtype == np.float32
    assert np.abs(font.samples[: len(TONE.values)] - TONE.values).max() < 1e-4


@pytest.mark.parametrize("preset", [(0, 1), (128, 0)])
def test_an_unknown_preset_is_refused(preset: tuple[int, int]) -> None:
    font = soundfont.read(Bank([TONE], [[[(53, 0)]]]).bytes())
    with pytest.raises(UserError, match=f"no preset {preset[1]} in bank {preset[0]}"):
        font.zones(*preset)


def test_damaged_banks_are_refused() -> None:
    data = Bank([TONE], [[[(53, 0)]]]).bytes()
    with pytest.raises(UserError, match="no SoundFont 2 bank"):
        soundfont.read(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(UserError, match="no SoundFont 2 bank"):
        soundfont.read(b"")
    with pytest.raises(UserError, match="ends within a chunk"):
        soundfont.read(data[: len(data) // 2])
    with pytest.raises(UserError, match="'shdr' is missing"):
        soundfont.read(data.replace(b"shdr", b"none"))
    at = data.index(b"ibag") + 8
    font = soundfont.read(data[:at] + struct.pack("<H", 0) + data[at + 2 :])
    assert len(font.zones(0, 0)) == 1
    at = data.index(b"inst") + 8 + 20
    broken = soundfont.read(data[:at] + struct.pack("<H", 900) + data[at + 2 :])
    with pytest.raises(UserError, match="a zone is outside its table"):
        broken.zones(0, 0)


def test_a_missing_soundfont_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundfont, "find_spec", lambda name: None)
    soundfont.load.cache_clear()
    with pytest.raises(UserError, match=r"pip install -r requirements\.txt"):
        soundfont.load()
    monkeypatch.undo()
    assert importlib.util.find_spec("pretty_midi")


def test_the_general_midi_bank_has_every_program_of_the_demo() -> None:
    font = soundfont.load()
    for programs in INSTRUMENTS.values():
        for program in programs:
            numbers = [program.number] + ([] if program.layer is None else [program.layer])
            for number in numbers:
                zones = font.zones(program.bank, number)
                assert len(zones)
                assert (zones["end"] > zones["start"]).all()
                assert (zones["end"] <= len(font.samples)).all()
                assert (zones["rate_hz"] > 8_000).all()
