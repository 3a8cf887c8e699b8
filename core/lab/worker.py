"""The process in which runs of the lab happen: `python -m core.lab.worker`.

It loads the libraries, says that it is ready, and reads lines of JSON from its standard input. For
each line it forks: the fork makes the runs that the line asks for, and its end gives all memory
back. So a run never waits for libraries, and killing it kills nothing else. What is said is one
line of JSON each on the standard output. The worker ends when nobody has asked for long, and when
the process that started it does.
"""

import json
import os
import select
import signal
import sys
import time
from typing import IO, Any

from core.child import end_with_parent

IDLE_S = 300.0  # how long a worker waits for a line
NICENESS = 10  # the pages come first
POLL_S = 0.02


def main() -> None:
    """Load, then make what the lines ask for, one after the other."""
    said = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not come between the lines
    os.nice(NICENESS)
    parent = os.getppid()
    _load()
    _say(said, "ready")
    if not _is_waiting(0.0):  # there is time
        _compile()
    while _is_waiting(IDLE_S) and (line := sys.stdin.readline()):
        child = os.fork()
        if child == 0:
            end_with_parent()
            _say(said, "began", process=os.getpid())
            _work(json.loads(line), said)
            said.flush()
            os._exit(0)
        _wait_for(child, parent)
        said.write("\n")  # a run that was killed may have left half a line
        _say(said, "ended")


def _is_waiting(seconds: float) -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(ready)


def _wait_for(child: int, parent: int) -> None:
    """Wait until a fork ends; end both when the process that started this one has ended."""
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if os.getppid() != parent:
            os.kill(child, signal.SIGKILL)
            os._exit(1)
        time.sleep(POLL_S)


def _load() -> None:
    """Import what a run needs; some of it only comes with a first network and optimizer.

    Nothing is trained: a fork could not train after that.
    """
    import numpy as np
    import torch

    from core.lab import sweep  # noqa: F401
    from core.spaces import translation_training
    from core.spaces.translation import TranslationConfig

    tower = translation_training.Tower(2, TranslationConfig(), np.random.default_rng(0))
    torch.optim.AdamW(tower.parameters())


def _compile() -> None:
    """Start the compiled code of the forests, which takes a minute once on a machine."""
    import numpy as np

    from core.studies import forests

    x = np.random.default_rng(0).random((12, 4), dtype=np.float32)
    forests.fit(x, np.arange(12) % 2, 2, 0, forests.ForestConfig(n_trees=1), 1).predict_proba(x)


def _work(asked: dict[str, Any], said: IO[str]) -> None:
    from core.errors import UserError
    from core.lab import exchange, runs
    from core.lab.recipe import Settings
    from core.lab.sweep import sweep
    from core.store import Store
    from core.study import open_study

    def on_epoch(history: list[dict[str, float]]) -> None:
        _say(said, "epochs", history=history)

    try:
        store = Store(asked["root"])
        study = open_study(store, asked["study"])
        with runs.turn(store, lambda sentence: _say(said, "waits", sentence=sentence)):
            if asked["exchange"]:
                table = exchange.of_study(study, asked["exchange"])
                _say(said, "table", rows=table.to_dict("records"))
            base = open_study(store, asked["base"]) if asked["base"] else None
            settings = [Settings.from_dict(one) for one in asked["runs"]]
            numbered = list(enumerate(settings))
            for number, step in sweep(study, numbered, on_epoch, asked["n_threads"], base):
                _say(said, "step", number=number, step=vars(step))
        _say(said, "done")
    except UserError as error:
        _say(said, "failed", sentence=str(error))


def _say(said: IO[str], kind: str, **more: Any) -> None:
    said.write(json.dumps({"kind": kind, **more}, default=lambda number: number.item()) + "\n")


if __name__ == "__main__":
    main()
