"""The demo corpus's drawings and the pictures made of them."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from core.datasets.demo import palettes, pictures, scenery
from core.errors import UserError

W_CLASSES = [
    "accordion",
    "banjo",
    "cello",
    "clarinet",
    "cymbals",
    "drums",
    "flute",
    "guitar",
    "mandolin",
    "organ",
    "piano",
    "saxophone",
    "synthesizer",
    "trombone",
    "trumpet",
    "ukulele",
    "violin",
    "voice",
]

DRAWINGS = [(c, d) for c in pictures.CLASSES for d in pictures.designs(c)]


def picture(class_name: str, seed: int, size_px: int = 64, design: str | None = None) -> np.ndarray:
    return pictures.render(class_name, np.random.default_rng(seed), size_px, design=design)


def test_the_classes_are_those_of_the_paper():
    assert list(pictures.CLASSES) == W_CLASSES


@pytest.mark.parametrize("class_name", W_CLASSES)
def test_designs_of_a_class_are_several_full_and_different(class_name):
    names = pictures.designs(class_name)
    assert len(names) >= 3
    drawings = [pictures.drawing(class_name, name, 64).astype(float) for name in names]
    for rgba in drawings:
        assert rgba.shape == (64, 64, 4)
        covered = (rgba[..., 3] > 128).mean()
        assert 0.05 < covered < 0.999, "neither empty nor a filled square"
        assert rgba[rgba[..., 3] > 128][:, :3].std() > 10, "more than one tone"
    for i, first in enumerate(drawings):
        for second in drawings[i + 1 :]:
            assert np.abs(first - second).mean() > 10


def test_drawings_name_no_colour_that_a_palette_lacks():
    """A role that is misspelt would be painted black or not at all."""
    for class_name, design in DRAWINGS:
        svg = (pictures.ART / class_name / f"{design}.svg").read_text(encoding="utf-8")
        root = ET.fromstring(svg)
        assert root.attrib["viewBox"] == "0 0 512 512"
        used = {c for e in root.iter() for c in e.attrib.get("class", "").split()}
        rules = set(re.findall(r"svg \.([a-z-]+)\{", palettes.style_sheet(svg, _any_palette())))
        assert used, f"{class_name}/{design} cannot be recoloured"
        assert used <= rules
        assert "@" not in svg
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(re.findall(r'id="([^"]+)"', svg))


def _any_palette() -> dict[str, str]:
    return palettes.palettes("banjo")[0]


def test_drawings_show_their_first_palette_when_opened_alone():
    for class_name, design in DRAWINGS:
        svg = (pictures.ART / class_name / f"{design}.svg").read_text(encoding="utf-8")
        own = set(re.findall(r"^\.[^{]+\{[^}]+\}", svg, flags=re.MULTILINE))
        first = palettes.style_sheet(svg, palettes.palettes(class_name)[0])
        wanted = set(re.findall(r"\.[^{]+\{[^}]+\}", first.replace("svg .", ".")))
        assert own == wanted


def test_the_art_folder_stays_small():
    n_bytes = sum(path.stat().st_size for path in pictures.ART.rglob("*.svg"))
    assert n_bytes < 650_000


def test_a_palette_changes_the_colours_but_not_the_outline():
    first, second = (pictures.drawing("guitar", "electric", 64, palette=p) for p in (0, 2))
    np.testing.assert_array_equal(first[..., 3], second[..., 3])
    solid = first[..., 3] == 255
    assert np.abs(first[solid].astype(int) - second[solid].astype(int)).mean() > 15


@pytest.mark.parametrize("class_name", W_CLASSES)
def test_every_palette_names_every_role(class_name):
    options = palettes.palettes(class_name)
    assert len(options) >= 3
    for palette in options:
        assert set(palette) == set(palettes.ROLES)
        assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in palette.values())
    assert len({tuple(p.values()) for p in options}) == len(options)


def test_shades_are_ordered_from_dark_to_light():
    tones = [int(palettes.shade("#806040", s)[1:3], 16) for s in ("xd", "dk", "", "lt", "xl")]
    assert tones == sorted(tones)
    assert tones[2] == 0x80


@pytest.mark.parametrize("size_px", [48, 128, 300])
def test_a_picture_has_the_size_asked_for(size_px):
    got = picture("organ", 3, size_px)
    assert got.shape == (size_px, size_px, 3)
    assert got.dtype == np.uint8


def test_equal_seeds_give_equal_pictures_and_other_seeds_others():
    for class_name in ("violin", "drums"):
        first = [picture(class_name, seed) for seed in range(6)]
        again = [picture(class_name, seed) for seed in range(6)]
        np.testing.assert_array_equal(first, again)
        for i in range(5):
            apart = np.abs(first[i].astype(int) - first[i + 1].astype(int)).mean()
            assert apart > 5


def test_a_picture_does_not_depend_on_what_was_rendered_before():
    alone = picture("flute", 11)
    for seed in range(4):
        picture("flute", seed)
        picture("piano", seed)
    np.testing.assert_array_equal(alone, picture("flute", 11))


def test_the_design_can_be_chosen():
    shown = [picture("piano", 5, 96, name) for name in pictures.designs("piano")]
    for i, first in enumerate(shown):
        for second in shown[i + 1 :]:
            assert np.abs(first.astype(int) - second.astype(int)).mean() > 2


def test_most_pictures_show_the_instrument(monkeypatch):
    """On one black ground, a good share of the pixels is the instrument's."""
    monkeypatch.setattr(
        scenery, "background", lambda rng, size: np.zeros((size, size, 3), np.float32)
    )
    monkeypatch.setattr(pictures, "_light", lambda rng, scene: scene)
    covered = [
        (picture(class_name, i, 64, design).max(axis=2) > 30).mean()
        for i, (class_name, design) in enumerate(DRAWINGS)
    ]
    assert np.mean(np.array(covered) > 0.04) > 0.9
    assert np.median(covered) < 0.8


@pytest.mark.parametrize("name", sorted(scenery.BACKGROUNDS))
def test_backgrounds_fill_the_frame_and_repeat(name):
    draw = scenery.BACKGROUNDS[name]
    first, again = (draw(np.random.default_rng(4), 80) for _ in range(2))
    assert first.shape == (80, 80, 3)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - draw(np.random.default_rng(5), 80)).mean() > 2


def test_occluders_hide_a_part_and_not_the_whole():
    shares = [scenery.occluder(np.random.default_rng(s), 64)[0].mean() for s in range(30)]
    assert max(shares) < 0.7
    assert np.mean(shares) > 0.03


def test_an_unknown_class_is_answered_with_the_known_ones():
    with pytest.raises(UserError, match=r"'kazoo'.*accordion, banjo.*voice"):
        pictures.designs("kazoo")
    with pytest.raises(UserError, match="kazoo"):
        picture("kazoo", 0)


def test_an_unknown_design_is_answered_with_the_known_ones():
    with pytest.raises(UserError, match=r"no demo drawing 'sitar' of guitar.*dreadnought"):
        picture("guitar", 0, design="sitar")
    with pytest.raises(UserError, match="escape"):
        pictures.drawing("guitar", "../../escape")
