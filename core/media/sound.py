"""Sound: bytes or a path -> mono float32, one-second windows, the loudest second.

Samples are (n,) float32 in about [-1, 1], channels mixed down by their mean. libsndfile decodes
what it can (wav, flac, ogg, mp3, aiff, au), PyAV the rest and the sound of videos. A part read at
another rate equals that part of the whole read at that rate: what is cut first and what is
resampled first must not make two vectors of one second.
`core.media` is the public face of this module.
"""

import io
import math
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

import numpy as np

from core.media.container import StreamedSound, open_container, sound_stream
from core.media.formats import (
    FORMATS,
    LIMITS,
    Format,
    Limits,
    Source,
    decoding,
    opened,
    refusal,
    sniff,
)

if TYPE_CHECKING:
    import soundfile

_BLOCK_VALUES = 2**20  # decoded at a time, all channels together: 4 MB
_MIN_DECODED_S = 0.1  # less than this out of a file that promised more: cut short
_MAX_PEAK = 100.0  # float files may exceed 1; far beyond it they are no sound and overflow later
_UNKNOWN_FRAMES = 2**62  # libsndfile states about 2^63 frames for a FLAC of unknown length
# Half the support of soxr's HQ filter is below 100 samples of the lower of the two rates;
# measured: a part with this margin equals the whole to 3e-7 (float32 rounding).
_FILTER_SAMPLES = 200


@dataclass(frozen=True, eq=False)
class Audio:
    """Mono sound: `samples` (n,) float32 in about [-1, 1] at `rate_hz`."""

    samples: np.ndarray
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


class Track(Protocol):
    """What a decoder offers: true rate and channels, frames if known, and mono blocks."""

    rate_hz: int
    n_channels: int
    n_frames: int | None

    def blocks(self, start: int, n: int | None) -> Iterator[np.ndarray]: ...


def read_audio(
    source: Source,
    name: str,
    *,
    start_s: float = 0.0,
    duration_s: float | None = None,
    rate_hz: int | None = None,
    limits: Limits = LIMITS,
) -> Audio:
    """The sound of an audio or video file: mono float32, `duration_s` seconds from `start_s` on.

    At the end of the file the result is shorter than asked. Resampled with soxr (HQ) when
    `rate_hz` is given, else at the file's own rate. A file that is cut short gives what could be
    decoded, if that is at least 0.1 s. Raises MediaError when the file holds no sound, is over a
    limit, damaged, without samples, filled with NaN, or ends before `start_s`; ValueError for
    times or rates that make no sense.
    """
    if not (start_s >= 0 and (duration_s is None or duration_s > 0)):
        raise ValueError(f"cannot read {duration_s} s from second {start_s}")
    if rate_hz is not None and rate_hz < 1:
        raise ValueError(f"cannot resample to {rate_hz} Hz")
    with opened(source, name, limits) as file:
        key = sniff(file, name)
        form = FORMATS[key]
        if form.kind == "image":
            raise refusal(
                name,
                f"is {form.label} where sound was expected",
                "choose a wav, mp3, flac, ogg, opus, m4a, aiff, au or video file",
            )
        with decoding(name, form.label):
            return _decode(file, form, name, start_s, duration_s, rate_hz, limits)


class SndfileSound:
    """The sound of a file that libsndfile has open."""

    def __init__(self, sound: "soundfile.SoundFile") -> None:
        self._sound = sound
        self.rate_hz: int = sound.samplerate
        self.n_channels: int = sound.channels
        self.n_frames: int | None = sound.frames if sound.frames < _UNKNOWN_FRAMES else None

    def blocks(self, start: int, n: int | None) -> Iterator[np.ndarray]:
        """(n_i,) float32 mono blocks from sample `start` on, `n` samples in all or to the end."""
        if self.n_frames is not None and start >= self.n_frames:
            return
        if start:
            self._sound.seek(start)
        left = n if n is not None else _UNKNOWN_FRAMES
        while left > 0:
            size = min(left, max(1, _BLOCK_VALUES // self.n_channels))
            block = self._sound.read(size, dtype="float32", always_2d=True)
            if not len(block):
                return
            left -= len(block)
            yield _downmix(block)


@contextmanager
def open_sndfile(file: BinaryIO) -> Iterator[SndfileSound]:
    """The file in libsndfile, without its name: from the name it would guess raw formats."""
    import soundfile

    file.seek(0)
    handle = file if isinstance(file, io.BytesIO) else file.fileno()
    with soundfile.SoundFile(handle, closefd=False) as sound:
        yield SndfileSound(sound)


def check_sound(
    rate_hz: int, n_channels: int, duration_s: float | None, name: str, limits: Limits
) -> None:
    """Raises MediaError when channels, rate or length are over a limit, or there is no sample."""
    if n_channels > limits.max_channels:
        raise refusal(
            name,
            f"has {n_channels:,} channels where at most {limits.max_channels} are taken",
            "mix it down first",
        )
    if not limits.min_rate_hz <= rate_hz <= limits.max_rate_hz:
        raise refusal(
            name,
            f"has a sample rate of {rate_hz:,} Hz where {limits.min_rate_hz:,} to "
            f"{limits.max_rate_hz:,} Hz are taken",
            "resample it first",
        )
    if duration_s == 0:
        raise refusal(name, "holds no samples (0 s of sound)", "record or export it again")
    if duration_s is not None:
        check_duration(duration_s, name, limits)


def check_duration(seconds: float, name: str, limits: Limits) -> None:
    """Raises MediaError when it lasts longer than `max_seconds`."""
    if seconds > limits.max_seconds:
        raise refusal(
            name,
            f"lasts {_length(seconds)} where at most {_length(limits.max_seconds)} are taken",
            "cut it",
        )


def _length(seconds: float) -> str:
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:,.1f} hours"
    return f"{seconds / 60:.1f} minutes" if seconds >= 120 else f"{seconds:.1f} seconds"


def _decode(
    file: BinaryIO,
    form: Format,
    name: str,
    start_s: float,
    duration_s: float | None,
    rate_hz: int | None,
    limits: Limits,
) -> Audio:
    if form.sndfile:
        import soundfile

        try:
            with open_sndfile(file) as sound:
                return _read_part(sound, name, start_s, duration_s, rate_hz, limits)
        except soundfile.SoundFileError:
            pass  # a rarer codec, or damaged: FFmpeg gets out what can be got
    with open_container(file, form.demuxer, limits) as container:
        stream = sound_stream(container)
        if stream is None:
            raise refusal(
                name, "has no sound track that could be decoded", "choose a file with sound"
            )
        track = StreamedSound(container, stream, name, limits)
        return _read_part(track, name, start_s, duration_s, rate_hz, limits)


def _read_part(
    track: Track,
    name: str,
    start_s: float,
    duration_s: float | None,
    rate_hz: int | None,
    limits: Limits,
) -> Audio:
    """Reads the part with a margin, aligned to where the grids of both rates meet, and resamples
    it: the result is the part of the resampled whole."""
    duration = None if track.n_frames is None else track.n_frames / track.rate_hz
    check_sound(track.rate_hz, track.n_channels, duration, name, limits)
    rate_in, rate_out = track.rate_hz, rate_hz or track.rate_hz
    first = round(start_s * rate_out)
    n = None if duration_s is None else max(1, round(duration_s * rate_out))
    if rate_in == rate_out:
        start, n_in = first, n
    else:
        step = rate_in // math.gcd(rate_in, rate_out)
        margin = math.ceil(_FILTER_SAMPLES * max(1.0, rate_in / rate_out))
        start = max(0, (first * rate_in // rate_out - margin) // step * step)
        n_in = None if n is None else -(-(first + n) * rate_in // rate_out) + margin - start

    blocks = _checked(track, start, n_in, name, limits)
    if rate_in != rate_out:
        blocks = _resampled(blocks, rate_in, rate_out)
    parts = list(blocks)
    samples = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.float32), *parts])
    skip = first - start * rate_out // rate_in
    samples = samples[skip : None if n is None else skip + n]
    if not len(samples):
        if first == 0:
            raise refusal(name, "holds no samples (0 s of sound)", "record or export it again")
        raise refusal(
            name, f"ends before {start_s:.1f} s, where a part was to begin", "choose an earlier one"
        )
    return Audio(np.ascontiguousarray(samples, np.float32), rate_out)


def _checked(
    track: Track, start: int, n: int | None, name: str, limits: Limits
) -> Iterator[np.ndarray]:
    """The track's blocks; headers lie, so limits and values are checked as they come."""
    n_read = 0
    for block in track.blocks(start, n):
        n_read += len(block)
        check_duration((start + n_read) / track.rate_hz, name, limits)
        if n_read * track.n_channels > limits.max_samples:
            raise refusal(
                name,
                f"holds over {limits.max_samples / 1e6:,.0f} million samples, more than are taken "
                f"at once",
                "cut it, mix it down or resample it",
            )
        peak = max(float(block.max()), -float(block.min()))
        if not math.isfinite(peak):
            raise refusal(
                name, "holds NaN or infinite samples where sound was expected", "export it again"
            )
        if peak > _MAX_PEAK:
            raise refusal(
                name,
                f"holds samples of {peak:.3g} where about -1 to 1 is expected",
                "normalise it and export it again",
            )
        yield block
    decoded = start + n_read
    promised = math.inf if track.n_frames is None else track.n_frames
    ended_early = decoded < promised and (n is None or n_read < n)
    if ended_early and decoded < _MIN_DECODED_S * track.rate_hz < promised:
        raise refusal(
            name,
            f"is cut short or damaged, only {decoded / track.rate_hz:.2f} s of sound could be "
            f"decoded",
            "download or export it again",
        )


def _resampled(blocks: Iterator[np.ndarray], rate_in: int, rate_out: int) -> Iterator[np.ndarray]:
    """Blocks at the new rate, block by block: memory is bounded by the result."""
    import soxr

    stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def _downmix(block: np.ndarray) -> np.ndarray:
    """(n, channels) float32 -> (n,): the mean. Column by column: numpy's mean over a short last
    axis takes 5 times as long."""
    if block.shape[1] == 1:
        return block[:, 0]
    mono = block[:, 0] + block[:, 1]
    for channel in range(2, block.shape[1]):
        mono += block[:, channel]
    mono *= np.float32(1 / block.shape[1])
    return mono


def windows(
    audio: Audio, *, length_s: float = 1.0, hop_s: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Windows of equal length: starts (k,) float64 in seconds, samples (k, length) float32.

    At least one, zero-padded when the sound is shorter. What the last full window leaves over
    becomes one more, zero-padded, if that is half a window or longer; a shorter rest is dropped.
    """
    length = max(1, round(length_s * audio.rate_hz))
    n = len(audio.samples)
    n_full = max(0, math.floor((n - length) / (hop_s * audio.rate_hz) + 1e-9) + 1)
    starts_s = np.arange(n_full + 1) * hop_s
    starts = np.round(starts_s * audio.rate_hz).astype(np.int64)
    covered = starts[n_full - 1] + length if n_full else 0
    rest = n - starts[n_full]
    if n_full and (covered >= n or rest < length / 2):
        starts_s, starts = starts_s[:-1], starts[:-1]
    cut = np.zeros((len(starts), length), np.float32)
    for row, start in zip(cut, starts, strict=True):
        part = audio.samples[start : start + length]
        row[: len(part)] = part
    return starts_s, cut


def loudest_second(audio: Audio) -> float:
    """Where the one-second window of the highest RMS begins, in seconds, on a grid of 0.1 s.

    The first of equals; 0 when the sound is no longer than a second.
    """
    length = audio.rate_hz
    energy = np.concatenate([[0.0], np.cumsum(audio.samples.astype(np.float64) ** 2)])
    n_starts = max(0, math.floor((len(audio.samples) - length) / (0.1 * length) + 1e-9) + 1)
    if n_starts < 2:
        return 0.0
    starts = np.minimum(
        np.round(np.arange(n_starts) * 0.1 * length).astype(np.int64), len(audio.samples) - length
    )
    loudness = energy[starts + length] - energy[starts]
    # Rounding in the running sum must not choose among equals.
    return float(np.argmax(loudness >= loudness.max() * (1 - 1e-9)) * 0.1)


def wav_bytes(audio: Audio) -> bytes:
    """The sound as a 16-bit PCM WAV file for players; what exceeds full scale is clipped."""
    pcm = np.round(np.clip(audio.samples, -1.0, 1.0) * 32767.0).astype("<i2")
    encoded = io.BytesIO()
    with wave.open(encoded, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.rate_hz)
        file.writeframes(pcm.tobytes())
    return encoded.getvalue()


def flac_bytes(audio: Audio) -> bytes:
    """The sound as a 16-bit FLAC file, for keeping; what exceeds full scale is clipped."""
    import soundfile

    encoded = io.BytesIO()
    soundfile.write(encoded, np.clip(audio.samples, -1.0, 1.0), audio.rate_hz, format="FLAC")
    return encoded.getvalue()
