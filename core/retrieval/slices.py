"""Long embedding in slices, one at a time for all sessions, so that it never holds the others.

Half an hour of sound or a thousand tags take a network seconds. Between two slices the thread
sleeps, which leaves its core and the interpreter to the pages of other people.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

LONG = 3  # slices; shorter work is done at once
REST = 0.5  # of the time of a slice
LANE = threading.Lock()


def in_slices(
    embed: Callable[[list[Any]], np.ndarray], media: Sequence[Any], size: int
) -> np.ndarray:
    """`(n, d)`: the rows that `embed` gives for `n` media, at most `size` at a time."""
    media = list(media)
    if len(media) < LONG * size:
        return embed(media)
    rows = []
    with LANE:
        for start in range(0, len(media), size):
            began = time.monotonic()
            rows.append(embed(media[start : start + size]))
            time.sleep(REST * (time.monotonic() - began))
    return np.concatenate(rows)
