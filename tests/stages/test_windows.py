"""The other windows of a recording: where they are, what they weigh, and that a study uses them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from core.config import Config
from core.spaces.pairing import Windows
from core.stages import windows
from core.stages.table import run
from core.stages.windows import N_WINDOWS, REACH_S, Recordings
from core.store import Store
from core.vectors import unit_rows
from tests.precompute_runs import HereEngine

RATE_HZ = 8_000
N_FILES, CLASSES = 8, ("high", "low")


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (0.0, 1.0, []),  # the recording is its item
        (0.0, 1.2, []),  # what is left is nearly the item's own second
        (0.0, 2.0, [1.0]),
        (1.0, 3.0, [0.0, 2.0]),
        (0.9, 2.5, [0.0, 1.5]),
    ],
)
def test_windows_are_evenly_spaced_and_not_the_items_own(
    start_s: float, end_s: float, expected: list[float]
) -> None:
    assert windows.starts_of(start_s, 1.0, 0.0, end_s) == pytest.approx(expected)


def test_there_are_never_more_windows_than_the_limit() -> None:
    starts = windows.starts_of(5.0, 1.0, 0.0, 11.0)
    assert len(starts) == N_WINDOWS
    assert (starts[0], starts[-1]) == (0.0, 10.0)


def test_a_recordings_mean_is_by_loudness_and_silence_counts_evenly() -> None:
    rows = unit_rows(np.array([[1, 0], [0, 1], [1, 1], [1, -1], [0, 1]], float))
    # Item 0: rows 0 and 2. Item 1: rows 1, 3 and 4, all silent.
    several = Windows(np.array([0, 2, 5]), np.array([0, 2, 1, 3, 4]))
    found = Recordings(rows, several, np.array([3.0, 0.0, 1.0, 0.0, 0.0])).means(rows)
    expected = unit_rows(np.array([3 * rows[0] + rows[2], rows[1] + rows[3] + rows[4]]))
    assert found == pytest.approx(expected)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict]:
    """Recordings of 3 seconds, of which one second is loudest, and pictures; two classes."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    for name, hertz in zip(CLASSES, (2_000, 200), strict=True):
        for kind in ("audio", "images"):
            (folder / kind / name).mkdir(parents=True)
        for number in range(N_FILES):
            time = np.arange(3 * RATE_HZ) / RATE_HZ
            tone = np.sin(2 * np.pi * hertz * time) * np.repeat([0.1, 0.5, 0.2], RATE_HZ)
            tone += 0.01 * rng.standard_normal(len(tone))
            soundfile.write(folder / "audio" / name / f"{number}.wav", tone, RATE_HZ)
            grey = rng.integers(0, 100, (48, 48, 3)) + (100 if name == "high" else 0)
            Image.fromarray(grey.astype(np.uint8)).save(folder / "images" / name / f"{number}.png")
    store = Store(tmp_path_factory.mktemp("workspace"))
    recipe = {"windows": "query", "max_epochs": 4, "centred": True, "towers": 2}
    config = Config(
        f"folder:{folder}", audio=("logmel",), image=("hog",), text=(), splits=1, translation=recipe
    )
    return store, run(config, store, HereEngine(), until="train").artefacts


def test_windows_are_embedded_beside_the_items(study: tuple[Store, dict]) -> None:
    _, artefacts = study
    table = artefacts["extract:logmel:windows"].table("windows.parquet")
    n = N_FILES * len(CLASSES)
    assert list(table.columns) == list(windows.COLUMNS)
    assert table["item_id"].nunique() == n
    assert len(table) == 2 * n  # of 3 seconds, the item is the loudest one
    assert sorted(table["start_s"].unique()) == [0.0, 2.0]
    assert table["loudness"].max() < 0.25 < table["loudness_of_item"].min()
    vectors = artefacts["extract:logmel:windows"].array("vectors.npy")
    items = artefacts["extract:logmel"].array("vectors.npy")
    assert vectors.shape == (2 * n, items.shape[1])
    assert len(artefacts["extract:logmel"].table("items.parquet")) == n


def test_a_query_is_the_mean_of_its_windows(study: tuple[Store, dict]) -> None:
    _, artefacts = study
    trained = artefacts["train:logmel+hog:0"]
    own, means = (trained.array(f"translation.audio{part}.npy") for part in ("", ".recordings"))
    assert means.shape == own.shape
    assert np.linalg.norm(means, axis=1) == pytest.approx(1, abs=1e-5)
    assert 0.5 < (own * means).sum(axis=1).mean() < 0.9999  # near the item, and not the item
    assert not trained.has("translation.image.recordings.npy")


def test_a_file_with_several_items_has_no_other_windows(tmp_path: Path) -> None:
    from core import items

    soundfile.write(tmp_path / "a.wav", np.full(4 * RATE_HZ, 0.1), RATE_HZ)
    soundfile.write(tmp_path / "b.wav", np.full(30 * RATE_HZ, 0.1), RATE_HZ)
    (tmp_path / "c.wav").write_bytes(b"no sound")
    places = {"a1": ("a.wav", 0.0), "a2": ("a.wav", 2.0), "b": ("b.wav", 12.0), "c": ("c.wav", 0.0)}
    frame = items.table(
        items.Item(name, name, "audio", path=path, start_s=start_s)
        for name, (path, start_s) in places.items()
    )
    found = windows.of_items(frame, str(tmp_path))
    assert set(found["item_id"]) == {"b"}
    assert found["start_s"].min() == 12 - REACH_S
    assert found["start_s"].max() == 12 + REACH_S
    assert found["loudness"].to_numpy() == pytest.approx(0.1, abs=1e-3)
