"""Small collections of tracks for the tests, and a function to ingest any dataset."""

from collections.abc import Sequence
from pathlib import Path

from core import datasets
from core.datasets.base import Ingested, Request
from core.store import Store
from tests import media_samples

RATE_HZ = 4_000


def ingest(
    spec: str, folder: Path, *, size: int | None = None, splits: int | None = None, seed: int = 0
) -> Ingested:
    """Ingest a dataset in this process; the workspace is below `folder`."""
    parsed = datasets.parse(spec)
    draft = Store(folder / "workspace").begin("ingest", {"spec": spec, "size": size, "seed": seed})
    return datasets.load(parsed.name).ingest(
        Request(parsed, size, seed, splits), draft, lambda f, tasks, title: map(f, tasks)
    )


def fingerprint(spec: str, size: int | None = None) -> dict[str, object]:
    parsed = datasets.parse(spec)
    return dict(datasets.load(parsed.name).fingerprint(Request(parsed, size, 0, None)))


def write_tone(path: Path, seconds: float = 1.0, frequency_hz: float = 300.0) -> None:
    """A tone in the format of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rate_hz = 44_100 if path.suffix == ".mp3" else RATE_HZ
    samples = media_samples.tone(frequency_hz, seconds, rate_hz)
    path.write_bytes(media_samples.sound_bytes(samples, rate_hz, path.suffix[1:]))


def write_tones(root: Path, paths: Sequence[str]) -> None:
    """The same short tone under many names."""
    for suffix in {Path(path).suffix for path in paths}:
        write_tone(root / f"tone{suffix}", 0.2)
        sound = (root / f"tone{suffix}").read_bytes()
        (root / f"tone{suffix}").unlink()
        for path in paths:
            if path.endswith(suffix):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(sound)
