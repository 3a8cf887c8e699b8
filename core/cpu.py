"""How many cores this process may use."""

import os


def n_cores() -> int:
    """Cores that this process may run on; in a container often fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
