"""Values made once for all threads; failures are tried again."""

import gc
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.once import Once, library


def test_twenty_threads_get_one_value_that_is_made_once() -> None:
    made: list[object] = []
    together = threading.Barrier(20)
    once = Once()

    def make() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    def ask(_: int) -> object:
        together.wait()
        return once.get("key", make)

    with ThreadPoolExecutor(20) as pool:
        found = set(pool.map(ask, range(20)))
    assert len(made) == 1
    assert found == set(made)


def test_a_failure_is_tried_again() -> None:
    outcomes = iter([OSError("no disk"), 7])
    once = Once()

    def make() -> int:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return int(outcome)

    with pytest.raises(OSError, match="no disk"):
        once.get("key", make)
    assert once.get("key", make) == 7
    assert once.get("key", make) == 7


def test_one_key_does_not_wait_for_another() -> None:
    once = Once()
    started, end = threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        assert end.wait(30)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(once.get, "slow", slow)
        assert started.wait(30)
        assert once.get("quick", lambda: "quick") == "quick"
        end.set()
        assert waiting.result() == "slow"


def test_weakly_kept_values_go_when_nobody_uses_them() -> None:
    class Network:
        pass

    once = Once(weakref.WeakValueDictionary())
    network = once.get("key", Network)
    assert once.get("key", Network) is network
    gone = weakref.ref(network)
    del network
    gc.collect()
    assert gone() is None


def test_a_library_whose_import_failed_is_imported_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "half_installed.py"
    module.write_text("raise ImportError('libmissing.so')")
    with pytest.raises(ImportError, match="libmissing"):
        library("half_installed")
    module.write_text("value = 1  # now it is there")
    assert library("half_installed").value == 1
    del sys.modules["half_installed"]


def test_a_library_that_replaces_its_module_is_given_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "replaced.py").write_text(
        "import sys, time, types\n"
        "time.sleep(0.3)\n"
        "whole = types.ModuleType(__name__)\n"
        "whole.value = 1\n"
        "sys.modules[__name__] = whole\n"
    )
    together = threading.Barrier(20)

    def ask(_: int) -> object:
        together.wait()
        return library("replaced")

    with ThreadPoolExecutor(20) as pool:
        assert {found.value for found in pool.map(ask, range(20))} == {1}  # type: ignore[attr-defined]
    del sys.modules["replaced"]
