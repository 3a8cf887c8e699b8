"""The preprocessing that encoders share."""

import threading

import numpy as np
import pytest

from core.encoders.base import (
    N_BATCHES_AHEAD,
    embed_batches,
    embed_each,
    fit_length,
    letterbox,
)


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


def test_letterbox_leaves_the_right_size_alone() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(letterbox(picture, 32), picture)


def test_letterbox_keeps_the_whole_picture_and_carries_its_edge_on() -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:20] = (255, 0, 0)
    picture[20:] = (0, 0, 255)
    small = letterbox(picture, 20)
    assert small.shape == (20, 20, 3)
    assert (small[:5] == (255, 0, 0)).all()  # above the picture: its top row again
    assert (small[:9, :, 0] == 255).all()
    assert (small[-9:, :, 2] == 255).all()


def test_letterbox_of_tall_pictures_is_the_transposed() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 90, 3), dtype=np.uint8)
    tall = letterbox(np.ascontiguousarray(picture.transpose(1, 0, 2)), 48)
    np.testing.assert_allclose(tall.transpose(1, 0, 2), letterbox(picture, 48), atol=1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 999), (999, 1), (7, 5)])
def test_letterbox_of_any_shape(shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 77, np.uint8)
    assert (letterbox(flat, 24) == np.full((24, 24, 3), 77)).all()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (np.zeros((5, 5), np.uint8), r"shape \(h, w, 3\), found \(5, 5\)"),
        (np.zeros((5, 5, 4), np.uint8), r"found \(5, 5, 4\)"),
        (np.zeros((0, 5, 3), np.uint8), r"found \(0, 5, 3\)"),
        (np.zeros((5, 5, 3), np.float32), "uint8, found float32"),
    ],
)
def test_letterbox_refuses_other_arrays(wrong: np.ndarray, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        letterbox(wrong, 8)


def test_embed_each_keeps_order_and_uses_its_threads() -> None:
    met = threading.Barrier(3, timeout=5)  # passes only when three threads are in it at once

    def vector_of(one: np.ndarray) -> np.ndarray:
        met.wait()
        return one * 2

    media = [np.full(4, i, np.float32) for i in range(9)]
    vectors = embed_each(vector_of, media, 4, 3)
    np.testing.assert_array_equal(vectors[:, 0], 2 * np.arange(9))


def test_embed_each_passes_errors_on() -> None:
    def vector_of(one: np.ndarray) -> np.ndarray:
        raise ValueError("expected otherwise")

    with pytest.raises(ValueError, match="expected otherwise"):
        embed_each(vector_of, [np.zeros(1)] * 4, 1, 2)


# -- batches ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 21])
def test_embed_batches_keeps_order_whatever_the_sizes(n: int, n_threads: int) -> None:
    sizes = []

    def forward(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return batch[:, :2] * 2

    media = [np.full(3, i, np.float64) for i in range(n)]
    vectors = embed_batches(lambda one: one + 1, forward, media, 2, 4, n_threads)
    np.testing.assert_array_equal(vectors, np.repeat(2 * np.arange(1, n + 1), 2).reshape(n, 2))
    assert vectors.dtype == np.float32
    assert sum(sizes) == n
    assert max(sizes, default=0) <= 4
    assert sizes[:-1] == [4] * (len(sizes) - 1)


def test_embed_batches_prepares_while_the_network_works() -> None:
    met = threading.Barrier(2, timeout=5)  # the first batch's network, the second's preparation

    def prepare(one: int) -> np.ndarray:
        if one == 2:
            met.wait()
        return np.full(1, one)

    def forward(batch: np.ndarray) -> np.ndarray:
        if batch[0, 0] == 0:
            met.wait()
        return batch

    vectors = embed_batches(prepare, forward, range(4), 1, 2, 1)
    np.testing.assert_array_equal(vectors[:, 0], np.arange(4))


def test_embed_batches_runs_the_network_in_the_callers_thread() -> None:
    threads = []

    def forward(batch: np.ndarray) -> np.ndarray:
        threads.append(threading.get_ident())
        return batch

    embed_batches(lambda one: np.full(1, one), forward, range(9), 1, 2, 3)
    assert set(threads) == {threading.get_ident()}


def test_embed_batches_holds_few_batches_at_once() -> None:
    prepared = []

    def forward(batch: np.ndarray) -> np.ndarray:
        assert len(prepared) - batch[0, 0] <= 2 * (1 + N_BATCHES_AHEAD)
        return batch

    def prepare(one: int) -> np.ndarray:
        prepared.append(one)
        return np.full(1, one)

    embed_batches(prepare, forward, range(60), 1, 2, 2)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_embed_batches_passes_errors_on_and_stops(n_threads: int) -> None:
    begun = []

    def prepare(one: int) -> np.ndarray:
        begun.append(one)
        if one == 3:
            raise ValueError("expected otherwise")
        return np.full(1, one)

    with pytest.raises(ValueError, match="expected otherwise"):
        embed_batches(prepare, lambda batch: batch, range(1_000), 1, 2, n_threads)
    assert len(begun) < 20
