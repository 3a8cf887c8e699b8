"""How many cores this process may use, and work on one of them alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def n_cores() -> int:
    """Cores that this process may run on; in a container often fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and the matrix products of numpy use one thread, as in the workers of the stages.

    A sum over several threads is rounded in another order, so a training differs with their number.
    """
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
