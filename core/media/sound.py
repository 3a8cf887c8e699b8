"""Sound: bytes or a path -> mono float32, one-second windows, the loudest second.

Samples are (n,) float32 in about [-1, 1]; channels are mixed down by their mean. libsndfile decodes
wav, flac, ogg, mp3, aiff and au, PyAV everything else and the sound of videos. A part read at
another rate equals that part of the whole read at that rate: cutting before or after resampling
must not make two vectors of one second. `core.media` is the public face of this module.
"""

import io
import math
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.errors import MediaError
from core.media import limits
from core.media.container import StreamedSound, open_container, sound_stream
from core.media.source import MediaFile, Source, opened

if TYPE_CHECKING:
    import soundfile

_BLOCK_VALUES = 2**20  # decoded at a time, all channels together: 4 MB
_MIN_DECODED_S = 0.1  # if less can be decoded than this and than the header states: cut short
_MAX_PEAK = 100.0  # float files may exceed 1; values far beyond are no sound and overflow later
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
    """A decoder's view of a file: true rate and channels, frames if known, mono blocks."""

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
) -> Audio:
    """The sound of an audio or video file: mono float32, `duration_s` seconds from `start_s` on.

    A part that reaches beyond the end of the file is shorter. The sound is resampled with soxr (HQ)
    to `rate_hz` if given. Of a file that is cut short, the decodable part is returned if it is at
    least 0.1 s long. Raises MediaError when the file has no sound, is over a limit, damaged, empty,
    filled with NaN, or ends before `start_s`; ValueError for senseless times or rates.
    """
    if not (start_s >= 0 and (duration_s is None or duration_s > 0)):
        raise ValueError(f"cannot read {duration_s} s from second {start_s}")
    if rate_hz is not None and rate_hz < 1:
        raise ValueError(f"cannot resample to {rate_hz} Hz")
    with opened(source, name, "audio") as media:
        read = partial(_read_part, media, start_s=start_s, duration_s=duration_s, rate_hz=rate_hz)
        if media.format.sndfile:
            import soundfile

            # A rarer codec, or damage: FFmpeg then decodes as much as it can.
            with suppress(soundfile.SoundFileError), open_sndfile(media) as sound:
                return read(sound)
        with open_container(media) as container:
            stream = sound_stream(container)
            if stream is None:
                raise media.refusal(
                    "has no sound track that can be decoded", "choose a file with sound"
                )
            return read(StreamedSound(container, stream, media))


class SndfileSound:
    """The sound of a file opened by libsndfile: a `Track`."""

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
def open_sndfile(media: MediaFile) -> Iterator[SndfileSound]:
    """The file in libsndfile, without its name, from which it would guess raw formats."""
    import soundfile

    media.file.seek(0)
    handle = media.file if isinstance(media.file, io.BytesIO) else media.file.fileno()
    with soundfile.SoundFile(handle, closefd=False) as sound:
        yield SndfileSound(sound)


def check_sound(rate_hz: int, n_channels: int, duration_s: float | None, media: MediaFile) -> None:
    """Raises MediaError when channels, rate or length are over a limit, or there is no sample."""
    if n_channels > limits.MAX_CHANNELS:
        raise media.refusal(
            f"has {n_channels:,} channels, but at most {limits.MAX_CHANNELS} are allowed",
            "mix it down first",
        )
    if not limits.MIN_RATE_HZ <= rate_hz <= limits.MAX_RATE_HZ:
        raise media.refusal(
            f"has a sample rate of {rate_hz:,} Hz, but {limits.MIN_RATE_HZ:,} to "
            f"{limits.MAX_RATE_HZ:,} Hz are allowed",
            "resample it first",
        )
    if duration_s == 0:
        raise _without_samples(media)
    if duration_s is not None:
        check_duration(duration_s, media)


def check_duration(seconds: float, media: MediaFile) -> None:
    """Raises MediaError when it is longer than `MAX_SECONDS`."""
    if seconds > limits.MAX_SECONDS:
        raise media.refusal(
            f"is {_length(seconds)} long, but at most {_length(limits.MAX_SECONDS)} are allowed",
            "cut it",
        )


def _without_samples(media: MediaFile) -> MediaError:
    return media.refusal("contains no samples (0 s of sound)", "record or export it again")


def _length(seconds: float) -> str:
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:,.1f} hours"
    return f"{seconds / 60:.1f} minutes" if seconds >= 120 else f"{seconds:.1f} seconds"


def _read_part(
    media: MediaFile,
    track: Track,
    *,
    start_s: float,
    duration_s: float | None,
    rate_hz: int | None,
) -> Audio:
    """Reads and resamples the part with a margin that begins where the grids of both rates meet,
    so that the result equals the part of the resampled whole."""
    duration = None if track.n_frames is None else track.n_frames / track.rate_hz
    check_sound(track.rate_hz, track.n_channels, duration, media)
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

    blocks = _checked(track, start, n_in, media)
    if rate_in != rate_out:
        blocks = _resampled(blocks, rate_in, rate_out)
    parts = list(blocks)
    samples = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.float32), *parts])
    skip = first - start * rate_out // rate_in
    samples = samples[skip : None if n is None else skip + n]
    if not len(samples):
        if first == 0:
            raise _without_samples(media)
        raise media.refusal(
            f"ends before {start_s:.1f} s, where the requested part starts",
            "choose an earlier part",
        )
    return Audio(np.ascontiguousarray(samples, np.float32), rate_out)


def _checked(track: Track, start: int, n: int | None, media: MediaFile) -> Iterator[np.ndarray]:
    """The track's blocks; limits and values are checked as they come, because headers lie."""
    n_read = 0
    for block in track.blocks(start, n):
        n_read += len(block)
        check_duration((start + n_read) / track.rate_hz, media)
        if n_read * track.n_channels > limits.MAX_SAMPLES:
            raise media.refusal(
                f"contains over {limits.MAX_SAMPLES / 1e6:,.0f} million samples, which is the most "
                "that is allowed",
                "cut it, mix it down or resample it",
            )
        peak = max(float(block.max()), -float(block.min()))
        if not math.isfinite(peak):
            raise media.refusal(
                "contains NaN or infinite samples, which are not sound", "export it again"
            )
        if peak > _MAX_PEAK:
            raise media.refusal(
                f"contains samples of {peak:.3g}, but about -1 to 1 is expected",
                "normalise it and export it again",
            )
        yield block
    decoded = start + n_read
    promised = math.inf if track.n_frames is None else track.n_frames
    ended_early = decoded < promised and (n is None or n_read < n)
    if ended_early and decoded < _MIN_DECODED_S * track.rate_hz < promised:
        raise media.refusal(
            f"is cut short or damaged, and only {decoded / track.rate_hz:.2f} s of sound could be "
            "decoded",
            "download or export it again",
        )


def _resampled(blocks: Iterator[np.ndarray], rate_in: int, rate_out: int) -> Iterator[np.ndarray]:
    """The blocks at the new rate, one at a time: only the result needs memory."""
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

    There is at least one, zero-padded when the sound is shorter. The rest after the last full
    window is one more, zero-padded, if it is half a window or longer.
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
    """The start of the one-second window with the highest RMS, in seconds, on a grid of 0.1 s.

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
    # Rounding errors of the running sum must not choose among equals.
    return float(np.argmax(loudness >= loudness.max() * (1 - 1e-9)) * 0.1)


def wav_bytes(audio: Audio) -> bytes:
    """The sound as a 16-bit PCM WAV file for players; values beyond full scale are clipped."""
    pcm = np.round(np.clip(audio.samples, -1.0, 1.0) * 32767.0).astype("<i2")
    encoded = io.BytesIO()
    with wave.open(encoded, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.rate_hz)
        file.writeframes(pcm.tobytes())
    return encoded.getvalue()


def flac_bytes(audio: Audio) -> bytes:
    """The sound as a 16-bit FLAC file, for storage; values beyond full scale are clipped."""
    import soundfile

    encoded = io.BytesIO()
    soundfile.write(encoded, np.clip(audio.samples, -1.0, 1.0), audio.rate_hz, format="FLAC")
    return encoded.getvalue()
