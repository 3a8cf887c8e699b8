"""Long embedding, a slice at a time."""

import threading
import time

import numpy as np

from core.retrieval.slices import in_slices


def squared(media: list[float]) -> np.ndarray:
    return np.array([[one, one * one] for one in media], dtype=np.float32)


def test_slices_give_what_one_call_gives() -> None:
    media = [float(n) for n in range(50)]
    sizes: list[int] = []

    def embed(part: list[float]) -> np.ndarray:
        sizes.append(len(part))
        return squared(part)

    np.testing.assert_array_equal(in_slices(embed, media, 8), squared(media))
    assert sizes == [8] * 6 + [2]


def test_short_work_is_done_at_once() -> None:
    sizes: list[int] = []

    def embed(part: list[float]) -> np.ndarray:
        sizes.append(len(part))
        return squared(part)

    in_slices(embed, [1.0] * 23, 8)
    assert sizes == [23]


def test_long_works_take_turns_and_short_ones_pass() -> None:
    at_work, most = [0], [0]
    begun = threading.Event()

    def slow(part: list[float]) -> np.ndarray:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        begun.set()
        time.sleep(0.02)
        at_work[0] -= 1
        return squared(part)

    long = [threading.Thread(target=in_slices, args=(slow, [1.0] * 40, 4)) for _ in range(3)]
    for thread in long:
        thread.start()
    begun.wait()
    assert len(in_slices(squared, [1.0, 2.0], 4)) == 2
    assert any(thread.is_alive() for thread in long)
    for thread in long:
        thread.join()
    assert most == [1]
