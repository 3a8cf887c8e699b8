"""Where a workspace may take its media from."""

import os
from pathlib import Path

import numpy as np
import pytest

from core import item_media, media_roots
from core.config import Config
from core.errors import MediaError
from core.stages import table as stages
from core.store import Store
from core.study import Study, open_study
from tests.media_samples import picture_file, sound_bytes, tone
from tests.precompute_runs import HereEngine


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study of files outside its workspace, on a machine where nobody has computed it."""
    rng = np.random.default_rng(0)
    for name in ("cello", "flute"):
        for number in range(3):
            pixels = rng.integers(0, 255, (32, 32, 3), np.uint8)
            for folder, suffix, content in (
                ("audio", "wav", sound_bytes(tone(440 + number, 1.0), 16_000, "wav")),
                ("images", "jpg", picture_file(pixels, "jpg")),
            ):
                path = tmp_path / "data" / folder / name / f"{number}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    store = Store(tmp_path / "w")
    config = Config(f"folder:{tmp_path / 'data'}", audio=("logmel",), image=("hog",), splits=1)
    monkeypatch.setenv(media_roots.STATE, str(tmp_path / "mine"))
    with HereEngine() as engine:
        stages.run(config, store, engine, until="ingest")
    return open_study(store)


def heard(study: Study) -> int:
    items = study.items()
    return len(item_media.sound(study, items[items["modality"] == "audio"].index[0]).samples)


def test_the_person_who_computed_a_study_may_hear_it(strange: Study) -> None:
    assert heard(strange) > 0


def test_another_person_names_the_folder_first(
    strange: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(media_roots.STATE, str(tmp_path / "another"))
    with pytest.raises(MediaError, match=r"nobody has allowed that here.*--media"):
        heard(strange)
    for wrong in (tmp_path / "dat", tmp_path / "data" / "audio" / "cello", tmp_path / "w"):
        monkeypatch.setenv(media_roots.VARIABLE, str(wrong))
        with pytest.raises(MediaError, match="nobody has allowed"):
            heard(strange)
    monkeypatch.setenv(media_roots.VARIABLE, f"/nowhere{os.pathsep}{tmp_path / 'data'}")
    assert heard(strange) > 0


@pytest.mark.parametrize(
    ("root", "allowed"),
    [
        ("/", False),
        ("/srv/media", True),
        ("/srv/media/deeper", True),
        ("/srv/media/../other", False),
        ("/srv/mediaother", False),
        ("http://evil.example/media", False),
        ("s3://bucket/media/a", True),
        ("s3://bucket/media/../other", False),
        ("s3://bucket/mediaother", False),
    ],
)
def test_only_what_is_below_an_allowed_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str, allowed: bool
) -> None:
    store = Store(tmp_path)
    monkeypatch.setenv(media_roots.STATE, str(tmp_path / "mine"))
    media_roots.note(store, "/srv/media")
    media_roots.note(store, "/srv/media")
    monkeypatch.setenv(media_roots.VARIABLE, "s3://bucket/media")
    if allowed:
        media_roots.check(store, root)
    else:
        with pytest.raises(MediaError, match="nobody has allowed"):
            media_roots.check(store, root)
    assert (tmp_path / "mine" / "jee" / "media-roots").read_text() == "/srv/media\n"


def test_the_workspaces_own_folder_needs_no_word(tmp_path: Path) -> None:
    media_roots.check(Store(tmp_path), str(tmp_path / "ingest" / "0" / "media"))
    media_roots.check(Store("s3://bucket/w"), "s3://bucket/w/media")
