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
    """The record of a study while it is computed: stages note their artefacts here.

    The study stays readable while it is run again. What the last run noted is kept until a stage
    notes something else under the same name. From then on later results may be out of date, so
    only those of this run count.
    """

    def __init__(self, store: Store, config: Any, weights_dir: Path | None = None) -> None:
        self.store = store
        self.digest = digest(asdict(config))
        self._name = f"studies/{self.digest}/study.json"
        last = store.json(self._name) if store.has(self._name) else {}
        self._last: dict[str, list[str]] = last.get("artefacts", {})
        self._noted: dict[str, list[str]] = {}
        self.values: dict[str, Any] = {
            "digest": self.digest,
            "config": asdict(config),
            "weights_dir": str(weights_dir.resolve()) if weights_dir else None,
            "artefacts": self._last,
            "started": _now(),
            "finished": last.get("finished"),
        }
        self._lock = threading.Lock()

    def note(self, name: str, artefact: Artefact) -> None:
        entry = [artefact.stage, artefact.digest]
        with self._lock:
            if self._last.get(name, entry) != entry:
                self._last = {}
            if name not in self._last:
                self.values["finished"] = None
            self._noted[name] = entry
            self.values["artefacts"] = self._last | self._noted
            self._save()

    def finish(self) -> None:
        """Every stage has run: what this run did not note is no longer part of the study."""
        with self._lock:
            self.values |= {"artefacts": self._noted, "finished": _now()}
            self._save()

    def _save(self) -> None:
        self.store.write_json(self._name, self.values)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
