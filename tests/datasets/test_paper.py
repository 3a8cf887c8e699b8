"""Generated vectors: W's sizes, its class skew, what two modalities share, and the settings."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import datasets, items
from core.datasets import paper
from core.datasets.base import Ingested, Request
from core.errors import UserError
from core.store import Store
from tests.precompute_runs import precompute

SIZE = 1_600


def request(size: int | None = SIZE, text: str = "paper", seed: int = 0) -> Request:
    return Request(datasets.parse(text), size, seed, None)


def ingest(folder: Path, asked: Request) -> Ingested:
    draft = Store(folder).begin("ingest", {})
    return paper.ingest(asked, draft, lambda function, tasks, title: map(function, tasks))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    return ingest(tmp_path_factory.mktemp("paper"), request())


def test_by_itself_it_has_the_papers_sizes() -> None:
    clips = paper.plan(158_000, seed=0)
    assert Counter(clips["subset"]) == {
        "translation": 130_000,
        "crossmodal": 10_000,
        "train": 16_200,
        "test": 1_800,
    }
    assert paper.fingerprint(request(None))["size"] == 158_000


@pytest.mark.parametrize("size", [500, 501, 1_600, 40_000])
def test_a_size_is_a_number_of_pairs_and_scales_every_subset(size: int) -> None:
    clips = paper.plan(size, seed=1)
    assert len(clips) == size
    n = Counter(clips["subset"])
    assert n["translation"] > n["train"] > n["test"] > 0
    for subset in ("train", "test"):
        per_class = Counter(clips.loc[clips["subset"] == subset, "class_row"])
        assert len(per_class) == 18
        assert len(set(per_class.values())) == 1


def test_the_classes_of_translation_are_skewed_as_the_papers() -> None:
    clips = paper.plan(20_000, seed=0)
    rows = clips.loc[clips["subset"] == "translation", "class_row"]
    n = Counter(paper.CLASSES[row] for row in rows)
    assert [name for name, _ in n.most_common(2)] == ["guitar", "drums"]
    assert n["guitar"] > 8 * n["clarinet"] > 0


def test_items_and_vectors_belong_together(made: Ingested) -> None:
    items.validate(made.items)
    assert len(made.items) == 2 * SIZE
    assert made.describe()["paired_classes"] == paper.CLASSES
    assert made.describe()["n_clips"] == SIZE
    assert {name: array.shape for name, array in made.vectors.items()} == {
        "audio": (SIZE, 1024),
        "image": (SIZE, 2048),
    }
    for array in made.vectors.values():
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
        assert len(np.unique(np.asarray(array[:, 0]))) > SIZE / 2
    of_clip = made.items.groupby("clip_id")["vector_row"].nunique()
    assert (of_clip == 1).all()
    assert set(made.splits["clip_id"]) == set(made.items["clip_id"])


def test_the_card_says_that_the_vectors_are_generated_and_have_no_media(made: Ingested) -> None:
    assert "no media" in paper.CARD.description
    assert "generated" in made.notes[0]
    assert set(made.items["path"]) == {""}


def test_a_seed_repeats_and_another_differs(made: Ingested, tmp_path: Path) -> None:
    again = ingest(tmp_path / "again", request())
    other = ingest(tmp_path / "other", request(seed=1))
    assert again.items.equals(made.items)
    for modality in paper.DIMS:
        assert np.array_equal(again.vectors[modality], made.vectors[modality])
        assert not np.array_equal(other.vectors[modality], made.vectors[modality])


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(300) % 18
    model = paper.make_model(0)

    def whole(n: int) -> np.ndarray:
        parts = paper.vectors(model, "audio", rows[:n], paper.PaperSettings(), seed=0)
        return np.concatenate(list(parts))

    monkeypatch.setattr(paper, "BLOCK_ROWS", 100)
    three, two = whole(300), whole(200)
    assert three.shape == (300, 1024)
    assert three[:200] == pytest.approx(two, abs=1e-5)
    # A block has random numbers of its own: clips of one class in two blocks are two clips.
    assert not np.allclose(three[:10], three[90:100])


def zero_shot(audio: np.ndarray, image: np.ndarray, y: np.ndarray, paired: np.ndarray) -> float:
    """Share of clips whose nearest centroid, of the other modality, has their class.

    The modalities are joined by a linear map that was fitted on pairs without labels.
    """
    half = len(y) // 2
    principal = []
    for native in (audio, image):
        centred = native[:, :200] - native[paired, :200].mean(axis=0)
        _, _, axes = np.linalg.svd(centred[paired], full_matrices=False)
        principal.append(centred @ axes[:40].T)
    carried, *_ = np.linalg.lstsq(principal[0][paired], principal[1][paired], rcond=None)
    across = principal[0] @ carried
    first, second = np.arange(half), np.arange(half, len(y))
    centres = np.stack([across[first][y[first] == c].mean(axis=0) for c in range(18)])
    distance = ((principal[1][second][:, None] - centres) ** 2).sum(axis=-1)
    return float((distance.argmin(axis=1) == y[second]).mean())


def test_the_modalities_share_less_the_wider_the_gap_and_the_louder_the_noise() -> None:
    rows = np.random.default_rng(0).integers(18, size=1_500)
    model = paper.make_model(0)

    def measured(chosen: paper.PaperSettings) -> float:
        audio, image = (
            np.concatenate(list(paper.vectors(model, modality, rows, chosen, seed=0)))
            for modality in ("audio", "image")
        )
        return zero_shot(audio, image, rows, np.arange(750))

    usual = measured(paper.PaperSettings())
    assert usual > 4 / 18
    assert measured(paper.PaperSettings(gap=0.0, noise=0.0)) > usual + 0.1
    assert measured(paper.PaperSettings(gap=6.0)) < usual - 0.1
    assert measured(paper.PaperSettings(noise=5.0)) < usual - 0.1


def test_settings_are_read_from_the_dataset_name() -> None:
    def read(text: str) -> paper.PaperSettings:
        return paper.settings(datasets.parse(text))

    assert read("paper") == read("paper:") == paper.PaperSettings(1.0, 1.0)
    assert read("paper:gap=2") == paper.PaperSettings(gap=2.0)
    assert read("paper: noise=0.5 , gap=0") == paper.PaperSettings(gap=0.0, noise=0.5)
    assert paper.canonical(datasets.parse("paper:noise=.5")) == "gap=1.0,noise=0.5"
    assert paper.canonical(datasets.parse("paper:noise=1")) == ""
    assert datasets.canonical(datasets.parse("paper:")) == "paper"
    assert datasets.canonical(datasets.parse("paper:gap=3")) == "paper:gap=3.0,noise=1.0"
    again = datasets.parse(datasets.canonical(datasets.parse("paper:gap=3")))
    assert paper.settings(again) == paper.PaperSettings(gap=3.0)
    one, two = (paper.fingerprint(request(text=text)) for text in ("paper", "paper:gap=2"))
    assert one != two
    assert one == paper.fingerprint(request(text="paper:gap=1"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("paper:~/vectors", "has the setting '~/vectors': expected some of gap=NUMBER"),
        ("paper:width=2", "has the setting 'width=2'"),
        ("paper:gap=1,gap=2", "has the setting 'gap=2'"),
        ("paper:gap=wide", "has gap=wide: expected a number from 0 to 100"),
        ("paper:noise=-1", "has noise=-1"),
        ("paper:noise=nan", "has noise=nan"),
        ("paper:gap=1e9", "has gap=1e9"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        paper.fingerprint(request(text=text))
    assert said in str(caught.value)


def test_other_datasets_are_named_by_their_paths(tmp_path: Path) -> None:
    assert datasets.canonical(datasets.parse("demo")) == "demo"
    spec = datasets.parse(f"folder:{tmp_path}/../{tmp_path.name}")
    assert datasets.canonical(spec) == f"folder:{tmp_path.resolve()}"
    with pytest.raises(UserError, match="There is nothing at"):
        datasets.canonical(datasets.parse(f"folder:{tmp_path}/absent"))


@pytest.mark.parametrize("size", [0, 499, 1_000_001])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(UserError, match="expected 500 to 1000000"):
        paper.fingerprint(request(size))


def test_a_killed_ingest_keeps_the_vectors_that_are_whole(tmp_path: Path) -> None:
    draft = Store(tmp_path).begin("ingest", {})
    kept = np.zeros((SIZE, 1024), np.float32)
    draft.write_array("ready.audio.npy", kept)
    found = paper.ingest(request(), draft, lambda function, tasks, title: map(function, tasks))
    assert np.array_equal(found.vectors["audio"], kept)
    assert np.asarray(found.vectors["image"]).any()
    assert isinstance(found.items, pd.DataFrame)


def test_the_command_line_takes_settings_in_place_of_a_path(tmp_path: Path) -> None:
    one = datasets.canonical(datasets.parse("paper:noise=2,gap=0.5"))
    assert one == datasets.canonical(datasets.parse("paper:gap=0.50,noise=2.0"))
    assert datasets.canonical(datasets.parse("paper:gap=1")) == "paper"
    ran = precompute("ingest", "--dataset", "paper:gap=wide", "--workspace", tmp_path)
    assert ran.returncode == 2
    assert "gap" in ran.stderr
    assert "Traceback" not in ran.stderr
