"""Networks as large as the published ones, with random weights, for measuring time.

    save("vgg16", folder)
    encoders.load("vgg16", folder)

Only for encoders whose networks the tests can make, in the layouts of the published files.
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core import encoders
from core.encoders import efficientnet_lite, savedmodel
from tests.encoders import tiny_checkpoint, tiny_hub, tiny_savedmodels, tiny_torch


def save(name: str, folder: Path) -> None:
    """Put the weights of the encoder `name` where its loader looks for them in `folder`."""
    path = folder / Path(encoders.card(name).weights[0].name).parts[0]
    MAKERS[name](path)


def _yamnet(path: Path) -> None:
    savedmodel.start(os.cpu_count() or 1)  # quietly
    tiny_savedmodels.save(path, "yamnet", whole=True)


def _vggish(path: Path) -> None:
    savedmodel.start(os.cpu_count() or 1)
    tiny_savedmodels.save(path, "vggish", whole=True)
    tiny_savedmodels.save_pca(path.with_name(encoders.card("vggish").weights[1].name))


def _h5(layers: Callable[[np.random.Generator], tiny_torch.Layers], path: Path) -> None:
    # Not compressed, despite the name: random numbers do not shrink, and a loader checks.
    path.write_bytes(tiny_torch.h5(layers(np.random.default_rng(0))))


def _hcnn(path: Path) -> None:
    import torch

    torch.save(tiny_torch.hcnn_state(np.random.default_rng(0)), path)


def _musicnn(path: Path) -> None:
    tiny_checkpoint.save(path, tiny_checkpoint.musicnn_variables(np.random.default_rng(0)))


def _efficientnet_lite(name: str, path: Path) -> None:
    import torch

    variant = efficientnet_lite.VARIANTS[name]
    torch.save(tiny_torch.efficientnet_lite_state(np.random.default_rng(0), variant), path)


def _hub(make: Callable[..., Any], path: Path) -> None:
    from transformers.utils import logging

    logging.disable_progress_bar()
    make(path, whole=True)


MAKERS: dict[str, Callable[[Path], None]] = {
    "yamnet": _yamnet,
    "vggish": _vggish,
    "openl3_audio": functools.partial(_h5, functools.partial(tiny_torch.openl3_layers, n_inputs=1)),
    "hcnn": _hcnn,
    "musicnn": _musicnn,
    "clap_audio": functools.partial(_hub, tiny_hub.make_clap),
    "ast": functools.partial(_hub, tiny_hub.make_ast),
    "mert": functools.partial(_hub, tiny_hub.make_mert),
    "openl3_image": functools.partial(_h5, functools.partial(tiny_torch.openl3_layers, n_inputs=3)),
    "resnet50": functools.partial(_h5, tiny_torch.resnet50_layers),
    "vgg16": functools.partial(_h5, tiny_torch.vgg16_layers),
    "efficientnet_lite0": functools.partial(_efficientnet_lite, "efficientnet_lite0"),
    "efficientnet_lite2": functools.partial(_efficientnet_lite, "efficientnet_lite2"),
    "clip_image": functools.partial(_hub, tiny_hub.make_clip),
    "dinov2": functools.partial(_hub, tiny_hub.make_dinov2),
}
