"""Messages of C++ libraries kept off the terminal."""

import contextlib
import os
from collections.abc import Iterator

from core.once import LOADING


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Discard what is written to file descriptor 2, which no Python setting reaches."""
    with LOADING:  # of two threads at once, one would keep the other's silence for good
        try:
            terminal = os.dup(2)
        except OSError:  # there is no standard error
            yield
            return
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
