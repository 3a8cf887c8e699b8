"""The demo corpus's drawings and the pictures made of them."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from core.datasets.demo import palettes, pictures, scenery
from core.datasets.demo.instruments import CLASSES

ROLES = {"body", "neck", "dark", "light", "metal", "accent", "skin", "hair"}
DRAWINGS = [(name, design) for name in CLASSES for design in pictures.designs(name)]


def drawing(class_name: str, design: str, palette: int = 0) -> np.ndarray:
    """One drawing as it is, `(64, 64, 4)` float RGBA on a transparent ground."""
    sprite = pictures.sprite(class_name, design, palette).convert("RGBA").resize((64, 64))
    return np.asarray(sprite, float)


def picture(class_name: str, seed: int, size_px: int = 64) -> np.ndarray:
    return pictures.render(class_name, np.random.default_rng(seed), size_px)


def test_there_are_drawings_and_palettes_of_every_instrument():
    assert set(palettes.PALETTES) == set(CLASSES)
    assert {path.name for path in pictures.ART.iterdir()} == set(CLASSES)


@pytest.mark.parametrize("class_name", CLASSES)
def test_a_class_has_several_full_and_different_designs(class_name):
    names = pictures.designs(class_name)
    assert len(names) >= 3
    drawings = [drawing(class_name, name) for name in names]
    for rgba in drawings:
        covered = (rgba[..., 3] > 128).mean()
        assert 0.05 < covered < 0.999, "neither empty nor a filled square"
        assert rgba[rgba[..., 3] > 128][:, :3].std() > 10, "more than one tone"
    for i, first in enumerate(drawings):
        for second in drawings[i + 1 :]:
            assert np.abs(first - second).mean() > 10


def test_drawings_use_only_the_roles_of_the_palettes():
    """A misspelt role would be painted black or not at all."""
    for class_name, design in DRAWINGS:
        svg = (pictures.ART / class_name / f"{design}.svg").read_text(encoding="utf-8")
        root = ET.fromstring(svg)
        assert root.attrib["viewBox"] == "0 0 512 512"
        used = {c for e in root.iter() for c in e.attrib.get("class", "").split()}
        rules = set(
            re.findall(
                r"svg \.([a-z-]+)\{", palettes.style_sheet(svg, palettes.PALETTES["banjo"][0])
            )
        )
        assert used, f"{class_name}/{design} cannot be recoloured"
        assert used <= rules
        assert "@" not in svg
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(re.findall(r'id="([^"]+)"', svg))


def test_a_drawing_opened_alone_shows_its_first_palette():
    for class_name, design in DRAWINGS:
        svg = (pictures.ART / class_name / f"{design}.svg").read_text(encoding="utf-8")
        own = set(re.findall(r"^\.[^{]+\{[^}]+\}", svg, flags=re.MULTILINE))
        first = palettes.style_sheet(svg, palettes.PALETTES[class_name][0])
        wanted = set(re.findall(r"\.[^{]+\{[^}]+\}", first.replace("svg .", ".")))
        assert own == wanted


def test_the_art_folder_stays_small():
    n_bytes = sum(path.stat().st_size for path in pictures.ART.rglob("*.svg"))
    assert n_bytes < 650_000


def test_a_palette_changes_the_colours_but_not_the_outline():
    first, second = (drawing("guitar", "electric", palette) for palette in (0, 2))
    np.testing.assert_array_equal(first[..., 3], second[..., 3])
    solid = first[..., 3] == 255
    assert np.abs(first[solid] - second[solid]).mean() > 15


@pytest.mark.parametrize("class_name", CLASSES)
def test_every_palette_names_every_role(class_name):
    options = palettes.PALETTES[class_name]
    assert len(options) >= 3
    for palette in options:
        assert set(palette) == ROLES
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


def test_most_pictures_show_the_instrument(monkeypatch):
    """On one black ground, a good share of the pixels is the instrument's."""
    monkeypatch.setattr(
        scenery, "background", lambda rng, size: np.zeros((size, size, 3), np.float32)
    )
    monkeypatch.setattr(pictures, "_light", lambda rng, scene: scene)
    covered = [
        (picture(class_name, i).max(axis=2) > 30).mean()
        for i, (class_name, _) in enumerate(DRAWINGS)
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
