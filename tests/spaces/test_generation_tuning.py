"""Generation with a text encoder that learns along, and S's appendix: the discriminator."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import encoders
from core.encoders.hub_text import TextEncoder
from core.spaces import generation_training as training
from core.spaces.generation import TEXT, Generation, GenerationConfig, Snapshot
from core.spaces.training import State
from tests.encoders import tiny_hub

WORDS = ("drum", "flute", "violin")
MANNERS = ("slow", "loud", "a", "the", "someone plays the", "a slow", "the loud", "a loud")
CAPTIONS = [f"{manner} {word}" for word in WORDS for manner in MANNERS]
TUNED = GenerationConfig(
    text="finetuned",
    optimizer="adam",
    batch=8,
    temperature=0.1,
    n_hidden=16,
    max_epochs=3,
    tuning_epochs=1,
    validation_share=0.25,
    snapshot_pairs=4,
    text_learning_rate=3e-3,
)


@pytest.fixture(scope="module")
def weights_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("weights")
    folder = root / Path(encoders.card("bert").weights[0].name).parts[0]
    tiny_hub.make_bert(folder)
    return root


@pytest.fixture
def bert(weights_dir: Path) -> TextEncoder:
    found = encoders.load("bert", weights_dir, trainable=True)
    assert isinstance(found, TextEncoder)
    return found


def parameters(encoder: TextEncoder) -> dict[str, np.ndarray]:
    state = encoder.module.state_dict()
    return {name: tensor.numpy().copy() for name, tensor in state.items()}


def moved(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> bool:
    return any(not np.array_equal(before[name], after[name]) for name in before)


@functools.cache
def heard() -> np.ndarray:
    """A sound of each caption: mostly of its instrument."""
    rng = np.random.default_rng(0)
    words = np.repeat(np.arange(len(WORDS)), len(MANNERS))
    return (rng.normal(size=(3, 12))[words] + 0.2 * rng.normal(size=(24, 12))).astype(np.float32)


def fit(
    encoder: TextEncoder,
    config: GenerationConfig,
    sounds: np.ndarray | None = None,
    **options: Any,
) -> Generation:
    rows = np.stack([np.arange(len(CAPTIONS))] * 2, axis=1)
    natives = {"audio": heard() if sounds is None else sounds, TEXT: encoder.embed(CAPTIONS)}
    clips = {"audio": np.arange(len(CAPTIONS)).astype(str)}
    return training.fit(
        natives, {"audio": rows}, clips, config, 0, encoder=encoder, words=CAPTIONS, **options
    )


def test_fine_tuning_changes_the_encoder_and_lowers_the_loss(bert: TextEncoder) -> None:
    before = parameters(bert)
    texts = bert.embed(CAPTIONS)
    shown: list[Snapshot] = []
    config = dataclasses.replace(TUNED, max_epochs=8, patience=8)
    fitted = fit(bert, config, snapshot=shown.append)
    losses = [row["train_loss"] for row in fitted.history]
    assert losses[-1] < losses[0]
    assert moved(before, parameters(bert))
    assert not np.allclose(bert.embed(CAPTIONS), texts, atol=1e-4)
    assert not any(parameter.requires_grad for parameter in bert.module.parameters())
    # The snapshots show the texts where they were after each epoch.
    assert not np.array_equal(shown[0].vectors[TEXT], shown[-1].vectors[TEXT])


def test_a_frozen_encoder_is_left_as_it_is(bert: TextEncoder) -> None:
    before = parameters(bert)
    fit(bert, dataclasses.replace(TUNED, text="frozen"))
    assert not moved(before, parameters(bert))


@pytest.mark.parametrize("loss", ["contrastive", "discriminator"])
def test_a_resumed_run_ends_like_an_uninterrupted_one(weights_dir: Path, loss: Any) -> None:
    config = dataclasses.replace(TUNED, loss=loss, tuning_epochs=2)
    states: list[State] = []
    one, other = (encoders.load("bert", weights_dir, trainable=True) for _ in range(2))
    assert isinstance(one, TextEncoder)
    assert isinstance(other, TextEncoder)
    whole = fit(one, config, checkpoint=states.append)
    resumed = fit(other, config, resume=states[0])
    assert not moved(parameters(one), parameters(other))
    for key, value in whole.arrays().items():
        if key != "history/seconds":
            assert np.array_equal(value, resumed.arrays()[key], equal_nan=True), key


@pytest.mark.parametrize("text", ["frozen", "finetuned"])
def test_both_discriminator_variants_keep_all_four_losses(bert: TextEncoder, text: Any) -> None:
    before = parameters(bert)
    shown: list[Snapshot] = []
    config = dataclasses.replace(TUNED, loss="discriminator", text=text, max_epochs=4)
    fitted = fit(bert, config, snapshot=shown.append)
    playing = fitted.history[1:] if text == "finetuned" else fitted.history
    for row in playing:
        for name in ("train", "validation"):
            assert row[f"{name}_loss"] > 0
            assert row[f"{name}_discriminator_loss"] > 0
    assert fitted.best_epoch == 4  # adversarial losses choose no epoch: the last is kept
    assert moved(before, parameters(bert)) == (text == "finetuned")
    if text == "finetuned":
        # The first epoch trains the encoder alone, which is frozen from then on.
        assert np.isnan(fitted.history[0]["train_discriminator_loss"])
        texts = [each.vectors[TEXT] for each in shown]
        assert not np.array_equal(texts[0], texts[1])
        assert np.array_equal(texts[1], texts[4])
        sounds = [each.vectors["audio"] for each in shown]
        assert np.array_equal(sounds[0], sounds[1])
        assert not np.array_equal(sounds[1], sounds[2])


def test_the_encoder_is_prepared_by_the_captions_alone(weights_dir: Path) -> None:
    """S's appendix, second variant: the sounds have no part in it."""
    config = dataclasses.replace(
        TUNED, loss="discriminator", tuning_epochs=5, max_epochs=5, text_learning_rate=3e-5
    )
    other = np.random.default_rng(5).normal(size=heard().shape).astype(np.float32)
    after = []
    for sounds in (heard(), other):
        encoder = encoders.load("bert", weights_dir, trainable=True)
        assert isinstance(encoder, TextEncoder)
        before = encoder.embed(CAPTIONS)
        losses = [row["validation_loss"] for row in fit(encoder, config, sounds).history]
        assert losses[-1] < losses[0]
        after.append(encoder.embed(CAPTIONS))
        assert not np.allclose(after[-1], before, atol=1e-4)
    assert np.array_equal(*after)


def test_generator_and_discriminator_learn_from_each_other(bert: TextEncoder) -> None:
    config = dataclasses.replace(
        TUNED, loss="discriminator", text="frozen", max_epochs=30, learning_rate=3e-3
    )
    fitted = fit(bert, config)
    judged = [row["train_discriminator_loss"] for row in fitted.history]
    assert min(judged) < judged[0]
    texts = fitted.project(TEXT, bert.embed(CAPTIONS))
    untrained = fit(bert, dataclasses.replace(config, max_epochs=1, learning_rate=1e-9))
    near, far = (
        float((each.project("audio", heard()) @ texts.T).mean()) for each in (fitted, untrained)
    )
    assert near > far
