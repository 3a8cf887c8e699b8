"""Extraction of pictures, each encoder: against one picture per call, and its network alone.

Pictures have the sizes of video frames, 640 x 360 and 1280 x 720, as jpg (most), png and webp. The
plain way opens each with Pillow and calls the network once per picture, as users of its library do:
Keras (`keras_networks`), transformers (`hub_networks`), or torch's plain layers (EfficientNet).

    python -m tests.benchmarks image_encoders
    python -m tests.benchmarks.bench_image_encoders resnet50 vgg16
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import encoders
from core.encoders import efficientnet_lite, weights
from core.encoders.base import Encoder
from core.items import Item
from tests import media_samples
from tests.benchmarks import encoder_runs, hub_networks, keras_networks
from tests.benchmarks.encoder_runs import Plain
from tests.encoders.plain_efficientnet_lite import PlainNetwork

FORMATS = ("jpg", "jpg", "jpg", "png", "webp")
SIZES_PX = ((640, 360), (1280, 720), (640, 360))

# Number of pictures, and the least ratio against the plain loop.
CASES = {
    "openl3_image": (48, 1.3),
    "resnet50": (96, 1.3),
    "vgg16": (32, 1.3),
    "efficientnet_lite2": (96, 2.0),
    "clip_image": (96, 1.3),
    "dinov2": (32, 1.3),
}


def run(asked: Sequence[str] = ()) -> list[dict]:
    """Two rows {what, against, ratio, at_least, detail} for each encoder."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        items = write_pictures(root, max(n for n, _ in CASES.values()))
        for name in encoder_runs.chosen(list(CASES), asked):
            n, at_least = CASES[name]
            plain = KERAS if name in keras_networks.BUILDERS else OTHERS.get(name, HUB)
            what = f"extraction of {n:,} pictures"
            rows += encoder_runs.rows_of(name, items[:n], root, plain, what, at_least)
    return rows


def write_pictures(root: Path, n: int) -> list[Item]:
    """Soft blobs of colour with some grain, which compress like photographs."""
    from PIL import Image

    rng = np.random.default_rng(0)
    items = []
    for number in range(n):
        suffix = FORMATS[number % len(FORMATS)]
        width, height = SIZES_PX[number % len(SIZES_PX)]
        blobs = Image.fromarray(rng.integers(0, 256, (9, 16, 3), dtype=np.uint8))
        smooth = np.asarray(blobs.resize((width, height), Image.Resampling.BICUBIC), np.float32)
        grain = rng.normal(0, 6, (height, width, 1)).astype(np.float32)
        picture = np.clip(smooth + grain, 0, 255).astype(np.uint8)
        path = f"picture{number:05d}.{suffix}"
        (root / path).write_bytes(media_samples.picture_file(picture, suffix, quality=90))
        items.append(Item(path, path, "image", ("x",), path))
    return items


def of_hub(state: Any, root: Path, item: Item) -> np.ndarray:
    """The vector of one picture by one call of the network of `transformers`."""
    return hub_networks.vector_of(state, opened(root, item))


def of_keras(state: tuple[Any, Encoder], root: Path, item: Item) -> np.ndarray:
    """The vector of one picture by one `predict` of Keras's network."""
    return keras_networks.vector_of(state, opened(root, item))


def load_lite(name: str, weights_dir: Path) -> Any:
    """The network in torch's own layers, and its card."""
    import torch

    card = encoders.card(name)
    network = PlainNetwork(efficientnet_lite.VARIANTS[name]).eval()
    state = torch.load(weights.find(card, weights_dir), weights_only=True)
    network.load_state_dict(state, strict=False)  # the file has the classifier too
    return network, card


def of_lite(state: Any, root: Path, item: Item) -> np.ndarray:
    """The vector of one picture by one call of that network."""
    prepared = efficientnet_lite.prepare(opened(root, item), state[1].size_px)
    return through_lite(state, prepared[None])[0]


def through_lite(state: Any, batch: np.ndarray) -> np.ndarray:
    """`(b, dim)`: that network over prepared inputs."""
    import torch

    with torch.inference_mode():
        return np.asarray(state[0](torch.from_numpy(batch)).numpy())


def opened(root: Path, item: Item) -> np.ndarray:
    from PIL import Image

    with Image.open(root / item.path) as picture:
        return np.asarray(picture.convert("RGB"))


HUB = Plain(hub_networks.load, of_hub, hub_networks.forward)
OTHERS = {"efficientnet_lite2": Plain(load_lite, of_lite, through_lite)}
KERAS = Plain(keras_networks.load, of_keras, keras_networks.forward)


if __name__ == "__main__":
    encoder_runs.show(run(sys.argv[1:]))
