"""The process in which a run of the lab happens: `python -m core.lab.worker`.

It loads the libraries, says that it is ready, reads one line of JSON from its standard input, makes
the runs that the line asks for, and ends, which gives its memory back. All that it says is one
line of JSON each on its standard output. It ends too when the process that started it does.
"""

import json
import os
import select
import sys
import threading
import time
from typing import IO, Any

IDLE_S = 300.0  # how long a worker waits for its line
NICENESS = 5  # the pages come first
WATCH_S = 0.5


def main() -> None:
    """Wait for a line, make its runs, and end."""
    said = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not come between the lines
    os.nice(NICENESS)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    _load()
    _say(said, "ready")
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    if not ready:  # there is time
        _compile()
        ready, _, _ = select.select([sys.stdin], [], [], IDLE_S)
    line = sys.stdin.readline() if ready else ""
    if not line:
        return
    _work(json.loads(line), said)
    said.flush()
    os._exit(0)


def _load() -> None:
    """Import what a run needs."""
    from core.lab import sweep  # noqa: F401
    from core.spaces import translation_training  # noqa: F401


def _compile() -> None:
    """Start the compiled code of the forests, which takes a minute once on a machine."""
    import numpy as np

    from core.studies import forests

    x = np.random.default_rng(0).random((12, 4), dtype=np.float32)
    forests.fit(x, np.arange(12) % 2, 2, 0, forests.ForestConfig(n_trees=1)).predict_proba(x)


def _work(asked: dict[str, Any], said: IO[str]) -> None:
    from core.errors import UserError
    from core.lab import exchange
    from core.lab.recipe import Settings
    from core.lab.sweep import sweep
    from core.store import Store
    from core.study import open_study

    try:
        store = Store(asked["root"])
        study = open_study(store, asked["study"])
        if asked["exchange"]:
            table = exchange.of_study(study, asked["exchange"])
            _say(said, "table", rows=table.to_dict("records"))
        base = open_study(store, asked["base"]) if asked["base"] else None
        runs = [(number, Settings.from_dict(one)) for number, one in enumerate(asked["runs"])]
        n_threads = asked["n_threads"]

        def on_epoch(history: list[dict[str, float]]) -> None:
            _say(said, "epochs", history=history)

        for number, step in sweep(study, runs, on_epoch, n_threads, base):
            _say(said, "step", number=number, step=vars(step))
        _say(said, "done")
    except UserError as error:
        _say(said, "failed", sentence=str(error))


def _say(said: IO[str], kind: str, **more: Any) -> None:
    said.write(json.dumps({"kind": kind, **more}, default=lambda number: number.item()) + "\n")


def _end_with_parent(parent: int) -> None:
    """End soon after the process that started this one."""
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)


if __name__ == "__main__":
    main()
