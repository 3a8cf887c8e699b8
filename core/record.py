"""The record of a study: its configuration and the names of its artefacts.

`studies/<digest>/study.json` has an entry for every artefact:

=============================  ================================================================
name                           artefact
=============================  ================================================================
`ingest`                       items, splits, rejected files, the dataset's card
`extract:ENCODER`              native vectors of one encoder
`train:SET:PART`               spaces and shared vectors; PART is a split's number or `all`,
                               or SPLIT.TRAINING for a further training of a split
`generate:SET:SPLIT`           the generation space, its vectors and snapshots, if there is text
`generate:SET:SPLIT.tuned`     the same with a fine-tuned text encoder, where both are trained
`evaluate:SET:SPLIT`           measurements, predictions, forests
`evaluate:SET:SPLIT.TRAINING`  headline numbers of a further training
`maps:SET`                     maps
`maps:SET:epochs`              the moving map of the generation space
=============================  ================================================================

SET is the name of an encoder set, `AUDIO+IMAGE` or `AUDIO+IMAGE+TEXT`.
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.store import Artefact, Store, digest


class Record:
    """The record of a study while it is computed: stages note their artefacts here.

    The study stays readable while it is run again: the entries of the last run are kept until a
    stage notes another artefact under the same name. From then on later entries may be out of
    date, so only those of this run are kept.
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

    def note(self, name: str, artefact: Artefact) -> None:
        entry = [artefact.stage, artefact.digest]
        if self._last.get(name, entry) != entry:
            self._last = {}
        if name not in self._last:
            self.values["finished"] = None
        self._noted[name] = entry
        self.values["artefacts"] = self._last | self._noted
        self._save()

    def finish(self) -> None:
        """Mark the study as finished; artefacts that this run did not note are dropped."""
        self.values |= {"artefacts": self._noted, "finished": _now()}
        self._save()

    def _save(self) -> None:
        self.store.write_json(self._name, self.values)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
