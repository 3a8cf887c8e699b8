"""The demo corpus: as skewed and imperfect as its card says, and the same for the same seed."""

import json
from collections import Counter
from pathlib import Path

import pytest

from core import datasets, items, media
from core.datasets.base import Request
from core.datasets.demo import corpus
from core.errors import UserError

CLIPS = corpus.plan(corpus.DEFAULT_SIZE, seed=0)


def request(size: int | None = None, seed: int = 0) -> Request:
    return Request(datasets.parse("demo"), size, seed, None)


def of(subset: str) -> list[corpus.Clip]:
    return [clip for clip in CLIPS if clip.subset == subset]


def test_the_plan_has_the_right_size_and_unique_clips() -> None:
    assert len(CLIPS) == corpus.DEFAULT_SIZE
    assert len({clip.clip_id for clip in CLIPS}) == len(CLIPS)
    assert {clip.subset for clip in CLIPS} == set(items.SUBSETS)
    assert len(of("translation")) > len(CLIPS) / 2


@pytest.mark.parametrize("subset", ["train", "test"])
def test_classification_subsets_are_balanced_and_clean(subset: str) -> None:
    counts = Counter(clip.sounds for clip in of(subset))
    assert set(counts) == {(name,) for name in corpus.CLASSES}
    assert len(set(counts.values())) == 1
    assert all(clip.sounds == (clip.shows,) for clip in of(subset))


def test_the_translation_subset_is_as_imperfect_as_the_card_says() -> None:
    clips = of("translation")
    single = Counter(clip.sounds[0] for clip in clips if len(clip.sounds) == 1)
    assert single["guitar"] > 5 * single["clarinet"] > 0
    mismatched = sum(clip.shows not in clip.sounds for clip in clips) / len(clips)
    two = sum(len(clip.sounds) == 2 for clip in clips) / len(clips)
    assert mismatched == pytest.approx(corpus.MISMATCHED, abs=0.025)
    assert two == pytest.approx(corpus.TWO_LABELS, abs=0.025)
    for clip in clips:
        assert len(set(clip.sounds)) == len(clip.sounds)


def test_a_plan_follows_from_its_seed() -> None:
    assert corpus.plan(400, seed=3) == corpus.plan(400, seed=3)
    assert corpus.plan(400, seed=3) != corpus.plan(400, seed=4)


@pytest.mark.parametrize("size", [*corpus.SIZES, 1_000])
def test_every_size_holds_every_subset_and_class(size: int) -> None:
    clips = corpus.plan(size, seed=0)
    assert len(clips) == size
    for subset in ("train", "test"):
        assert {c.sounds[0] for c in clips if c.subset == subset} == set(corpus.CLASSES)


@pytest.mark.parametrize("size", [0, 359, 10_001])
def test_sizes_outside_the_bounds_are_refused(size: int) -> None:
    with pytest.raises(UserError, match=rf"size is {size} pairs: expected 360 to 10000"):
        corpus.fingerprint(request(size))


def test_rendered_twice_the_bytes_are_the_same(tmp_path: Path) -> None:
    clips = (of("test")[0], next(clip for clip in CLIPS if len(clip.sounds) == 2))
    for name in ("a", "b"):
        for clip in clips:
            corpus.render(str(tmp_path / name), clip)
    files = sorted(path.relative_to(tmp_path / "a") for path in tmp_path.glob("a/**/*.*"))
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_captions_have_a_generator_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of words drawn changes neither sound, nor picture, nor the second that is cut."""

    def rendered(name: str) -> tuple[list[bytes], list[items.Item]]:
        rows, _ = corpus.render(str(tmp_path / name), of("test")[1])
        files = sorted((tmp_path / name / "media").glob("**/*.*"))
        return [file.read_bytes() for file in files], rows

    media_of, rows = rendered("a")
    monkeypatch.setattr(corpus.captions, "caption", lambda facts, rng: str(rng.random(100)))
    media_too, rows_too = rendered("b")
    assert media_of == media_too
    assert rows[:2] == rows_too[:2]
    assert rows[2].text != rows_too[2].text


def test_rendered_items_state_their_facts(tmp_path: Path) -> None:
    clip = next(clip for clip in CLIPS if clip.shows not in clip.sounds)
    rows, rejected = corpus.render(str(tmp_path), clip)
    assert not rejected
    frame = items.table(rows)
    sound, picture, text = (items.of(frame, name).iloc[0] for name in ("audio", "image", "text"))
    assert sound["clip_id"] == picture["clip_id"] == text["clip_id"] == clip.clip_id
    assert (
        tuple(sound["labels"]) == tuple(picture["labels"]) == tuple(text["labels"]) == clip.sounds
    )
    assert len(frame) == 3
    assert text["item_id"] == f"text:{clip.clip_id}"
    assert text["path"] == sound["text"] == picture["text"] == ""
    assert len(text["text"].split()) > 3
    facts = json.loads(picture["facts"])
    assert facts == {"mismatched": True, "shows": clip.shows}
    assert json.loads(sound["facts"])["phrases"][0]["class_name"] == clip.sounds[0]
    audio = media.read_audio(
        tmp_path / "media" / sound["path"], "x", start_s=sound["start_s"], duration_s=1.0
    )
    assert audio.duration_s == pytest.approx(1.0, abs=0.001)
    assert abs(audio.samples).max() > 0.001
    shape = media.read_image(tmp_path / "media" / picture["path"], "x").shape
    assert shape == (corpus.PICTURE_PX, corpus.PICTURE_PX, 3)
