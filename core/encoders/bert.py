"""`bert`: BERT base, uncased, as Seth 2022 uses it (section III.A).

WordPiece tokens, at most 512. The 768 numbers are the mean over the last layer's tokens, without
padding. The paper does not say how tokens become one vector; without fine-tuning the mean is the
better of the usual ways (Reimers and Gurevych 2019, table 1: mean correlation with human similarity
54.8, the class token 29.2).
"""

from core.encoders import hub, hub_text
from core.encoders.base import Card

REPOSITORY = "google-bert/bert-base-uncased"
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
    repository=REPOSITORY,
    weights=hub.files(REPOSITORY, "config.json", "model.safetensors", "tokenizer.json"),
)

SPEC = hub.HubSpec(
    architecture="BertModel",
    model_type="bert",
    unused=("cls.", "pooler.", "bert.pooler."),
    expected={"hidden_size": CARD.dim, "max_position_embeddings": MAX_TOKENS},
    options={"add_pooling_layer": False},
)


load = hub_text.loader(CARD, SPEC, hub_text.mean_pool, MAX_TOKENS)
