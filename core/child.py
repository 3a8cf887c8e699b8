"""A process that ends soon after the one that started it, however that one ended."""

import os
import threading
import time

WATCH_S = 0.5


def end_with_parent() -> None:
    """Watch from now on, in a thread."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)
