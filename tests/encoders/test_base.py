"""What encoders share: batches, and the length of sounds."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.encoders.base import N_BATCHES_AHEAD, BatchEncoder, Card, fit_length


def test_fit_length_keeps_the_middle() -> None:
    samples = np.arange(10, dtype=np.float32)
    np.testing.assert_array_equal(fit_length(samples, 4), [3, 4, 5, 6])
    np.testing.assert_array_equal(fit_length(samples, 10), samples)


def test_fit_length_puts_zeros_after_a_short_sound() -> None:
    padded = fit_length(np.ones(2, np.float64), 5)
    np.testing.assert_array_equal(padded, [1, 1, 0, 0, 0])
    assert padded.dtype == np.float32
    np.testing.assert_array_equal(fit_length(np.ones(0, np.float32), 2), [0, 0])


def test_fit_length_refuses_stereo() -> None:
    with pytest.raises(ValueError, match=r"mono samples of shape \(n,\), found \(2, 5\)"):
        fit_length(np.zeros((2, 5)), 5)


# -- batches ------------------------------------------------------------------------------------

CARD = Card("tiny", "audio", 1, "Tiny", "MIT", "none", 0)


def encoder(
    prepare: Callable[[Any], np.ndarray],
    run: Callable[[np.ndarray], np.ndarray] = lambda vectors: vectors,
    dim: int = 1,
    n_per_batch: int = 2,
    n_threads: int = 1,
) -> BatchEncoder:
    card = replace(CARD, dim=dim)
    return BatchEncoder(card, prepare, run, n_per_batch=n_per_batch, n_threads=n_threads)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 21])
def test_batches_keep_their_order(n: int, n_threads: int) -> None:
    sizes = []

    def run(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return batch[:, :2] * 2

    media = [np.full(3, i, np.float64) for i in range(n)]
    vectors = encoder(lambda one: one + 1, run, 2, 4, n_threads).embed(media)
    np.testing.assert_array_equal(vectors, np.repeat(2 * np.arange(1, n + 1), 2).reshape(n, 2))
    assert vectors.dtype == np.float32
    assert sum(sizes) == n
    assert max(sizes, default=0) <= 4
    assert sizes[:-1] == [4] * (len(sizes) - 1)


def test_media_are_prepared_while_the_network_works() -> None:
    met = threading.Barrier(2, timeout=5)  # the first batch's network, the second's preparation

    def prepare(one: int) -> np.ndarray:
        if one == 2:
            met.wait()
        return np.full(1, one)

    def run(batch: np.ndarray) -> np.ndarray:
        if batch[0, 0] == 0:
            met.wait()
        return batch

    np.testing.assert_array_equal(encoder(prepare, run).embed(range(4))[:, 0], np.arange(4))


def test_without_a_network_the_threads_make_the_vectors() -> None:
    met = threading.Barrier(3, timeout=5)  # passes only when three threads are in it at once

    def vector_of(one: np.ndarray) -> np.ndarray:
        met.wait()
        return one * 2

    media = [np.full(4, i, np.float32) for i in range(9)]
    vectors = encoder(vector_of, dim=4, n_per_batch=16, n_threads=3).embed(media)
    np.testing.assert_array_equal(vectors[:, 0], 2 * np.arange(9))


def test_the_network_runs_in_the_callers_thread() -> None:
    threads = []

    def run(batch: np.ndarray) -> np.ndarray:
        threads.append(threading.get_ident())
        return batch

    encoder(lambda one: np.full(1, one), run, n_threads=3).embed(range(9))
    assert set(threads) == {threading.get_ident()}


def test_few_batches_are_in_memory_at_once() -> None:
    prepared = []

    def run(batch: np.ndarray) -> np.ndarray:
        assert len(prepared) - batch[0, 0] <= 2 * (1 + N_BATCHES_AHEAD)
        return batch

    def prepare(one: int) -> np.ndarray:
        prepared.append(one)
        return np.full(1, one)

    encoder(prepare, run, n_threads=2).embed(range(60))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_error_is_passed_on_and_stops_the_work(n_threads: int) -> None:
    begun = []

    def prepare(one: int) -> np.ndarray:
        begun.append(one)
        if one == 3:
            raise ValueError("expected otherwise")
        return np.full(1, one)

    with pytest.raises(ValueError, match="expected otherwise"):
        encoder(prepare, n_threads=n_threads).embed(range(1_000))
    assert len(begun) < 20
