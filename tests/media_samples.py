"""Small media made for the tests: tones, pictures and videos in every supported format."""

import io

import numpy as np

SECOND_COLOURS = ((220, 30, 30), (30, 200, 40), (40, 50, 220), (230, 220, 40), (200, 40, 200))
SECOND_TONES_HZ = (300.0, 500.0, 800.0, 1300.0, 2100.0)

SOUND_FORMATS = ("wav", "aiff", "au", "flac", "ogg", "mp3", "m4a", "opus")
PICTURE_FORMATS = ("jpg", "png", "webp", "gif", "bmp", "tiff")
VIDEO_FORMATS = ("mp4", "webm", "mov", "mkv")
EVERY_FORMAT = (*SOUND_FORMATS, *PICTURE_FORMATS, *VIDEO_FORMATS)

_SNDFILE = {
    "wav": ("WAV", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
_AV_SOUND = {"m4a": ("ipod", "aac"), "opus": ("ogg", "libopus")}
_AV_VIDEO = {
    "mp4": ("mp4", "libx264", "aac"),
    "webm": ("webm", "libvpx", "libopus"),
    "mov": ("mov", "mpeg4", "pcm_s16le"),
    "mkv": ("matroska", "libx264", "aac"),
}
_PILLOW = {"jpg": "JPEG", "tiff": "TIFF"}


def tone(frequency_hz: float, seconds: float, rate_hz: int = 44100) -> np.ndarray:
    """(n,) float32 sine of amplitude 0.5."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def frequency_of(samples: np.ndarray, rate_hz: int) -> float:
    """The strongest frequency, in Hz, to about 1 Hz for a second of sound."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 4 * len(samples)))
    return float(np.argmax(spectrum) * rate_hz / (4 * len(samples)))


def sound_bytes(samples: np.ndarray, rate_hz: int, suffix: str) -> bytes:
    """(n,) or (n, channels) float32 as a file; opus needs 48 kHz."""
    import soundfile

    if suffix in _AV_SOUND:
        return _av_bytes(*_AV_SOUND[suffix], samples=samples, rate_hz=rate_hz)
    file = io.BytesIO()
    container, subtype = _SNDFILE[suffix]
    soundfile.write(file, samples, rate_hz, format=container, subtype=subtype)
    return file.getvalue()


def picture_file(rgb: np.ndarray, suffix: str, **options: object) -> bytes:
    """(h, w, 3) uint8 as a file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(rgb).save(file, _PILLOW.get(suffix, suffix.upper()), **options)
    return file.getvalue()


def video_file(suffix: str, *, n_seconds: int = 5, gop: int = 12, with_sound: bool = True) -> bytes:
    """A video of 64 x 48 pixels, 25 frames a second: second k has colour k and tone k."""
    container, codec, sound_codec = _AV_VIDEO[suffix]
    rate_hz = 48000
    sound = np.concatenate([tone(f, 1.0, rate_hz) for f in SECOND_TONES_HZ[:n_seconds]])
    frames = [
        np.full((48, 64, 3), SECOND_COLOURS[k], np.uint8)
        for k in range(n_seconds)
        for _ in range(25)
    ]
    return _av_bytes(
        container,
        sound_codec if with_sound else None,
        samples=sound,
        rate_hz=rate_hz,
        picture_codec=codec,
        frames=frames,
        gop=gop,
    )


def every_sample() -> dict[str, bytes]:
    """A second of noise, a picture of noise or a second of video in every format."""
    rng = np.random.default_rng(0)
    noise = np.clip(rng.normal(0, 0.2, 48000), -1, 1).astype(np.float32)
    rgb = rng.integers(0, 256, (64, 80, 3), np.uint8)
    return {
        **{s: sound_bytes(noise, 48000, s) for s in SOUND_FORMATS},
        **{s: picture_file(rgb, s) for s in PICTURE_FORMATS},
        **{s: video_file(s, n_seconds=1) for s in VIDEO_FORMATS},
    }


def _av_bytes(
    container: str,
    sound_codec: str | None,
    *,
    samples: np.ndarray,
    rate_hz: int,
    picture_codec: str | None = None,
    frames: list[np.ndarray] | None = None,
    gop: int = 12,
) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        if picture_codec is not None and frames:
            picture = output.add_stream(picture_codec, rate=25)
            picture.height, picture.width = frames[0].shape[:2]
            picture.pix_fmt = "yuv420p"
            picture.gop_size = gop
            if picture_codec == "libvpx":
                picture.options = {"deadline": "realtime", "cpu-used": "8"}
        if sound_codec is not None:
            sound = output.add_stream(sound_codec, rate=rate_hz)
            channels = samples.reshape(len(samples), -1)
            sound.layout = "mono" if channels.shape[1] == 1 else "stereo"
        if picture_codec is not None and frames:
            for i, rgb in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
                frame.pts = i
                output.mux(picture.encode(frame))
            output.mux(picture.encode(None))
        if sound_codec is not None:
            planes = np.ascontiguousarray(channels.T, np.float32)
            layout = sound.layout.name
            block = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            block.sample_rate = rate_hz
            block.pts = 0
            output.mux(sound.encode(block))
            output.mux(sound.encode(None))
    return file.getvalue()
