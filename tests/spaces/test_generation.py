"""Generation: S's loss, that a run repeats itself and can be stopped, and what it refuses."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch

from core.datasets import captions, splits
from core.datasets.base import Request, Spec
from core.errors import UserError
from core.spaces import generation_training as training
from core.spaces import pairing
from core.spaces.generation import HISTORY, TEXT, Generation, GenerationConfig, Snapshot
from core.spaces.generation_networks import Discriminator, Generator, contrastive
from core.spaces.pairing import Pairs
from core.spaces.training import State

SMALL = GenerationConfig(
    optimizer="adam",
    batch=32,
    temperature=0.1,
    n_hidden=32,
    centred=True,
    input_dropout=0.2,
    max_epochs=5,
    snapshot_pairs=12,
)
N, N_TRAINED, K = 160, 120, 10


def views(seed: int = 0) -> dict[str, np.ndarray]:
    """Two noisy views of the texts, of different length and scale."""
    rng = np.random.default_rng(seed)
    text = rng.normal(size=(N, K)).astype(np.float32)
    found = {
        name: (scale * (text @ rng.normal(size=(K, d)) + 0.1 * rng.normal(size=(N, d))) + scale)
        for name, d, scale in (("audio", 14, 1.0), ("image", 22, 30.0))
    }
    return {name: made.astype(np.float32) for name, made in found.items()} | {TEXT: text}


def fit(config: GenerationConfig = SMALL, seed: int = 1, **options: Any) -> Generation:
    natives = options.pop("natives", views())
    modalities = [modality for modality in natives if modality != TEXT]
    rows = np.stack([np.arange(N_TRAINED)] * 2, axis=1)
    clips = np.array([f"clip {row}" for row in range(N_TRAINED)])
    pairs = options.pop("pairs", dict.fromkeys(modalities, rows))
    return training.fit(natives, pairs, dict.fromkeys(pairs, clips), config, seed, **options)


def same(one: Generation, other: Generation) -> bool:
    a, b = one.arrays(), other.arrays()
    names = [name for name in a if name != "history/seconds"]
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n], equal_nan=True) for n in names)


# -- the loss ------------------------------------------------------------------------------------


def printed(
    made: np.ndarray,
    text: np.ndarray,
    temperature: float,
    with_own: bool,
    classes: tuple[int, ...] = (),
) -> float:
    """S §III.C.1 written out, term by term: each L(x_i, t_i) and L(t_i, x_i), then their mean."""
    apart = classes or tuple(range(len(made)))

    def sim(u: np.ndarray, v: np.ndarray) -> float:
        return float(u @ v / (np.linalg.norm(u) * np.linalg.norm(v))) / temperature

    n, losses = len(made), []
    for i in range(n):
        for one, others in ((made[i], text), (text[i], made)):
            below = [
                math.exp(sim(one, others[k]))
                for k in range(n)
                if (with_own and k == i) or apart[k] != apart[i]
            ]
            losses.append(-math.log(math.exp(sim(made[i], text[i])) / sum(below)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [1.0, 0.1])
@pytest.mark.parametrize("decoupled", [False, True])
def test_the_loss_is_that_of_the_paper(decoupled: bool, temperature: float) -> None:
    rng = np.random.default_rng(3)
    made, text = 3 * rng.normal(size=(7, 5)), rng.normal(size=(7, 5))
    found = contrastive(torch.tensor(made), torch.tensor(text), temperature, decoupled)
    assert float(found) == pytest.approx(printed(made, text, temperature, not decoupled), rel=1e-6)


@pytest.mark.parametrize("decoupled", [False, True])
def test_pairs_of_one_class_can_be_ignored_as_negatives(decoupled: bool) -> None:
    rng = np.random.default_rng(4)
    made, text = rng.normal(size=(6, 5)), rng.normal(size=(6, 5))
    tensors = torch.tensor(made), torch.tensor(text)
    found = contrastive(*tensors, 1.0, decoupled, torch.tensor([0, 0, 1, 1, -1, -1]))
    wanted = printed(made, text, 1.0, not decoupled, (0, 0, 1, 1, 2, 3))
    assert float(found) == pytest.approx(wanted, rel=1e-6)
    alone = contrastive(*(each[:2] for each in tensors), 1.0, decoupled, torch.tensor([0, 0]))
    assert float(alone) == pytest.approx(0.0, abs=1e-12)


# -- networks ------------------------------------------------------------------------------------


def test_the_networks_have_the_layers_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    made = Generator(np.zeros(256), 1.0, GenerationConfig(), 768, rng)
    sizes = [tuple(p.shape) for p in made.parameters() if p.ndim == 2]
    assert sizes == [(512, 256), (512, 512), (512, 512), (768, 512)]
    judge = Discriminator(768, 512, rng)
    for network, n_in in ((judge.alone, 768), (judge.joint, 1536)):
        sizes = [tuple(p.shape) for p in network.parameters() if p.ndim == 2]
        assert sizes == [(512, n_in), (512, 512), (1, 512)]


def test_numpy_projects_like_torch() -> None:
    rng = np.random.default_rng(0)
    native = (5 + 100 * rng.normal(size=(9, 14))).astype(np.float32)
    network = Generator(native.mean(axis=0), 100.0, SMALL, K, rng)
    fitted = Generation({"audio": network.layers()}, K)
    with torch.no_grad():
        wanted = torch.nn.functional.normalize(network(torch.from_numpy(native))).numpy()
    assert fitted.project("audio", native) == pytest.approx(wanted, abs=1e-5)
    one = np.concatenate([fitted.project("audio", native[row : row + 1]) for row in range(9)])
    assert np.array_equal(one, fitted.project("audio", native))
    texts = 7 * rng.normal(size=(3, K))
    assert fitted.project(TEXT, texts) == pytest.approx(
        texts / np.linalg.norm(texts, axis=1, keepdims=True), abs=1e-6
    )


# -- a run ---------------------------------------------------------------------------------------


def test_it_learns_to_find_texts_it_was_not_trained_on() -> None:
    natives = views()
    fitted = fit(dataclasses.replace(SMALL, max_epochs=40))
    losses = [row["validation_loss"] for row in fitted.history]
    assert min(losses) < 0.5 * losses[0]
    assert losses[fitted.best_epoch - 1] == min(losses)
    text = fitted.project(TEXT, natives[TEXT][N_TRAINED:])
    for modality in ("audio", "image"):
        made = fitted.project(modality, natives[modality][N_TRAINED:])
        assert made.dtype == np.float32
        assert (np.argmax(made @ text.T, axis=1) == np.arange(len(text))).mean() > 0.5


def test_the_recipe_of_the_paper_lowers_its_loss() -> None:
    natives = views()
    fitted = fit(dataclasses.replace(GenerationConfig(), max_epochs=20), natives=natives)
    losses = [row["validation_loss"] for row in fitted.history]
    assert losses[-1] < losses[0]


def test_it_is_repeatable_and_can_be_stored() -> None:
    one = fit()
    assert same(one, fit())
    assert not same(one, fit(seed=2))
    again = Generation.from_arrays(one.arrays())
    assert same(one, again)
    assert [row["epoch"] for row in again.history] == [1, 2, 3, 4, 5]
    assert set(again.history[0]) == set(HISTORY) - {"seconds"}


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        dataclasses.replace(SMALL, optimizer="sgd", decoupled=True, input_dropout=0.0),
        dataclasses.replace(SMALL, loss="discriminator"),
    ],
    ids=["adam", "sgd", "discriminator"],
)
def test_a_resumed_run_ends_like_an_uninterrupted_one(config: GenerationConfig) -> None:
    states: list[State] = []
    shown: dict[int, Snapshot] = {}
    whole = fit(config, checkpoint=states.append, snapshot=lambda s: shown.update({s.epoch: s}))
    assert len(states) == 5
    again: list[Snapshot] = []
    resumed = fit(config, resume=states[1], snapshot=again.append)
    assert same(whole, resumed)
    assert [each.epoch for each in again] == [3, 4, 5]
    for each in again:
        assert np.array_equal(each.vectors["audio"], shown[each.epoch].vectors["audio"])


def test_a_state_of_other_networks_is_refused() -> None:
    states: list[State] = []
    fit(checkpoint=states.append)
    with pytest.raises(ValueError, match="belongs to other networks"):
        fit(dataclasses.replace(SMALL, n_hidden=16), resume=states[0])


def test_patience_ends_a_run_and_keeps_its_best_epoch() -> None:
    natives = views()
    noise = np.random.default_rng(9).normal(size=natives["audio"].shape).astype(np.float32)
    config = dataclasses.replace(SMALL, max_epochs=60, patience=3)
    fitted = fit(config, natives={"audio": noise, TEXT: natives[TEXT]})
    losses = [row["validation_loss"] for row in fitted.history]
    assert len(losses) == fitted.best_epoch + 3
    assert min(losses) == losses[fitted.best_epoch - 1]


def test_snapshots_show_the_same_validation_pairs_after_every_epoch() -> None:
    shown: list[Snapshot] = []
    natives = views()
    fit(natives=natives, snapshot=shown.append)
    assert [each.epoch for each in shown] == [0, 1, 2, 3, 4, 5]
    first, last = shown[0], shown[-1]
    assert set(last.vectors) == {"audio", "image", TEXT}
    for modality in ("audio", "image"):
        assert last.vectors[modality].shape == (12, K)
        assert last.vectors[modality].dtype == np.float16
        assert np.array_equal(last.rows[modality], first.rows[modality])
        assert np.array_equal(last.rows[modality], last.partners[modality])
        moved = np.abs(last.vectors[modality].astype(float) - first.vectors[modality])
        assert moved.max() > 0.01
    assert set(last.rows[TEXT]) == set(last.rows["audio"]) | set(last.rows["image"])
    # Frozen: texts stay where their encoder puts them.
    assert np.array_equal(last.vectors[TEXT], first.vectors[TEXT])
    own = natives[TEXT][last.rows[TEXT]]
    unit = own / np.linalg.norm(own, axis=1, keepdims=True)
    assert last.vectors[TEXT].astype(float) == pytest.approx(unit, abs=2e-3)


def test_the_validation_split_keeps_clips_together() -> None:
    rows = np.stack([np.arange(N_TRAINED)] * 2, axis=1)
    clips = np.array([f"clip {row // 4}" for row in range(N_TRAINED)])
    shown: list[Snapshot] = []
    config = dataclasses.replace(SMALL, max_epochs=1, snapshot_pairs=1_000)
    training.fit(views(), {"audio": rows}, {"audio": clips}, config, 0, snapshot=shown.append)
    validating = shown[0].rows["audio"]
    assert 0 < len(validating) < N_TRAINED / 2
    assert len(validating) == 4 * len({clips[row] for row in validating})


def test_pairs_made_within_a_class_are_redrawn() -> None:
    rng = np.random.default_rng(5)
    classes = np.arange(N) % 6
    text = (3 * rng.normal(size=(6, K))[classes] + 0.3 * rng.normal(size=(N, K))).astype(np.float32)
    audio = (3 * rng.normal(size=(6, 14))[classes] + rng.normal(size=(N, 14))).astype(np.float32)
    rows = np.stack([np.arange(N), np.roll(np.arange(N), 6)], axis=1)  # of one class, other clips
    clips = np.array([[f"a{a}", f"t{t}"] for a, t in rows])
    config = dataclasses.replace(SMALL, pairing="redrawn", same_class="ignored", max_epochs=20)
    natives = {"audio": audio, TEXT: text}
    arguments = (natives, {"audio": rows}, {"audio": clips}, config, 0)
    fitted = training.fit(*arguments, classes={"audio": classes})
    scores = fitted.project("audio", audio) @ fitted.project(TEXT, text[:6]).T
    assert (scores.argmax(axis=1) == classes).mean() > 0.8
    with pytest.raises(ValueError, match="need the pairs' classes"):
        training.fit(*arguments)


# -- what is refused -----------------------------------------------------------------------------


def test_unusable_pairs_are_refused_in_one_sentence() -> None:
    few = np.array([[0, 0], [1, 1], [2, 2]])
    with pytest.raises(UserError, match=r"Too few audio–text pairs.* 2 for training and 1 for"):
        training.fit(views(), {"audio": few}, {"audio": np.array(["a", "b", "c"])}, SMALL, 0)
    with pytest.raises(UserError, match="there are none"):
        fit(pairs={})
    for modality, message in (("audio", "1 of 120 audio vectors"), (TEXT, "1 of 120 text vectors")):
        natives = views()
        natives[modality][5, 3] = np.nan
        with pytest.raises(UserError, match=f"{message} hold NaN or infinity"):
            fit(natives=natives)
    with pytest.raises(UserError, match="cannot be fine-tuned: use bert, minilm"):
        fit(dataclasses.replace(SMALL, text="finetuned"))


def test_an_infinite_loss_is_reported() -> None:
    natives = views()
    natives["audio"] *= 1e20
    config = dataclasses.replace(SMALL, centred=False, optimizer="sgd", learning_rate=1e9)
    with pytest.raises(UserError, match=r"is not a number after epoch 1: lower learning_rate"):
        fit(config, natives=natives)


def test_vectors_that_do_not_fit_are_refused() -> None:
    fitted = fit(dataclasses.replace(SMALL, max_epochs=1))
    with pytest.raises(UserError, match=r"no generator for smell: it has audio, image, text"):
        fitted.project("smell", np.zeros((1, 3)))
    with pytest.raises(UserError, match=r"\(1, 3\) cannot enter this space: it takes 14 numbers"):
        fitted.project("audio", np.zeros((1, 3)))
    with pytest.raises(UserError, match=r"takes 10 numbers a row of text"):
        fitted.project(TEXT, np.zeros((1, 3)))
    assert fitted.project("audio", np.zeros((0, 14))).shape == (0, K)


def test_a_collection_is_split_as_in_the_paper() -> None:
    """75/15/10 (S §III.D): the test clips of a caption table, then the generators' validation."""
    request = Request(Spec("captions", ""), size=None, seed=0, splits=1)
    clips = {f"clip {number}": f"clip {number}" for number in range(1_000)}
    (subset_of,) = splits.by_group(clips, captions.TEST_SHARE, request)
    n_trained = list(subset_of.values()).count(splits.TRAINED)
    numbers = np.arange(n_trained)
    every = np.stack([numbers, numbers], axis=1)
    kinds = {("audio", TEXT): Pairs(every, np.full(n_trained, -1), every)}
    share = GenerationConfig().validation_share
    train, held_out = pairing.split(kinds, "fixed", share, np.random.default_rng(0))
    counts = [sum(map(len, part.values())) for part in (train, held_out)]
    assert (*counts, len(clips) - n_trained) == (750, 150, 100)
