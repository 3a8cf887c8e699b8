"""Extraction of sound, each encoder: against file by file, and against its network alone.

Clips are ten seconds long, stereo, at 44.1 and 48 kHz, as wav, mp3, flac, ogg and m4a in turn; one
second of each is embedded. The plain way is that of Wu et al.'s authors: `librosa.load` of the
clip, cut, one call of the published network: TensorFlow's or Keras's for the encoders of that
paper, else the encoder's own network. (librosa leaves m4a to an `ffmpeg` program; without one, the
plain way decodes the clip with PyAV and resamples it with librosa.)

    python -m tests.benchmarks audio_encoders
    python -m tests.benchmarks.bench_audio_encoders yamnet vggish
"""

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import encoders
from core.cpu import n_cores
from core.encoders import savedmodel, vggish, weights
from core.encoders.base import Encoder
from core.items import Item
from tests import media_samples
from tests.benchmarks import encoder_runs, keras_networks
from tests.benchmarks.encoder_runs import Plain

FORMATS = ("wav", "mp3", "flac", "ogg", "m4a")
RATES_HZ = (44_100, 48_000)
CLIP_S = 10
N_SOURCES = 40  # distinct files; the clips are links to them

# Number of clips, and the least ratio against the plain loop.
CASES = {
    "yamnet": (1_000, 3.0),
    "vggish": (1_000, 3.0),
    "openl3_audio": (48, 1.3),
    "hcnn": (96, 1.3),
    "musicnn": (128, 2.0),
    "clap_audio": (32, 1.3),
    "ast": (48, 1.3),
    "mert": (48, 1.3),
}


def run(asked: Sequence[str] = ()) -> list[dict]:
    """Two rows {what, against, ratio, at_least, detail} for each encoder."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        items = write_clips(root, max(n for n, _ in CASES.values()))
        for name in encoder_runs.chosen(list(CASES), asked):
            n, at_least = CASES[name]
            plain = PUBLISHED.get(name, ANY)
            what = f"extraction of {n:,} clips of {len(FORMATS)} formats"
            rows += encoder_runs.rows_of(name, items[:n], root, plain, what, at_least)
    return rows


def write_clips(root: Path, n: int) -> list[Item]:
    """Clips of ten seconds of gliding stereo tones and noise, in every format.

    Each item starts at a whole number of samples at every rate.
    """
    rng = np.random.default_rng(0)
    sources = []
    for number in range(N_SOURCES):
        suffix = FORMATS[number % len(FORMATS)]
        rate_hz = RATES_HZ[number // len(FORMATS) % len(RATES_HZ)]
        time_s = np.arange(CLIP_S * rate_hz) / rate_hz
        sounds = [
            0.2
            * np.sin(2 * np.pi * (rng.uniform(80, 2_000) + 20 * time_s) * time_s)
            * (1 + 0.5 * np.sin(rng.uniform(2, 9) * time_s))
            + rng.uniform(0.005, 0.05) * rng.standard_normal(len(time_s))
            for _ in range(2)
        ]
        samples = np.stack(sounds, 1).astype(np.float32)
        sources.append(root / f"source{number}.{suffix}")
        sources[-1].write_bytes(media_samples.sound_bytes(samples, rate_hz, suffix))
    items = []
    for number, tenth in enumerate(rng.integers(0, 10 * (CLIP_S - 1), n)):
        source = sources[number % N_SOURCES]
        path = f"clip{number:05d}{source.suffix}"
        os.link(source, root / path)
        items.append(Item(path, path, "audio", ("x",), path, start_s=tenth / 10))
    return items


def second_of(root: Path, item: Item, rate_hz: int) -> np.ndarray:
    """`(rate_hz,)` float32: the clip decoded and resampled whole, and cut."""
    import librosa
    from audioread.exceptions import NoBackendError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa's about audioread
        try:
            samples, _ = librosa.load(root / item.path, sr=rate_hz)
        except NoBackendError:
            decoded, decoded_hz = by_pyav(root / item.path)
            samples = librosa.resample(decoded, orig_sr=decoded_hz, target_sr=rate_hz)
    start = round(item.start_s * rate_hz)
    return samples[start : start + rate_hz]


def by_pyav(path: Path) -> tuple[np.ndarray, int]:
    """`(n,)` float32 mono samples and their rate."""
    import av

    with av.open(path) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        rate_hz = container.streams.audio[0].rate
    return np.concatenate(frames, axis=1).mean(0), rate_hz


def of_encoder(encoder: Encoder, root: Path, item: Item) -> np.ndarray:
    """The vector of one second, alone."""
    assert encoder.card.rate_hz is not None
    return encoder.embed([second_of(root, item, encoder.card.rate_hz)])[0]


def through_encoder(encoder: Any, batch: np.ndarray) -> np.ndarray:
    """`(b, dim)`: the network over prepared inputs."""
    return np.asarray(encoder.run(batch))


def load_saved_model(name: str, weights_dir: Path) -> tuple[Any, Callable[[Any], np.ndarray]]:
    """The published model as its users load it, and its post-processing."""
    tf = savedmodel.start(n_cores())
    folder, *pca = weights.find_all(encoders.card(name), weights_dir)
    model = tf.saved_model.load(str(folder))
    if not pca:
        return model, np.asarray
    arrays = vggish.read_pca(pca[0])
    return model, lambda rows: vggish.postprocess(rows, *arrays)


def of_saved_model(state: tuple[Any, Any], root: Path, item: Item) -> np.ndarray:
    """The vector of one second by one call of the published model."""
    prepared = savedmodel.prepare(second_of(root, item, savedmodel.RATE_HZ))
    return through_saved_model(state, prepared[None])[0]


def through_saved_model(state: tuple[Any, Any], batch: np.ndarray) -> np.ndarray:
    """`(b, dim)`, one call each: the published models take one waveform, not a batch."""
    model, finish = state
    rows = []
    for window in batch:
        found = model(window)
        embeddings = found[1] if isinstance(found, (list, tuple)) else found
        rows.append(finish(embeddings.numpy())[0])
    return np.stack(rows)


def of_keras(state: tuple[Any, Encoder], root: Path, item: Item) -> np.ndarray:
    """The vector of one second by one `predict` of Keras's network."""
    rate_hz = state[1].card.rate_hz
    assert rate_hz is not None
    return keras_networks.vector_of(state, second_of(root, item, rate_hz))


ANY = Plain(encoder_runs.loaded, of_encoder, through_encoder)
SAVED_MODEL = Plain(load_saved_model, of_saved_model, through_saved_model)
PUBLISHED = {
    "yamnet": SAVED_MODEL,
    "vggish": SAVED_MODEL,
    "openl3_audio": Plain(keras_networks.load, of_keras, keras_networks.forward),
}


if __name__ == "__main__":
    encoder_runs.show(run(sys.argv[1:]))
