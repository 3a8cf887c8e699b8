"""Text networks: tokens, padding, truncation, and the pooled vector against the plain way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import encoders
from core.encoders import bert, hub_text, packed
from core.encoders.hub_text import TextEncoder

NAMES = ["bert", "minilm", "clip_text", "clap_text"]
STRANGE = [
    "",
    "   \n\t ",
    "🎻🥁 \N{ZERO WIDTH JOINER}👩‍🎤",
    "כינור איטי",
    "<b onclick='x()'>drum</b> &amp; <script>",
    "null \0 byte",
    "half a \ud83c surrogate",
    "word " * 20_000,
    "x" * 100_000,
    " " * 100_000,
]


@pytest.fixture(params=NAMES)
def encoder(request: pytest.FixtureRequest, hub_folder: Path) -> TextEncoder:
    found = encoders.load(request.param, hub_folder)
    assert isinstance(found, TextEncoder)
    return found


def captions(n: int) -> list[str]:
    """Of one word to about a hundred."""
    rng = np.random.default_rng(0)
    words = ["slow", "violin", "drum", "loud", "the", "plays", "flute", "zither"]
    return [" ".join(rng.choice(words, length)) for length in rng.integers(1, 100, n)]


def test_a_text_has_one_vector_alone_and_in_any_batch(encoder: TextEncoder) -> None:
    texts = captions(20)
    batched = encoder.embed(texts)
    alone = np.vstack([encoder.embed([text]) for text in texts])
    lengths = np.linalg.norm(alone, axis=1)
    assert (np.linalg.norm(batched - alone, axis=1) < 1e-6 * lengths).all()


def test_repeats_are_embedded_once_and_come_back_in_their_places(
    encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_rows: list[int] = []

    def counting(module: object, ids: Any, mask: Any) -> Any:
        n_rows.append(len(ids))
        return pool(module, ids, mask)

    pool = encoder.pool
    monkeypatch.setattr(encoder, "pool", counting)
    found = encoder.embed(["drum", "slow flute", "drum", "slow flute", "drum"])
    assert sum(n_rows) == 2
    np.testing.assert_array_equal(found[[0, 2, 4]], found[[0, 0, 0]])
    np.testing.assert_array_equal(found[1], found[3])
    np.testing.assert_allclose(found[1], encoder.embed(["slow flute"])[0], rtol=0, atol=1e-5)


def test_padding_is_masked(encoder: TextEncoder) -> None:
    """Another id in the padding changes nothing."""
    import torch

    ids, mask = encoder.padded(encoder.tokens(["slow", "a slow violin plays"]))
    assert (mask[0] == 0).any()
    with torch.inference_mode():
        expected = encoder.pool(encoder.module, ids, mask)[0]
        other = torch.where(mask == 0, torch.full_like(ids, 3), ids)
        found = encoder.pool(encoder.module, other, mask)[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_strange_texts_are_taken(encoder: TextEncoder) -> None:
    vectors = encoder.embed(STRANGE)
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(encoder.embed(STRANGE), vectors, rtol=0, atol=1e-6)


def test_the_beginning_of_a_long_text_is_kept(encoder: TextEncoder) -> None:
    long = "violin drum " * 5_000
    ids = encoder.tokens([long, long + " flute"])
    assert len(ids[0]) == encoder.max_tokens
    assert ids[0] == ids[1]
    assert ids[0][-1] == encoder.tokens(["slow"])[0][-1]  # the mark of the end is kept


def test_anything_but_a_string_is_refused(encoder: TextEncoder) -> None:
    for wrong in (7, None, b"drum", np.zeros(3)):
        with pytest.raises(ValueError, match=r"expected text \(str\), found "):
            encoder.embed([wrong])  # type: ignore[list-item]


def test_limits_of_tokens(hub_folder: Path) -> None:
    limits = {"bert": 512, "minilm": 256, "clip_text": 77, "clap_text": 77}
    for name, limit in limits.items():
        assert encoders.load(name, hub_folder).max_tokens == limit  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "normal"), [("bert", False), ("minilm", True)])
def test_bert_is_the_mean_of_real_tokens(name: str, normal: bool, hub_folder: Path) -> None:
    """Against one text at a time without padding or mask."""
    import torch

    encoder = encoders.load(name, hub_folder)
    assert isinstance(encoder, TextEncoder)
    texts = captions(5)
    for text, found in zip(texts, encoder.embed(texts), strict=True):
        with torch.inference_mode():
            hidden = encoder.module(torch.tensor(encoder.tokens([text]))).last_hidden_state
        expected = hidden[0].mean(0).numpy()
        if normal:
            expected = expected / np.linalg.norm(expected)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "folder", "model"),
    [
        ("clip_text", "clip-vit-base-patch32", "CLIPModel"),
        ("clap_text", "clap-htsat-unfused", "ClapModel"),
    ],
)
def test_joint_text_is_that_of_the_whole_published_model(
    name: str, folder: str, model: str, hub_folder: Path
) -> None:
    import torch
    import transformers

    whole = getattr(transformers, model).from_pretrained(hub_folder / folder, local_files_only=True)
    encoder = encoders.load(name, hub_folder)
    assert isinstance(encoder, TextEncoder)
    ids = torch.tensor(encoder.tokens(["a slow violin"]))
    with torch.inference_mode():
        features = whole.eval().get_text_features(input_ids=ids).pooler_output
    expected = torch.nn.functional.normalize(features, dim=-1).numpy()
    found = encoder.embed(["a slow violin"])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_a_network_can_be_fine_tuned(hub_folder: Path) -> None:
    encoder = bert.load(hub_folder, 1)
    encoder.module.requires_grad_(True)
    ids, mask = encoder.padded(encoder.tokens(["a slow violin", "drum"]))
    encoder.pool(encoder.module, ids, mask).sum().backward()
    gradient = encoder.module.embeddings.word_embeddings.weight.grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


def test_a_frozen_network_gives_the_same(hub_folder: Path) -> None:
    texts = ["a slow violin", "drum", ""]
    loose = encoders.load("bert", hub_folder, trainable=True)
    frozen = encoders.load("bert", hub_folder)
    np.testing.assert_allclose(frozen.embed(texts), loose.embed(texts), rtol=0, atol=1e-5)
    weights = [len(list(each.module.parameters())) for each in (loose, frozen)]  # type: ignore[attr-defined]
    assert (weights[1] < weights[0]) == packed.can_pack()


def test_batches_hold_every_text_once_and_little_padding() -> None:
    lengths = list(np.random.default_rng(0).integers(1, 512, 1000))
    found = hub_text.batches(lengths)
    assert sorted(row for batch in found for row in batch) == list(range(1000))
    padded = sum(len(batch) * max(lengths[row] for row in batch) for batch in found)
    assert padded < 1.1 * sum(lengths)
    for batch in found:
        assert len(batch) * max(lengths[row] for row in batch) <= hub_text.BATCH_TOKENS
    assert hub_text.batches([]) == []
