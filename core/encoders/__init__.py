"""The registry of encoders: names, cards, loaders.

    from core import encoders
    encoders.names("audio")                          # names, in the order of the table below
    encoder = encoders.load("logmel")                # or with weights_dir=Path("weights")
    vectors = encoder.embed([second, second])        # (2, dim) float32

To add an encoder: one file here, and one line (with its import) in REGISTRY. The file has

    CARD = Card(name=..., modality=..., dim=..., ...)
    def load(weights_dir: Path | None, n_threads: int) -> Encoder: ...

and imports heavy libraries inside `load`, so that this package is quick to import.
`tests/encoders/test_contract.py` then checks the contract of `core.encoders.base`. A file may have
several encoders, with one card and one loader each.

Encoders of one modality can be joined: `encoders.load("yamnet_lite+musicnn")`; see
`core.encoders.joined`.
"""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from core.encoders import (
    ast,
    bert,
    clap,
    clip,
    dinov2,
    efficientnet_lite,
    hcnn,
    hog,
    joined,
    keras_images,
    logmel,
    lsa,
    mert,
    minilm,
    mobilenet_v2_lite,
    musicnn,
    openl3,
    vggish,
    weights,
    yamnet,
    yamnet_lite,
)
from core.encoders.base import Card, Encoder
from core.encoders.hub_text import TextEncoder
from core.errors import UserError
from core.once import LOADING


class Entry(NamedTuple):
    """A card, and the function that loads its encoder."""

    card: Card
    loader: Callable[[Path | None, int], Encoder]


REGISTRY: dict[str, Entry] = {
    "logmel": Entry(logmel.CARD, logmel.load),
    "yamnet_lite": Entry(yamnet_lite.CARD, yamnet_lite.load),
    "yamnet": Entry(yamnet.CARD, yamnet.load),
    "vggish": Entry(vggish.CARD, vggish.load),
    "openl3_audio": Entry(openl3.AUDIO, openl3.load_audio),
    "openl3_audio_512": Entry(openl3.AUDIO_512, openl3.load_audio_512),
    "hcnn": Entry(hcnn.CARD, hcnn.load),
    "musicnn": Entry(musicnn.CARD, musicnn.load),
    "clap_audio": Entry(clap.AUDIO_CARD, clap.load_audio),
    "ast": Entry(ast.CARD, ast.load),
    "mert": Entry(mert.CARD, mert.load),
    "hog": Entry(hog.CARD, hog.load),
    "mobilenet_v2_lite": Entry(mobilenet_v2_lite.CARD, mobilenet_v2_lite.load),
    "openl3_image": Entry(openl3.IMAGE, openl3.load_image),
    "openl3_image_512": Entry(openl3.IMAGE_512, openl3.load_image_512),
    "resnet50": Entry(keras_images.RESNET50, keras_images.load_resnet50),
    "vgg16": Entry(keras_images.VGG16, keras_images.load_vgg16),
    "efficientnet_lite0": Entry(efficientnet_lite.LITE0, efficientnet_lite.load_lite0),
    "efficientnet_lite2": Entry(efficientnet_lite.LITE2, efficientnet_lite.load_lite2),
    "clip_image": Entry(clip.IMAGE_CARD, clip.load_image),
    "dinov2": Entry(dinov2.CARD, dinov2.load),
    "minilm": Entry(minilm.CARD, minilm.load),
    "bert": Entry(bert.CARD, bert.load),
    "clip_text": Entry(clip.TEXT_CARD, clip.load_text),
    "clap_text": Entry(clap.TEXT_CARD, clap.load_text),
    "lsa": Entry(lsa.CARD, lsa.load),
}


def names(modality: str | None = None) -> list[str]:
    """The registered names, all or of one modality."""
    return [name for name, entry in REGISTRY.items() if modality in (None, entry.card.modality)]


def card(name: str) -> Card:
    """The card of an encoder, or of several joined. Raises UserError for an unknown name."""
    if not joined.is_joined(name):
        return _entry(name).card
    return joined.card(name, [card(part.name) for part in joined.parts(name)])


def present(name: str, weights_dir: Path | None = None) -> bool:
    """Whether all weights of an encoder are on this machine; nothing is loaded."""
    return all(
        None not in weights.locate(card(part.name), weights_dir) for part in joined.parts(name)
    )


def load(
    name: str, weights_dir: Path | None = None, n_threads: int = 1, *, trainable: bool = False
) -> Encoder:
    """The encoder `name`, ready to embed.

    Parameters
    ----------
    name : str
        One of `names()`, or several joined.
    weights_dir : Path, optional
        Where weights are looked for first (see `core.encoders.weights`).
    n_threads : int
        How many threads one call of `embed` uses.
    trainable : bool
        Whether a text network may be fine-tuned; otherwise it is frozen, and faster.

    Raises
    ------
    UserError
        There is no such encoder, or its weights are those of another network.
    MissingWeights
        Its weights are not on this machine.
    """
    if joined.is_joined(name):
        parts = joined.parts(name)
        loaded = tuple(load(part.name, weights_dir, n_threads) for part in parts)
        return joined.Joined(card(name), loaded, tuple(part.weight for part in parts))
    entry = _entry(name)
    with LOADING:
        encoder = entry.loader(weights_dir, n_threads)
    if isinstance(encoder, TextEncoder) and not trainable:
        encoder.freeze()
    return encoder


def _entry(name: str) -> Entry:
    if name in REGISTRY:
        return REGISTRY[name]
    close = difflib.get_close_matches(name, REGISTRY, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise UserError(f"There is no encoder {name!r}: {hint}expected one of {', '.join(REGISTRY)}.")
