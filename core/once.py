"""Values that are made once for all threads: libraries, networks, fits, indexes.

A failure is not kept: the next one who asks tries again.
"""

import functools
import importlib
import sys
import threading
from collections.abc import Callable, Hashable, MutableMapping
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Held while a library is imported or an encoder is loaded. Some libraries (transformers) replace
# their module when their import ends: a thread that asked in between would keep the old, half made
# one. Enter it in functions only, never while a module of ours is being imported.
LOADING = threading.RLock()


def library(name: str) -> Any:
    """A library or one of its modules, imported by one thread while the others wait.

    Raises ImportError if it is not installed or cannot be imported.
    """
    with LOADING:
        importlib.import_module(name)
        return sys.modules[name]


class Once:
    """Values by key. Each is made by the first thread that asks; the others wait for it alone.

    Parameters
    ----------
    kept : where values are kept; a `weakref.WeakValueDictionary` keeps them as long as they are
        used elsewhere
    """

    def __init__(self, kept: MutableMapping[Hashable, Any] | None = None) -> None:
        self._kept: MutableMapping[Hashable, Any] = {} if kept is None else kept
        self._making: dict[Hashable, threading.RLock] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of this key; `make` makes it on first use. Raises what `make` raises."""
        value: T | None = self._kept.get(key)
        if value is None:
            with self._making.setdefault(key, threading.RLock()):
                value = self._kept.get(key)
                if value is None:
                    value = self._kept[key] = make()
            self._making.pop(key, None)
        return value


class Reader(Protocol):
    """An object whose methods are marked with `read_once`."""

    once: Once


R = TypeVar("R", bound=Reader)


def read_once(method: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
    """Keep what a method returns, unless it is None, as long as its object exists."""

    @functools.wraps(method)
    def read(self: R, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (method.__name__, args, tuple(sorted(kwargs.items())))
        return self.once.get(key, lambda: method(self, *args, **kwargs))

    return read
