"""Text networks of the Hugging Face Hub: tokens, batches of similar length, the pooled vector.

Texts of any length are accepted. A text is cut at `MAX_CHARACTERS` before it is split into tokens
(splitting a hundred thousand characters would take longer than embedding them), and then at the
network's own limit; the beginning is kept. An empty text is the network's own empty sentence, a
finite vector; pages refuse empty queries themselves.

Texts of similar length are embedded together, so that a batch holds little padding, and the padding
is masked: alone or in a batch, a text has one vector. Repeated texts (the name of a genre, a tag)
are embedded once.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders.base import Card
from core.encoders.hub import HubNetwork, HubSpec, unit
from core.encoders.packed import pack_linear

MAX_CHARACTERS = 20_000  # 512 tokens of English are about 2,500
BATCH_TOKENS = 2048  # of one batch, padding included

Pool = Callable[[Any, Any, Any], Any]  # the module, ids and mask (b, length) -> (b, dim)


class TextEncoder:
    """A text network with its tokenizer.

    module : the torch network; until it is frozen, `pool(module, ids, mask)` can be differentiated,
        for fine-tuning
    """

    def __init__(self, network: HubNetwork, pool: Pool, max_tokens: int) -> None:
        self.card = network.card
        self.weights_sha256: str | None = network.weights_sha256
        self.module = network.module
        self.pool = pool
        self.max_tokens = max_tokens
        self._device = network.device
        self._tokenizer = _tokenizer(network, max_tokens)

    def freeze(self) -> None:
        """Make embedding faster (`core.encoders.packed`); the network cannot be trained then."""
        pack_linear(self.module)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, with its start and end marks, cut to the limit.

        Raises ValueError for anything but a string.
        """
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"expected text (str), found {type(text).__name__}")
        # A lone half of a surrogate pair cannot be encoded: it becomes "?".
        clean = [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode() for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(clean)]

    def padded(self, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """Tensors `(b, length)` int64: ids, and a mask with 1 for tokens and 0 for padding."""
        import torch

        length = max(len(each) for each in ids)
        batch = torch.zeros((len(ids), length), dtype=torch.long)
        mask = torch.zeros((len(ids), length), dtype=torch.long)
        for row, each in enumerate(ids):
            batch[row, : len(each)] = torch.tensor(each, dtype=torch.long)
            batch[row, len(each) :] = each[-1]  # any id that the network knows
            mask[row, : len(each)] = 1
        return batch.to(self._device), mask.to(self._device)

    def embed(self, media: Sequence[str]) -> np.ndarray:
        """`(n, dim)` float32; see `core.encoders.base.Encoder.embed`."""
        import torch

        ids = [tuple(each) for each in self.tokens(media)]
        distinct = list(dict.fromkeys(ids))
        vectors = np.empty((len(distinct), self.card.dim), np.float32)
        with torch.inference_mode():
            for rows in batches([len(each) for each in distinct]):
                batch, mask = self.padded([distinct[row] for row in rows])
                vectors[rows] = self.pool(self.module, batch, mask).float().cpu().numpy()
        row_of = {each: row for row, each in enumerate(distinct)}
        return vectors[[row_of[each] for each in ids]]


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """The positions 0 … n-1 in batches of similar length, each of at most BATCH_TOKENS.

    The longest come first, so that a machine with too little memory fails at once.
    """
    found: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if not found or (len(found[-1]) + 1) * lengths[found[-1][0]] > BATCH_TOKENS:
            found.append([])
        found[-1].append(row)
    return found


def mean_of_tokens(hidden: Any, mask: Any) -> Any:
    """`(b, dim)`: the mean of `(b, length, dim)` over the tokens that are not padding."""
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weight).sum(1) / weight.sum(1)


def loader(
    card: Card, spec: HubSpec, pool: Pool, max_tokens: int
) -> Callable[[Path | None, int], TextEncoder]:
    """The function that loads a text encoder."""

    def load(weights_dir: Path | None, n_threads: int) -> TextEncoder:
        """Raises as `HubNetwork`."""
        network = HubNetwork(card, spec, weights_dir)
        encoder = TextEncoder(network, pool, max_tokens)
        network.try_out(encoder)
        return encoder

    return load


def mean_pool(module: Any, ids: Any, mask: Any) -> Any:
    """`(b, dim)`: the mean over the last layer's tokens."""
    return mean_of_tokens(module(input_ids=ids, attention_mask=mask).last_hidden_state, mask)


def projected(module: Any, ids: Any, mask: Any) -> Any:
    """`(b, dim)` of unit length: the text's vector in the space that a joint network shares."""
    return unit(module(input_ids=ids, attention_mask=mask).text_embeds)


def _tokenizer(network: HubNetwork, max_tokens: int) -> Any:
    """The fast tokenizer of a folder: it cuts at `max_tokens` and does not pad."""
    # Its threads would compete with the other workers, and do not survive a fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(network.folder / "tokenizer.json"))
    except Exception as error:  # the library raises bare Exception
        raise network.refuse("holds a tokenizer.json that cannot be read") from error
    n_known = network.module.get_input_embeddings().num_embeddings
    if tokenizer.get_vocab_size() > n_known:
        raise network.refuse(
            f"holds a tokenizer of {tokenizer.get_vocab_size():,} tokens for a network that knows "
            f"{n_known:,}"
        )
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    if not tokenizer.encode("").ids:
        raise network.refuse("holds a tokenizer.json that marks neither start nor end of a text")
    return tokenizer
