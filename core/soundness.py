"""Damage in a workspace: which files are not what was written, what was made of them, the repair.

found = damage(store)          # reads every file
repair(store, found, engine)   # makes it again, and what was made of it if it came out different
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core import config, record
from core.engines.base import Engine
from core.errors import Damaged, MissingArtefact
from core.files import canonical
from core.stages import table as stages
from core.store import Artefact, Store

DIGEST = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Damage:
    """A part of a workspace with damaged files.

    Parameters
    ----------
    part : `STAGE/DIGEST` of an artefact, or `studies/DIGEST`
    problems : a sentence about each file
    sums : the checksums that the files had, by name; None if they are unknown
    """

    part: str
    problems: tuple[str, ...]
    sums: dict[str, str] | None = None


def damage(store: Store) -> list[Damage]:
    """All damage in a workspace: artefacts, records of studies, and what records name in vain."""
    found = [
        one for stage, digest in _artefacts(store) if (one := _of_artefact(store, stage, digest))
    ]
    known = {one.part for one in found}
    for digest in record.digests(store):
        problems = []
        try:
            values = record.read(store, digest)
        except (MissingArtefact, Damaged) as error:
            found.append(Damage(f"studies/{digest}", (str(error),)))
            continue
        for stage, made in values["artefacts"].values():
            if f"{stage}/{made}" not in known and _opened(store, stage, made) is None:
                problems.append(f"{stage}/{made} in the workspace {store.root} is missing.")
                found.append(Damage(f"{stage}/{made}", (problems[-1],)))
                known.add(f"{stage}/{made}")
        if record.settings_of(store, digest) is None and values.get("sequence"):
            found.append(Damage(f"studies/{digest}", ("Its settings.json is damaged or missing.",)))
    return found


def made_of(store: Store, parts: Iterable[str]) -> list[str]:
    """The artefacts that were made of these, directly or not: their keys contain these digests."""
    keys = {
        f"{stage}/{digest}": canonical(found.manifest["key"])
        for stage, digest in _artefacts(store)
        if (found := _opened(store, stage, digest)) is not None
    }
    sources = {part.split("/")[1] for part in parts}
    made: list[str] = []
    while new := [
        part
        for part, key in keys.items()
        if part not in made and any(f'"{digest}"' in key for digest in sources)
    ]:
        made += new
        sources = {part.split("/")[1] for part in new}
    return sorted(set(made) - set(parts))


def studies_with(store: Store, parts: Iterable[str]) -> list[str]:
    """The digests of the studies that use one of these parts, or whose own record is one."""
    wanted = set(parts)
    found = []
    for digest in record.digests(store):
        try:
            names = {"/".join(entry) for entry in record.read(store, digest)["artefacts"].values()}
        except (MissingArtefact, Damaged):
            names = wanted  # it may use any
        if names & wanted or f"studies/{digest}" in wanted:
            found.append(digest)
    return found


def repair(store: Store, found: Iterable[Damage], engine: Engine) -> list[str]:
    """Make damaged parts again, and what was made of those that came out different.

    Returns
    -------
    The studies that have no settings any more and so cannot be run again: run their own command.
    """
    found = list(found)
    parts = [one.part for one in found]
    studies = studies_with(store, parts)
    lost: list[str] = []
    for one in found:
        if not one.part.startswith("studies/"):
            store.remove(one.part)
    while True:
        lost = [digest for digest in studies if not _run_again(store, digest, engine)]
        different = [
            one.part
            for one in found
            if not one.part.startswith("studies/")
            and (now := _opened(store, *one.part.split("/"))) is not None
            and _timeless(one.sums) != _timeless(now.manifest.get("sums"))
        ]
        stale = made_of(store, different)
        for part in stale:
            store.remove(part)
        if not stale:
            return lost
        found = [Damage(part, ()) for part in stale]


def _timeless(sums: dict[str, str] | None) -> dict[str, str] | None:
    """Checksums without those of histories, which hold the seconds of every epoch."""
    return sums and {name: sum for name, sum in sums.items() if not name.startswith("history")}


def _run_again(store: Store, digest: str, engine: Engine) -> bool:
    settings = record.settings_of(store, digest)
    try:
        values = record.read(store, digest)
        settings = settings or values
        done = {name.split(":")[0] for name in values["artefacts"]}
    except (MissingArtefact, Damaged):  # up to the last stage that any study here has reached
        done = {stage for stage, _ in _artefacts(store)}
    last = [stages.STAGES[0], *(stage for stage in stages.STAGES if stage in done)][-1]
    if settings is None:
        return False
    weights = settings.get("weights_dir")
    study = config.from_values(settings["config"])
    stages.run(study, store, engine, Path(weights) if weights else None, last)
    return True


def _artefacts(store: Store) -> list[tuple[str, str]]:
    """`(stage, digest)` of every folder that may be a finished artefact."""
    return [
        (stage, name)
        for stage in store.names("")
        if stage != "studies" and "." not in stage
        for name in store.names(stage)
        if DIGEST.fullmatch(name)
    ]


def _opened(store: Store, stage: str, digest: str) -> Artefact | None:
    try:
        return store.open(stage, digest)
    except Damaged:
        return None


def _of_artefact(store: Store, stage: str, digest: str) -> Damage | None:
    part = f"{stage}/{digest}"
    try:
        opened = store.open(stage, digest)
    except Damaged as error:
        return Damage(part, (str(error),), store.sums(stage, digest))
    if opened is None:  # of another version
        return None
    problems = opened.problems()
    return Damage(part, tuple(problems.values()), opened.manifest.get("sums")) if problems else None
