"""Artefacts that are made by one task each: those that are missing are made, all are noted."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from core.engines.base import Engine
from core.errors import UserError
from core.record import Record
from core.store import Artefact, Store


class Keyed(Protocol):
    """A task that commits the artefact of a key."""

    @property
    def key(self) -> dict[str, Any]: ...


T = TypeVar("T", bound=Keyed)


def make_missing(
    stage: str,
    function: Callable[[T], str],
    tasks: Mapping[str, T],
    title: str,
    store: Store,
    engine: Engine,
    record: Record,
) -> dict[str, Artefact]:
    """The artefact of every named task, made where it is missing; `{name: artefact}`.

    Raises
    ------
    UserError
        A task has ended, and its artefact is not there.
    """
    missing = [task for task in tasks.values() if store.find(stage, task.key) is None]
    for _ in engine.run(function, missing, title):
        pass
    artefacts = {}
    for name, task in tasks.items():
        found = store.find(stage, task.key)
        if found is None:
            raise UserError(f"{stage}:{name} was not written: run the same command again.")
        record.note(f"{stage}:{name}", found)
        artefacts[name] = found
    return artefacts
