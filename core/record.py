"""The record of a study: its configuration and the names of its artefacts.

`studies/<digest>/study.json` has an entry for every artefact:

=============================  ================================================================
name                           artefact
=============================  ================================================================
`ingest`                       items, splits, rejected files, the dataset's card
`extract:ENCODER`              native vectors of one encoder
`extract:ENCODER:windows`      vectors of the other seconds of its recordings, if a recipe has them
`train:SET:PART`               spaces and shared vectors; PART is a split's number or `all`,
                               or SPLIT.TRAINING for a further training of a split
`generate:SET:SPLIT`           the generation space, its vectors and snapshots, if there is text
`generate:SET:SPLIT.tuned`     the same with a fine-tuned text encoder, where both are trained
`evaluate:SET:0.shuffled`      the ranking of a training on shuffled pairs (`train:SET:0.shuffled`)
`evaluate:SET:SPLIT`           measurements, predictions, forests
`evaluate:SET:SPLIT.TRAINING`  headline numbers of a further training
`maps:atlas`                   pictures and spectrograms as small tiles
`maps:SET`                     maps
`STAGE:...:@NAME`              the same of a test dataset (`core.test_sets`)
`maps:SET:epochs`              the moving map of the generation space
=============================  ================================================================

SET is the name of an encoder set, `AUDIO+IMAGE` or `AUDIO+IMAGE+TEXT`.

`settings.json` beside it has the configuration once more: with it a lost record is made again, as
artefacts are found by their keys.
"""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import Damaged, MissingArtefact
from core.files import canonical
from core.store import Artefact, Store, damaged, digest, read_sealed, sealed

STUDY, SETTINGS = "study.json", "settings.json"


class Record:
    """The record of a study while it is computed: stages note their artefacts here.

    The study stays readable while it is run again: the entries of the last run are kept until a
    stage notes another artefact under the same name. From then on later entries may be out of
    date, so only those of this run are kept.
    """

    def __init__(self, store: Store, config: Any, weights_dir: Path | None = None) -> None:
        self.store = store
        self.digest = digest(asdict(config))
        last = _last(store, self.digest)
        settings = {
            "config": asdict(config),
            "weights_dir": str(weights_dir.resolve()) if weights_dir else None,
        }
        if settings_of(store, self.digest) != json.loads(canonical(settings)):
            store.write_json(_at(self.digest, SETTINGS), sealed(json.loads(canonical(settings))))
        self._last: dict[str, list[str]] = last.get("artefacts", {})
        self._noted: dict[str, list[str]] = {}
        self.values: dict[str, Any] = {
            "digest": self.digest,
            **settings,
            "artefacts": self._last,
            "sequence": 1 + max((_sequence(store, one) for one in digests(store)), default=0),
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
        self.store.write_json(_at(self.digest, STUDY), sealed(json.loads(canonical(self.values))))


def digests(store: Store) -> list[str]:
    """The digests of all studies in a workspace, also of those whose record is damaged."""
    return [one for one in store.names("studies") if store.names(f"studies/{one}")]


def read(store: Store, digest_: str) -> dict[str, Any]:
    """The record of a study.

    Raises
    ------
    MissingArtefact
        There is no such study.
    Damaged
        The record is not what was written.
    """
    at = _at(digest_, STUDY)
    if not store.has(at) and store.has(_at(digest_, SETTINGS)):
        raise damaged(store, at, "it is missing")
    values = read_sealed(store, at)
    expected = {"digest": str, "config": dict, "artefacts": dict, "started": str}
    if values.get("digest") != digest_ or not all(
        isinstance(values.get(name), kind) for name, kind in expected.items()
    ):
        raise damaged(store, at, "it is not the record of this study")
    return values


def readable(store: Store) -> tuple[list[dict[str, Any]], dict[str, Damaged]]:
    """The records of a workspace that can be read, newest first; and why others cannot, by digest.

    One damaged record leaves the other studies as they are, but which is the newest is not known.
    """
    found, broken = [], {}
    for digest_ in digests(store):
        try:
            found.append(read(store, digest_))
        except Damaged as error:
            broken[digest_] = error
    return sorted(found, key=_age)[::-1], broken


def _age(values: dict[str, Any]) -> tuple[int, str, str]:
    """Where a study stands in time; a clock may have been set back between two runs."""
    return int(values.get("sequence") or 0), values["started"], values["digest"]


def settings_of(store: Store, digest_: str) -> dict[str, Any] | None:
    """`config` and `weights_dir` of a study, kept beside its record; None if absent or damaged."""
    try:
        return read_sealed(store, _at(digest_, SETTINGS))
    except (MissingArtefact, Damaged):
        return None


def _at(digest_: str, file: str) -> str:
    return f"studies/{digest_}/{file}"


def _last(store: Store, digest_: str) -> dict[str, Any]:
    """The record of the run before; {} if there is none, or none that can be read."""
    try:
        return read(store, digest_)
    except (MissingArtefact, Damaged):
        return {}


def _sequence(store: Store, digest_: str) -> int:
    """The place of a study's last run among all runs of its workspace."""
    return int(_last(store, digest_).get("sequence") or 0)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
