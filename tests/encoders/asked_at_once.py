"""20 threads that ask first, at the same moment, for libraries and encoders of a new process.

    python -m tests.encoders.asked_at_once FOLDER NAME ...

A NAME is a library or an encoder with weights in FOLDER. Every thread asks for all of them and
starts at another one. Prints JSON: how often each was had, and the first errors.
"""

import json
import sys
import threading
from collections import Counter
from pathlib import Path

from core import encoders
from core.once import library
from tests.encoders import tiny_torch

N_THREADS = 20


def main(folder: Path, names: list[str]) -> None:
    together = threading.Barrier(N_THREADS)
    had: Counter[str] = Counter()
    errors: list[str] = []

    def ask(first: int) -> None:
        together.wait()
        for name in [*names[first:], *names[:first]]:
            try:
                if name in encoders.REGISTRY:
                    encoders.load(name, folder)
                else:
                    library(name)
                had[name] += 1
            except Exception as error:
                errors.append(f"{name}: {error!r}")

    with tiny_torch.narrow(folder):
        threads = [
            threading.Thread(target=ask, args=(row % len(names),)) for row in range(N_THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(json.dumps({"had": had, "errors": errors[:5]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
