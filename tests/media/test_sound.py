"""core.media.sound: every sound format decodes to the right tone, length and place; windows."""

import io
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import MediaError
from core.media import Audio, loudest_second, probe, read_audio, wav_bytes, windows
from tests.media_samples import SOUND_FORMATS, frequency_of, sound_bytes, tone

LOSSLESS = ("wav", "aiff", "flac")


def rate_of(suffix: str) -> int:
    return 48000 if suffix == "opus" else 44100


@pytest.fixture(scope="module")
def clicks() -> dict[str, bytes]:
    """Eight seconds of faint noise and a 1 kHz burst at 1, 2, ... 7 s, in every format."""
    files = {}
    for suffix in SOUND_FORMATS:
        rate_hz = rate_of(suffix)
        sound = np.random.default_rng(0).normal(0, 0.003, 8 * rate_hz).astype(np.float32)
        for second in range(1, 8):
            sound[second * rate_hz :][: rate_hz // 10] += tone(1000, 0.1, rate_hz)
        files[suffix] = sound_bytes(sound, rate_hz, suffix)
    return files


@pytest.mark.parametrize("suffix", SOUND_FORMATS)
def test_round_trip(suffix: str, tmp_path: Path) -> None:
    rate_hz = rate_of(suffix)
    data = sound_bytes(tone(440, 2.0, rate_hz), rate_hz, suffix)
    path = tmp_path / f"tone.{suffix}"
    path.write_bytes(data)
    for source in (data, path):
        audio = read_audio(source, path.name)
        assert audio.rate_hz == rate_hz
        assert audio.samples.dtype == np.float32
        assert audio.samples.ndim == 1
        assert audio.duration_s == pytest.approx(2.0, abs=0.03)
        assert frequency_of(audio.samples, rate_hz) == pytest.approx(440, abs=1)
        assert np.abs(audio.samples[1000:-3000]).max() == pytest.approx(0.5, abs=0.05)
        found = probe(source, path.name)
        assert (found.kind, found.rate_hz, found.n_channels) == ("audio", rate_hz, 1)
        assert found.duration_s == pytest.approx(2.0, abs=0.03)
        assert (found.has_audio, found.has_video) == (True, False)


@pytest.mark.parametrize("suffix", SOUND_FORMATS)
def test_stereo_is_mixed_down_by_its_mean(suffix: str) -> None:
    rate_hz = rate_of(suffix)
    left, right = tone(440, 1.0, rate_hz), tone(1100, 1.0, rate_hz)
    data = sound_bytes(np.stack([left, right], axis=1), rate_hz, suffix)
    mono = read_audio(data, "x").samples
    spectrum = np.abs(np.fft.rfft(mono[: rate_hz // 2])) / (rate_hz / 4)
    assert spectrum[220] == pytest.approx(0.25, abs=0.04)
    assert spectrum[550] == pytest.approx(0.25, abs=0.04)
    if suffix in LOSSLESS:
        np.testing.assert_allclose(mono, (left + right) / 2, atol=1e-4)


@pytest.mark.parametrize("seek_from_s", [0.1, 30.0])
@pytest.mark.parametrize("start_s", [0.0, 0.85, 2.9, 5.85])
@pytest.mark.parametrize("suffix", SOUND_FORMATS)
def test_start_is_accurate(
    clicks: dict[str, bytes],
    suffix: str,
    start_s: float,
    seek_from_s: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.media.container._SEEK_FROM_S", seek_from_s)
    audio = read_audio(clicks[suffix], "x", start_s=start_s, duration_s=1.3)
    assert audio.duration_s == pytest.approx(1.3, abs=1e-4)
    onset_s = float(np.argmax(np.abs(audio.samples) > 0.25)) / audio.rate_hz
    wanted_s = np.floor(start_s) + 1 - start_s
    assert onset_s == pytest.approx(wanted_s, abs=0.002)


@pytest.mark.parametrize("rate_hz", [None, 16000, 22050])
@pytest.mark.parametrize("suffix", SOUND_FORMATS)
def test_a_part_equals_that_part_of_the_whole(
    clicks: dict[str, bytes], suffix: str, rate_hz: int | None
) -> None:
    whole = read_audio(clicks[suffix], "x", rate_hz=rate_hz)
    for start_s in (0.0, 1.0, 3.7, 6.5):
        part = read_audio(clicks[suffix], "x", start_s=start_s, duration_s=1.0, rate_hz=rate_hz)
        first = round(start_s * whole.rate_hz)
        expected = whole.samples[first : first + whole.rate_hz]
        assert len(part.samples) == whole.rate_hz
        np.testing.assert_allclose(part.samples, expected, atol=2e-6)


@pytest.mark.parametrize(
    "rate_in, rate_out", [(44100, 16000), (48000, 16000), (8000, 48000), (44101, 16000)]
)
def test_resampling_keeps_tone_and_length(rate_in: int, rate_out: int) -> None:
    data = sound_bytes(tone(440, 3.0, rate_in), rate_in, "wav")
    audio = read_audio(data, "x.wav", rate_hz=rate_out)
    assert audio.rate_hz == rate_out
    assert len(audio.samples) == pytest.approx(3 * rate_out, abs=1)
    np.testing.assert_allclose(
        audio.samples[rate_out : 2 * rate_out], tone(440, 3.0, rate_out)[rate_out : 2 * rate_out],
        atol=2e-3,
    )  # fmt: skip


def test_long_sound_is_read_in_blocks() -> None:
    sound = np.tile(tone(440, 1.0, 44100), 40)  # more than one block
    whole = read_audio(sound_bytes(sound, 44100, "wav"), "x.wav")
    np.testing.assert_allclose(whole.samples, sound, atol=1e-4)
    low = read_audio(sound_bytes(sound, 44100, "wav"), "x.wav", rate_hz=16000)
    assert len(low.samples) == 40 * 16000


def test_the_end_shortens_a_part_and_refuses_what_lies_beyond() -> None:
    data = sound_bytes(tone(440, 2.0), 44100, "wav")
    audio = read_audio(data, "x.wav", start_s=1.5, duration_s=1.0)
    assert audio.duration_s == pytest.approx(0.5)
    with pytest.raises(MediaError, match=r"ends before 2\.5 s"):
        read_audio(data, "x.wav", start_s=2.5, duration_s=1.0)


def test_senseless_times_are_the_callers_mistake() -> None:
    data = sound_bytes(tone(440, 0.5), 44100, "wav")
    with pytest.raises(ValueError, match="cannot read"):
        read_audio(data, "x.wav", start_s=-1.0)
    with pytest.raises(ValueError, match="cannot read"):
        read_audio(data, "x.wav", duration_s=0.0)
    with pytest.raises(ValueError, match="cannot resample"):
        read_audio(data, "x.wav", rate_hz=0)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "MS_ADPCM"])
def test_wav_of_every_depth(subtype: str) -> None:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, tone(440, 1.0), 44100, format="WAV", subtype=subtype)
    audio = read_audio(file.getvalue(), "x.wav")
    assert frequency_of(audio.samples, 44100) == pytest.approx(440, abs=1)
    assert np.abs(audio.samples).max() == pytest.approx(0.5, abs=0.03)


def test_silence_and_very_short_sounds_are_sound() -> None:
    silent = read_audio(sound_bytes(np.zeros(44100, np.float32), 44100, "flac"), "x.flac")
    assert not silent.samples.any()
    short = read_audio(sound_bytes(tone(440, 0.01), 44100, "wav"), "x.wav")
    assert len(short.samples) == 441


def test_mp3_of_changing_bit_rate_has_its_true_length_and_seeks() -> None:
    """Frames of two bit rates, one after the other, without the header that states the length."""
    low = _mp3_frames(tone(300, 3.0), 0.95)
    high = _mp3_frames(tone(2000, 3.0), 0.05)
    data = low + high
    assert probe(data, "x.mp3").duration_s == pytest.approx(6.0, abs=0.15)
    late = read_audio(data, "x.mp3", start_s=4.0, duration_s=1.0)
    assert frequency_of(late.samples, late.rate_hz) == pytest.approx(2000, abs=2)
    assert read_audio(data, "x.mp3").duration_s == pytest.approx(6.0, abs=0.15)


def _mp3_frames(samples: np.ndarray, level: float) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(
        file, samples, 44100, format="MP3", compression_level=level, bitrate_mode="CONSTANT"
    )
    data = file.getvalue()
    return data[417:] if b"Info" in data[:417] else data


def test_mp3_behind_a_tag_or_junk() -> None:
    data = sound_bytes(tone(440, 1.0), 44100, "mp3")
    tag = b"ID3\x04\0\0" + bytes([0, 0, 0x40, 0]) + bytes(0x2000)  # a tag of 8 KB: cover art
    for source, name in ((tag + data, "no-suffix"), (bytes(300) + data, "x.mp3")):
        audio = read_audio(source, name)
        assert frequency_of(audio.samples, audio.rate_hz) == pytest.approx(440, abs=1)


def test_many_threads_read_the_same() -> None:
    data = {s: sound_bytes(tone(440, 1.0, rate_of(s)), rate_of(s), s) for s in SOUND_FORMATS}
    alone = {s: read_audio(d, s, rate_hz=16000).samples for s, d in data.items()}
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            (s, pool.submit(read_audio, d, s, rate_hz=16000))
            for _ in range(5)
            for s, d in data.items()
        ]
    for suffix, job in jobs:
        np.testing.assert_array_equal(job.result().samples, alone[suffix])


def ramp(n: int, rate_hz: int = 100) -> Audio:
    return Audio(np.arange(1, n + 1, dtype=np.float32), rate_hz)


@pytest.mark.parametrize(
    "n, starts", [(30, [0]), (100, [0]), (149, [0]), (150, [0, 1]), (200, [0, 1]), (250, [0, 1, 2])]
)
def test_windows_of_a_second(n: int, starts: list[float]) -> None:
    audio = ramp(n)
    starts_s, samples = windows(audio)
    assert starts_s.tolist() == starts
    assert starts_s.dtype == np.float64
    assert samples.shape == (len(starts), 100)
    assert samples.dtype == np.float32
    for start, row in zip(starts, samples, strict=True):
        part = audio.samples[int(start) * 100 :][:100]
        np.testing.assert_array_equal(row[: len(part)], part)
        assert not row[len(part) :].any()


@given(
    n=st.integers(1, 500),
    rate_hz=st.integers(10, 120),
    length_s=st.sampled_from([0.5, 0.96, 1.0, 2.0]),
    hop_s=st.sampled_from([0.1, 0.48, 0.5, 1.0, 1.5]),
)
def test_windows_cover_the_sound(n: int, rate_hz: int, length_s: float, hop_s: float) -> None:
    audio = ramp(n, rate_hz)
    starts_s, samples = windows(audio, length_s=length_s, hop_s=hop_s)
    length = round(length_s * rate_hz)
    assert samples.shape == (len(starts_s), length)
    assert len(starts_s) >= 1
    np.testing.assert_allclose(starts_s, np.arange(len(starts_s)) * hop_s)
    padded = [row for row in samples if not row.all()]
    assert len(padded) <= 1
    for start_s, row in zip(starts_s, samples, strict=True):
        assert row[0] == round(start_s * rate_hz) + 1
    if len(starts_s) > 1:
        assert np.count_nonzero(samples[-1]) >= length / 2
    if hop_s <= length_s and n >= length:  # what is left over is less than half a window
        assert n - samples.max() < max(length / 2, hop_s * rate_hz + 1)


def test_loudest_second() -> None:
    rate_hz = 1000
    sound = np.full(5 * rate_hz, 0.01, np.float32)
    sound[2300:3300] = 0.5
    assert loudest_second(Audio(sound, rate_hz)) == pytest.approx(2.3)
    assert loudest_second(Audio(np.full(3000, 0.5, np.float32), rate_hz)) == 0.0
    assert loudest_second(Audio(np.zeros(3000, np.float32), rate_hz)) == 0.0
    assert loudest_second(Audio(np.ones(400, np.float32), rate_hz)) == 0.0
    at_the_end = np.concatenate([np.zeros(1234, np.float32), np.ones(1000, np.float32)])
    assert loudest_second(Audio(at_the_end, rate_hz)) == pytest.approx(1.2)


@settings(max_examples=30)
@given(n=st.integers(300, 900), seed=st.integers(0, 99))
def test_loudest_second_against_the_plain_way(n: int, seed: int) -> None:
    rate_hz = 200
    sound = np.random.default_rng(seed).normal(size=n).astype(np.float32)
    starts = range(0, n - rate_hz + 1, rate_hz // 10)
    loudness = [float((sound[s : s + rate_hz].astype(np.float64) ** 2).sum()) for s in starts]
    found = loudest_second(Audio(sound, rate_hz))
    assert found == pytest.approx(np.argmax(loudness) * 0.1)


def test_wav_bytes_play_back() -> None:
    sound = tone(440, 0.5, 16000)
    sound[10] = 3.0  # clipped, not wrapped around
    data = wav_bytes(Audio(sound, 16000))
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000)
        assert file.getnframes() == 8000
    back = read_audio(data, "x.wav")
    np.testing.assert_allclose(back.samples, np.clip(sound, -1, 1), atol=1e-4)


def test_real_recordings_decode(shared_dir: Path) -> None:
    paths = sorted((shared_dir / "realmedia" / "audio").glob("*/*"))[::8]
    assert len(paths) > 30
    for path in paths:
        audio = read_audio(path, path.name, rate_hz=16000)
        found = probe(path, path.name)
        assert found.kind == "audio"
        assert found.duration_s == pytest.approx(audio.duration_s, abs=0.03)
        assert np.abs(audio.samples).max() > 1e-3
