"""Extraction of 2,000 one-second WAVs through an audio encoder, against a loop over the files.

The loop decodes each file with soundfile, resamples it and calls the network. The encoder is
`yamnet_lite` if its weights are in `../shared/weights`, else `logmel`.

    python -m tests.benchmarks extraction
"""

import importlib
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from core import encoders
from core.engines.local import LocalEngine
from core.items import Item
from tests.benchmarks import encoder_runs

N_FILES = 2_000
RATE_HZ = 16_000
WEIGHTS = Path(__file__).resolve().parents[3] / "shared" / "weights"


def run() -> list[dict]:
    """One row {what, against, ratio, at_least, detail}; fails when the vectors differ."""
    with_weights = WEIGHTS.is_dir()
    name = "yamnet_lite" if with_weights else "logmel"
    weights_dir = WEIGHTS if with_weights else None
    with tempfile.TemporaryDirectory() as folder:
        paths = write_sounds(Path(folder) / "sounds")
        ours_s, ours = time_ours(paths, Path(folder), name, weights_dir)
        theirs_s, theirs = time_theirs(paths, name, weights_dir)
    difference = float(np.abs(ours - theirs).max())
    assert difference < 1e-3, f"vectors differ by {difference}"
    return [
        {
            "what": f"extraction, {N_FILES:,} one-second wavs through {name}, 2 processes",
            "against": "decode and invoke file by file",
            "ratio": theirs_s / ours_s,
            "at_least": 1.8,
            "detail": f"{ours_s:.1f} s against {theirs_s:.1f} s, vectors equal to {difference:.0e}",
        }
    ]


def write_sounds(folder: Path) -> list[Path]:
    """One-second noisy tones, all different."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    paths = []
    for number in range(N_FILES):
        tone = np.sin(2 * np.pi * rng.uniform(80, 2_000) * time_s)
        samples = 0.3 * tone + 0.05 * rng.standard_normal(RATE_HZ)
        paths.append(folder / f"{number:05d}.wav")
        soundfile.write(paths[-1], samples, RATE_HZ)
    return paths


def time_ours(
    paths: list[Path], folder: Path, name: str, weights_dir: Path | None
) -> tuple[float, np.ndarray]:
    """Seconds of the `extract` stage, its workers already started, and the vectors by item."""
    items = [Item(path.name, path.name, "audio", ("x",), path.name) for path in paths]
    root, workspace = paths[0].parent, folder / "workspace"
    with LocalEngine() as engine:
        list(engine.run(import_stage, range(8), "starting workers"))
        return encoder_runs.time_ours(name, items, root, weights_dir, workspace, engine)


def import_stage(_: int) -> None:
    """Import in a worker before the timing starts; the loop has its imports done too."""
    importlib.import_module("core.stages.extract")


def time_theirs(paths: list[Path], name: str, weights_dir: Path | None) -> tuple[float, np.ndarray]:
    """Seconds of the plain loop, and its vectors."""
    import soxr

    encoder = encoders.load(name, weights_dir, n_threads=1)
    rate_hz = encoder.card.rate_hz
    assert rate_hz is not None
    vectors = []
    started = time.perf_counter()
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32")
        if rate != rate_hz:
            samples = soxr.resample(samples, rate, rate_hz)
        vectors.append(encoder.embed([samples])[0])
    return time.perf_counter() - started, np.array(vectors)


if __name__ == "__main__":
    print(run())
