"""A small AudioSet made for the tests: ontology, segment list and clips, in its layout."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tests import media_samples

# name -> id, names of the children. Ids of the classes are AudioSet's own; they are facts.
NODES: dict[str, tuple[str, tuple[str, ...]]] = {
    "Music": ("/m/04rlf", ("Musical instrument",)),
    "Musical instrument": (
        "/m/04szw",
        ("Guitar", "Violin, fiddle", "Flute", "Drum", "Drum kit", "Harp", "Cymbal"),
    ),
    "Guitar": ("/m/0342h", ("Electric guitar",)),
    "Electric guitar": ("/m/02sgy", ()),
    "Violin, fiddle": ("/m/07y_7", ()),
    "Flute": ("/m/0l14j_", ()),
    "Drum": ("/m/026t6", ()),
    "Drum kit": ("/m/02hnl", ()),
    "Cymbal": ("/m/01qbl", ()),
    "Harp": ("/m/03m5k", ()),
    "Singing": ("/m/015lz1", ("Choir",)),
    "Choir": ("/m/0l14jd", ()),
    "Speech": ("/m/09x0r", ()),
    "Tools": ("/m/07k1x", ("Hammer",)),
    "Hammer": ("/m/03l9g", ()),
}
HEAD = "# Segments csv\n# num_ytids=1\n# YTID, start_seconds, end_seconds, positive_labels\n"


def ontology(nodes: Mapping[str, tuple[str, tuple[str, ...]]] = NODES) -> bytes:
    """In the layout of AudioSet's ontology.json."""
    return json.dumps(
        [
            {"id": id_, "name": name, "child_ids": [nodes[child][0] for child in children]}
            for name, (id_, children) in nodes.items()
        ]
    ).encode()


def row(ytid: str, start_s: float, names: Iterable[str], length_s: float = 10.0) -> str:
    """One line of a segment list, blanks after the commas as published."""
    labels = ",".join(NODES[name][0] for name in names)
    return f'{ytid}, {start_s:.3f}, {start_s + length_s:.3f}, "{labels}"'


def write(root: Path, rows: Sequence[str], name: str = "mini_segments.csv") -> Path:
    """A folder with the small ontology and one segment list."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "ontology.json").write_bytes(ontology())
    (root / name).write_text(HEAD + "".join(f"{line}\n" for line in rows))
    return root


def write_files(root: Path, stem: str, hue: int = 0, seconds: float = 2.0) -> None:
    """A sound and a picture of one stem; `hue` sets the tone and the colour."""
    rng = np.random.default_rng([hue, *stem.encode()])
    (root / "clips").mkdir(parents=True, exist_ok=True)
    tone_hz = 200.0 * 1.5**hue * rng.uniform(0.97, 1.03)
    samples = media_samples.tone(tone_hz, seconds, 16_000)
    (root / f"clips/{stem}.wav").write_bytes(media_samples.sound_bytes(samples, 16_000, "wav"))
    picture = rng.integers(0, 60, (32, 32, 3))
    picture[:, :, hue % 3] += 60 * (hue + 1) % 180
    rgb = np.clip(picture, 0, 255).astype(np.uint8)
    (root / f"clips/{stem}.png").write_bytes(media_samples.picture_file(rgb, "png"))


def populate(root: Path, per_class: Mapping[str, int], others: int = 3) -> Path:
    """A folder with clips of single classes, and some of two classes or of none of the 18."""
    rows = []
    for hue, (name, n_clips) in enumerate(per_class.items()):
        for number in range(n_clips):
            ytid = f"{hue}{name[:3].lower()}{number:07d}"
            rows.append(row(ytid, 30.0, [name, "Music", "Musical instrument"]))
            write_files(root, f"{ytid}_30", hue)
    for number in range(others):
        for kind, names in (("two", ["Guitar", "Flute"]), ("harp", ["Harp"])):
            ytid = f"{kind}{number:07d}"
            rows.append(row(ytid, 30.0, [*names, "Music"]))
            write_files(root, ytid, 8)
    return write(root, rows)
