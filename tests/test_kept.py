"""Results kept by the content of the arguments."""

import functools
import threading

import numpy as np
import pandas as pd
import pytest

from core.kept import LastUsed, content_key, kept


def table(value: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"name": ["a", "b"], "value": [value, 2.0]})


def test_equal_arguments_are_found_and_others_are_not() -> None:
    calls = []

    @kept(most=8)
    def total(frame: pd.DataFrame, by: str) -> float:
        calls.append(by)
        return float(frame[by].sum())

    assert total(table(), "value") == total(table(), "value") == 3.0
    assert len(calls) == 1
    assert total(table(5.0), "value") == 7.0
    assert total(table(), by="value") == 3.0
    assert len(calls) == 3


def test_a_table_can_be_changed_by_the_one_who_gets_it() -> None:
    @kept(most=8)
    def doubled(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(value=2 * frame["value"])

    first = doubled(table())
    first["value"] = 0.0
    first.loc[0, "name"] = "changed"
    del first["name"]
    pd.testing.assert_frame_equal(doubled(table()), table().assign(value=[2.0, 4.0]))


def test_only_the_results_used_last_are_kept() -> None:
    calls = []

    @kept(most=2)
    def same(value: int) -> int:
        calls.append(value)
        return value

    for value in (1, 2, 1, 3, 1, 2):
        assert same(value) == value
    assert calls == [1, 2, 3, 2]


def test_twenty_threads_make_a_value_once() -> None:
    calls, gate = [], threading.Barrier(20)

    @kept(most=8)
    def made(value: int) -> list[int]:
        calls.append(value)
        return [value]

    found: list[list[int]] = []

    def ask() -> None:
        gate.wait()
        found.append(made(7))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [7]
    assert all(one is found[0] for one in found)


def test_an_error_is_not_kept() -> None:
    answers = iter([ValueError("not yet"), 3])

    @kept(most=8)
    def asked() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="not yet"):
        asked()
    assert asked() == 3


def test_a_partial_call_has_the_key_of_its_content() -> None:
    one = content_key(functools.partial(np.add, np.arange(3), 1))
    assert one == content_key(functools.partial(np.add, np.arange(3), 1))
    assert one != content_key(functools.partial(np.add, np.arange(4), 1))
    assert one != content_key(functools.partial(np.subtract, np.arange(3), 1))


def test_many_threads_share_a_bounded_mapping() -> None:
    shared = LastUsed(10)

    def work(seed: int) -> None:
        for number in range(2_000):
            shared[(seed + number) % 40] = number
            shared.get(number % 40)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shared) == 10
