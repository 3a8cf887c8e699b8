"""Text networks of the Hugging Face Hub: tokens, batches of like length, and the pooled vector.

A text of any length is taken. Beyond `MAX_CHARACTERS` it is cut before it is split into tokens (a
hundred thousand characters would take longer to split than to embed), and beyond the network's own
limit the rest of its tokens is left out: always the same part is kept, the beginning. An empty text
is the network's own empty sentence, a finite vector; asking about it is for the page to refuse.

Texts of like length are embedded together, so that little of a batch is padding, and the padding is
masked: alone or in a batch, a text has one vector. What stands there several times (the name of a
genre, a tag) is embedded once.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders.hub import Loaded
from core.encoders.packed import pack_linear
from core.errors import UserError

MAX_CHARACTERS = 20_000  # 512 tokens of English are about 2,500
BATCH_TOKENS = 2048  # of one batch, padding counted

Pool = Callable[[Any, Any, Any], Any]  # the module, ids and mask (b, length) -> (b, dim)


class TextEncoder:
    """A text network with its tokenizer.

    module : the torch network; `pool(module, ids, mask)` can be differentiated, for fine-tuning,
        as long as it is not frozen
    """

    def __init__(self, loaded: Loaded, pool: Pool, max_tokens: int) -> None:
        self.card = loaded.card
        self.weights_sha256 = loaded.weights_sha256
        self.module = loaded.module
        self.pool = pool
        self.max_tokens = max_tokens
        self._device = loaded.device
        self._tokenizer = _tokenizer(loaded, max_tokens)

    def freeze(self) -> None:
        """Lay the network out for the processor (`core.encoders.packed`): it is to embed alone."""
        pack_linear(self.module)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, its marks of beginning and end included, cut to the limit.

        Raises ValueError when something is not a text.
        """
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"expected text (str), found {type(text).__name__}")
        # Halves of a surrogate pair, which no encoding of text holds, become "?".
        clean = [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode() for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(clean)]

    def padded(self, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """Tensors `(b, length)` int64: ids, and the mask with 1 for every token that is real."""
        import torch

        length = max(len(each) for each in ids)
        batch = torch.zeros((len(ids), length), dtype=torch.long)
        mask = torch.zeros((len(ids), length), dtype=torch.long)
        for row, each in enumerate(ids):
            batch[row, : len(each)] = torch.tensor(each, dtype=torch.long)
            batch[row, len(each) :] = each[-1]  # an id that the network knows; it is masked
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
    """The positions 0 … n-1 in batches of like length, none over BATCH_TOKENS, longest first.

    Longest first, so that a machine with too little memory says so at once.
    """
    found: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if not found or (len(found[-1]) + 1) * lengths[found[-1][0]] > BATCH_TOKENS:
            found.append([])
        found[-1].append(row)
    return found


def mean_of_tokens(hidden: Any, mask: Any) -> Any:
    """`(b, dim)`: the mean of `(b, length, dim)` over the tokens that are real."""
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weight).sum(1) / weight.sum(1)


def _tokenizer(loaded: Loaded, max_tokens: int) -> Any:
    """The fast tokenizer of a folder, cutting at `max_tokens` and padding nothing."""
    # Its threads would be taken from those of the other workers, and do not survive a fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    path: Path = loaded.folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise loaded.refuse("holds a tokenizer.json that cannot be read") from error
    n_known = loaded.module.get_input_embeddings().num_embeddings
    if tokenizer.get_vocab_size() > n_known:
        raise loaded.refuse(
            f"holds a tokenizer of {tokenizer.get_vocab_size():,} tokens for a network that knows "
            f"{n_known:,}"
        )
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    if not tokenizer.encode("").ids:
        raise UserError(
            f"{path} marks neither beginning nor end of a text; {loaded.card.name} expects the "
            f"tokenizer of {loaded.card.weights[0].address}: put that file in its place."
        )
    return tokenizer
