"""The demo's sounds: every class is heard, in its register, the same for the same seed."""

import dataclasses
import hashlib
import subprocess
import sys

import numpy as np
import pytest

from core.datasets.demo import sounds
from core.datasets.demo.instruments import (
    APPROXIMATED,
    ARTICULATIONS,
    BREATH_DB,
    CLASSES,
    INSTRUMENTS,
    PICK_DB,
    SKEW,
    STYLES,
)
from core.datasets.demo.patterns import FIGURES
from core.datasets.demo.phrases import SCALES, Note, Setting
from core.datasets.demo.player import play
from core.datasets.demo.rooms import OVERSAMPLING, PEAK, RATE_HZ, ROOMS, Take, record
from core.datasets.demo.sounds import Phrase, render

W_CLASSES = [
    *("accordion", "banjo", "cello", "clarinet", "cymbals", "drums", "flute", "guitar", "mandolin"),
    *("organ", "piano", "saxophone", "synthesizer", "trombone", "trumpet", "ukulele", "violin"),
    "voice",
]


def rendered(class_name: str, rng: np.random.Generator) -> tuple[np.ndarray, Phrase]:
    samples, (phrase,) = render([class_name], rng)
    return samples, phrase


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def _shares(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    """The part of a sound's power between two frequencies."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return float(power[(hz >= low_hz) & (hz < high_hz)].sum() / power.sum())


def _fundamental_hz(samples: np.ndarray, rate_hz: int) -> float:
    """The pitch of a steady tone: the first strong peak of its autocorrelation."""
    spectrum = np.abs(np.fft.rfft(samples, 2 * len(samples))) ** 2
    lags = np.fft.irfft(spectrum)[: len(samples) // 2]
    start = int(np.argmax(lags < 0))
    peak = start + int(np.argmax(lags[start:] > 0.8 * lags[start:].max()))
    peak += int(np.argmax(lags[peak : peak + 20]))
    return rate_hz / peak


@pytest.fixture
def quiet_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings without room, noise or colour."""
    take = Take("dry", "full range", 0.0, "pink noise", 90.0, -20.0)
    monkeypatch.setattr(sounds, "draw_take", lambda rng, level_dbfs: take)


def test_the_classes_are_those_of_the_paper() -> None:
    assert list(CLASSES) == sorted(SKEW) == W_CLASSES
    assert set(APPROXIMATED) < set(CLASSES)
    assert {"mandolin", "ukulele"} <= set(APPROXIMATED)


@pytest.mark.parametrize("class_name", W_CLASSES)
def test_every_class_sounds_throughout(class_name: str) -> None:
    rng = np.random.default_rng(20)
    for _ in range(5):
        samples, phrase = rendered(class_name, rng)
        assert samples.dtype == np.float32
        assert samples.shape == (round(2.5 * RATE_HZ),)
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= PEAK + 1e-6
        assert -36 < 20 * np.log10(_rms(samples)) < -11
        assert abs(samples.mean()) < 0.01
        assert phrase.class_name == class_name
        assert phrase.approximated == (class_name in APPROXIMATED)


@pytest.mark.usefixtures("quiet_takes")
@pytest.mark.parametrize("class_name", W_CLASSES)
def test_no_second_is_silent(class_name: str) -> None:
    """Without noise in the gaps, every second from 0.25 s on is within 20 dB of the loudest."""
    rng = np.random.default_rng(21)
    for _ in range(8):
        samples, phrase = rendered(class_name, rng)
        seconds = [
            _rms(samples[int(s * RATE_HZ) : int((s + 1) * RATE_HZ)])
            for s in np.arange(0.25, 1.51, 0.25)
        ]
        assert min(seconds) > 0.1 * max(seconds), phrase


def test_the_facts_are_facts() -> None:
    rng = np.random.default_rng(3)
    for class_name in CLASSES * 2:
        _, phrase = rendered(class_name, rng)
        assert phrase.program in {program.name for program in INSTRUMENTS[class_name]}
        assert phrase.register in ("low", "middle", "high")
        assert phrase.dynamics in ("pp", "p", "mp", "mf", "f", "ff")
        assert phrase.figure in FIGURES
        assert phrase.articulation in ARTICULATIONS
        assert phrase.room in ROOMS
        assert 60 <= phrase.tempo_bpm <= 170
        assert phrase.backing == "" or phrase.backing in CLASSES
        assert phrase.backing != class_name
        assert (phrase.key == "") == (class_name in ("drums", "cymbals"))


def test_phrases_are_varied() -> None:
    rng = np.random.default_rng(4)
    phrases = [rendered("guitar", rng)[1] for _ in range(40)]
    for fact in ("program", "register", "figure", "articulation", "dynamics", "room", "key"):
        assert len({getattr(phrase, fact) for phrase in phrases}) >= 3, fact


def test_the_tables_agree() -> None:
    """Every style is used, and names figures and articulations that exist."""
    used = {program.style for programs in INSTRUMENTS.values() for program in programs}
    assert used == set(STYLES)
    assert set(BREATH_DB) | set(PICK_DB) <= used
    for figures in STYLES.values():
        assert set(figures) <= set(FIGURES)
        assert {name for names in figures.values() for name in names} <= set(ARTICULATIONS)
    assert {figure for figures in STYLES.values() for figure in figures} == set(FIGURES)


@pytest.mark.parametrize("figure", sorted(FIGURES))
@pytest.mark.parametrize("tempo_bpm", [66, 164])
def test_figures_fill_the_phrase(figure: str, tempo_bpm: int) -> None:
    for seed, mode in enumerate(SCALES):
        setting = Setting(2.5, 60 / tempo_bpm, seed, mode, 55, 72, 80, (50, 55, 59, 62, 67), True)
        notes = list(FIGURES[figure](np.random.default_rng(seed), setting))
        onsets = np.unique([note.start_s for note in notes])
        assert onsets[0] <= 0.25
        ends = max(note.start_s + note.length_s for note in notes)
        assert ends >= 2.1
        assert all(0 <= note.key <= 127 and 1 <= note.velocity <= 127 for note in notes)
        assert all(note.length_s > 0 and note.start_s >= 0 for note in notes)


def test_same_seed_same_samples_after_other_renders_and_in_another_process() -> None:
    def digest(class_name: str) -> str:
        return hashlib.sha256(
            render([class_name], np.random.default_rng(7))[0].tobytes()
        ).hexdigest()

    classes = ("mandolin", "cymbals", "voice")
    first = [digest(name) for name in classes]
    for name in CLASSES[::3]:
        render([name], np.random.default_rng(8))
    assert [digest(name) for name in reversed(classes)] == first[::-1]
    code = (
        "import hashlib, numpy as np\n"
        "from core.datasets.demo.sounds import render\n"
        f"for name in {classes!r}:\n"
        "    samples = render([name], np.random.default_rng(7))[0]\n"
        "    print(hashlib.sha256(samples.tobytes()).hexdigest())\n"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.split() == first


def test_seeds_differ() -> None:
    a, first = rendered("flute", np.random.default_rng(1))
    b, second = rendered("flute", np.random.default_rng(2))
    assert not np.array_equal(a, b)
    assert first != second


@pytest.mark.usefixtures("quiet_takes")
def test_instruments_play_in_their_registers() -> None:
    """Bass-heavy, bright and pitched classes have their power where a listener expects it."""

    def share(class_name: str, low_hz: float, high_hz: float) -> float:
        rng = np.random.default_rng(30)
        return float(
            np.median([_shares(render([class_name], rng)[0], low_hz, high_hz) for _ in range(10)])
        )

    assert share("cymbals", 3000, 12_000) > 0.4
    assert share("drums", 0, 300) > 0.3
    assert share("cello", 0, 1000) > 0.7
    assert share("flute", 0, 240) < 0.05
    assert share("violin", 0, 190) < 0.05


@pytest.mark.usefixtures("quiet_takes")
@pytest.mark.parametrize("class_name", ["clarinet", "trumpet", "violin", "mandolin", "ukulele"])
def test_notes_sound_at_their_written_pitch(
    class_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A held note, transposed samples included, is within a third of a semitone of its key."""
    written = []

    def one_note(rng: np.random.Generator, s: Setting) -> list[Note]:
        written.append(s.low + 7)
        return [Note(0.0, 2.5, s.low + 7, 80)]

    monkeypatch.setattr(sounds, "FIGURES", dict.fromkeys(FIGURES, one_note))
    monkeypatch.setattr(sounds, "STYLES", {name: {"melody": ("plucked",)} for name in STYLES})
    rng = np.random.default_rng(2)
    part = sounds._compose(class_name, rng)
    samples = play(rng, part, 88_200, 88_200)
    hz = _fundamental_hz(samples[22_050:66_150], 88_200)
    assert abs(69 + 12 * np.log2(hz / 440) - written[0]) < 0.34


@pytest.mark.usefixtures("quiet_takes")
def test_a_mix_has_both() -> None:
    """Cello alone has no treble and cymbals alone no bass; together there is much of both."""
    rng = np.random.default_rng(5)
    for names in (("cello", "cymbals"), ("cymbals", "cello")):
        samples, phrases = render(names, rng)
        assert [phrase.class_name for phrase in phrases] == list(names)
        assert all(isinstance(phrase, Phrase) and phrase.backing == "" for phrase in phrases)
        assert phrases[0].tempo_bpm == phrases[1].tempo_bpm
        assert _shares(samples, 2500, 12_000) > 0.08
        assert _shares(samples, 0, 900) > 0.15
        assert np.abs(samples).max() <= PEAK + 1e-6
    alone = [_shares(render(["cello"], rng)[0], 2500, 12_000) for _ in range(5)]
    assert np.median(alone) < 0.05


def test_noise_is_weaker_than_the_music_by_the_stated_ratio() -> None:
    n = RATE_HZ * OVERSAMPLING
    tone = np.sin(2 * np.pi * 1000 * np.arange(n) / n).astype(np.float32)
    take = Take("dry", "full range", 0.0, "hiss", 20.0, -20.0)
    quiet = record(np.random.default_rng(0), tone, dataclasses.replace(take, snr_db=120))
    noisy = record(np.random.default_rng(0), tone, take)
    assert quiet.shape == (RATE_HZ,)
    assert 20 * np.log10(_rms(quiet)) == pytest.approx(-20, abs=0.1)
    assert 20 * np.log10(_rms(quiet) / _rms(noisy - quiet)) == pytest.approx(20, abs=0.3)


def test_a_hall_rings_longer_than_a_dry_room() -> None:
    click = np.zeros(RATE_HZ * OVERSAMPLING, np.float32)
    click[200] = 1
    take = Take("dry", "full range", 0.0, "hiss", 120.0, -40.0)

    def tail(room: str) -> float:
        heard = record(np.random.default_rng(0), click, dataclasses.replace(take, room=room))
        return _rms(heard[RATE_HZ // 5 :]) / _rms(heard)

    assert tail("hall") > 10 * tail("dry")
