"""The record of a study while it is computed: its configuration, and which artefacts are its own.

It (`studies/<digest>/study.json`) names the artefacts of every stage:

=============================  ================================================================
name                           artefact
=============================  ================================================================
`ingest`                     items, splits, what was rejected, the dataset's card
`extract:ENCODER`            native vectors of one encoder
`train:PAIR:PART`            spaces and shared vectors; PART is a split's number or `all`
`generate:PAIR:SPLIT`        the generation space, its vectors and snapshots, where there is text
`evaluate:PAIR:SPLIT`        measurements, predictions, forests
`maps:PAIR`               maps
`maps:PAIR:epochs`        the moving map of the generation space
=============================  ================================================================

PAIR joins one encoder a modality, `AUDIO+IMAGE`, or `AUDIO+IMAGE+TEXT` where there are words.
"""

import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.store import Artefact, Store, digest


class Record:
    """The record of a study while it is being computed: stages note their artefacts here."""

    def __init__(self, store: Store, config: Any, weights_dir: Path | None = None) -> None:
        self.store = store
        self.digest = digest(asdict(config))
        self.values: dict[str, Any] = {
            "digest": self.digest,
            "config": asdict(config),
            "weights_dir": str(weights_dir.resolve()) if weights_dir else None,
            "artefacts": {},
            "started": _now(),
            "finished": None,
        }
        self._lock = threading.Lock()

    def note(self, name: str, artefact: Artefact) -> None:
        with self._lock:
            self.values["artefacts"][name] = [artefact.stage, artefact.digest]
            self._save()

    def finish(self) -> None:
        with self._lock:
            self.values["finished"] = _now()
            self._save()

    def _save(self) -> None:
        self.store.write_json(f"studies/{self.digest}/study.json", self.values)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
