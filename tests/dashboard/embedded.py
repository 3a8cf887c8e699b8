"""The tests' workspace with vectors from the real encoders, so that new media can be embedded.

Both towers carry the mean vector of a class to the same place, by least squares: a sound of a
class then finds the pictures of that class, and the other way round.

    python -m tests.dashboard.embedded FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from core import encoders, items, media
from tests.dashboard import tiny_items, workspace

N_HIDDEN = 32


def build(root: Path) -> str:
    """Write the workspace; returns the study's digest."""
    frame = tiny_items.item_table()
    natives = {kind: native(frame, kind, name) for kind, (name,) in workspace.ENCODERS.items()}
    towers = {kind: tower(frame, kind, array) for kind, array in natives.items()}
    return workspace.build(root, natives=natives, towers=towers)


def native(frame: pd.DataFrame, kind: str, encoder_name: str) -> np.ndarray:
    """Every item's vector: that of its class's sound or picture, with a little noise."""
    encoder = encoders.load(encoder_name)
    numbers = [tiny_items.CLASSES.index(labels[0]) for labels in items.of(frame, kind)["labels"]]
    seen = []
    for number in range(len(tiny_items.CLASSES)):
        if kind == "audio":
            heard = media.read_audio(tiny_items.wav(number), "a.wav", rate_hz=encoder.card.rate_hz)
            seen.append(heard.samples)
        else:
            seen.append(media.read_image(tiny_items.png(number), "a.png"))
    vectors = encoder.embed(seen)[numbers]
    rng = np.random.default_rng(len(kind))
    noise = rng.normal(size=vectors.shape) * 0.02 * vectors.std()
    return np.asarray(vectors + noise, dtype=np.float32)


def tower(frame: pd.DataFrame, kind: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """A tower that maps the mean vector of class c to the axis c."""
    numbers = np.array(
        [tiny_items.CLASSES.index(labels[0]) for labels in items.of(frame, kind)["labels"]]
    )
    there = np.unique(numbers)
    means = np.stack([array[numbers == number].mean(axis=0) for number in there])
    wanted = 3.0 * np.eye(N_HIDDEN)[there]
    made = workspace.tower(0)
    made["w1"] = np.ascontiguousarray((np.linalg.pinv(means) @ wanted).T, dtype=np.float32)
    return made


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
