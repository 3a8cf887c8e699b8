"""`bert`: BERT base, uncased, as Seth 2022 uses it (section III.A).

WordPiece tokens, at most 512. Its 768 numbers are the mean over the last layer's tokens, padding
left out. The paper does not say how it comes from tokens to one vector; without fine-tuning the
mean is the better of the usual ways (Reimers and Gurevych 2019, table 1: mean of correlations with
human similarity 54.8, the class token 29.2).

`module` and `pool` of the loaded encoder are the torch network and its mean, to be fine-tuned.
"""

from pathlib import Path
from typing import Any

from core.encoders import hub
from core.encoders.base import Card
from core.encoders.hub_text import TextEncoder, mean_of_tokens

MAX_TOKENS = 512

CARD = Card(
    name="bert",
    modality="text",
    dim=768,
    title="BERT base, uncased",
    licence="Apache-2.0",
    citation=(
        "Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers for Language "
        "Understanding, NAACL 2019"
    ),
    parameters=108_891_648,
    weights=hub.files(
        "google-bert/bert-base-uncased", "config.json", "model.safetensors", "tokenizer.json"
    ),
)

NETWORK = hub.Network(
    architecture="BertModel",
    model_type="bert",
    beside=("cls.", "pooler.", "bert.pooler."),
    expected={"hidden_size": CARD.dim, "max_position_embeddings": MAX_TOKENS},
    options={"add_pooling_layer": False},
)


def load(weights_dir: Path | None, n_threads: int) -> TextEncoder:
    """The `bert` encoder; raises as `core.encoders.hub.Loaded`."""
    loaded = hub.Loaded(CARD, NETWORK, weights_dir)
    encoder = TextEncoder(loaded, _pool, MAX_TOKENS)
    hub.try_out(loaded, encoder, "")
    return encoder


def _pool(module: Any, ids: Any, mask: Any) -> Any:
    hidden = module(input_ids=ids, attention_mask=mask).last_hidden_state
    return mean_of_tokens(hidden, mask)
