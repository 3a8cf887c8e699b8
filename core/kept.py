"""What functions returned for equal arguments, kept for all threads: the results used last.

    @kept(most=256)
    def summary(frame, by): ...

For functions that depend on their arguments alone. Arguments are compared by content: tables,
arrays and texts that are equal count as the same. Results are shared, so nobody may change them;
a table is a copy that shares its memory until it is changed.
"""

import functools
import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, MutableMapping
from typing import Any, ParamSpec, TypeVar

import pandas as pd
import xxhash

from core.once import Once

P = ParamSpec("P")
T = TypeVar("T")


class LastUsed(OrderedDict[Hashable, Any]):
    """A mapping that holds the `most` entries used last; for several threads."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self._lock = threading.RLock()

    def get(self, key: Hashable, default: Any = None) -> Any:
        with self._lock:
            if key in self:
                self.move_to_end(key)
            return super().get(key, default)

    def __setitem__(self, key: Hashable, value: Any) -> None:
        with self._lock:
            super().__setitem__(key, value)
            while len(self) > self.most:
                self.popitem(last=False)


def content_key(*values: Any) -> str:
    """A digest of what some values contain; raises what pickle raises for a lambda or a file."""
    return xxhash.xxh3_128_hexdigest(pickle.dumps(values, protocol=5))


def last_used(most: int) -> Once:
    """Values by key, each made once; the `most` that were used last are kept."""
    kept: MutableMapping[Hashable, Any] = LastUsed(most)
    return Once(kept)


def kept(most: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep what a function returned for the `most` arguments used last. None is not kept."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        values = last_used(most)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            key = content_key(args, sorted(kwargs.items()))
            found = values.get(key, lambda: function(*args, **kwargs))
            return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

        return call

    return decorate
