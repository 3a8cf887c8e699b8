"""The runs of a workspace: one row each in SQLite, their arrays in artefacts beside it.

`WORKSPACE/lab/runs.sqlite` has the settings, the numbers and who keeps a run; the files of a run
are in `WORKSPACE/lab/ID/`. A run that nobody keeps goes when there are `MOST_UNKEPT` newer ones.
SQLite's write-ahead log lets several people and processes write at once, and a killed one leaves
the file whole.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.lock import Holder
from core.store import Store

FOLDER = "lab"
FILE = f"{FOLDER}/runs.sqlite"
MOST_UNKEPT = 40
WAIT_S = 20.0  # for another writer
MOST_LETTERS = 80  # of a name
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, study TEXT NOT NULL, settings TEXT NOT NULL, changes TEXT NOT NULL,
    numbers TEXT NOT NULL, record TEXT NOT NULL, seconds REAL NOT NULL, created TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '', keeper TEXT NOT NULL DEFAULT '',
    pinned INTEGER NOT NULL DEFAULT 0
)
"""
COLUMNS = "id, study, settings, changes, numbers, seconds, created, name, keeper, pinned"


@dataclass(frozen=True)
class Kept:
    """One row of the table.

    Attributes
    ----------
    id : the digest of the study and of everything that the run was asked for
    settings : see `core.lab.recipe.Settings.as_dict`
    changes : what differs from the study, by full names
    numbers : the headline numbers, by name
    name, keeper : of the run, and of the person who keeps it; "" for a run that nobody keeps
    """

    id: str
    study: str
    settings: dict[str, Any]
    changes: dict[str, Any]
    numbers: dict[str, float]
    seconds: float
    created: str
    name: str
    keeper: str
    pinned: bool


def note(
    store: Store,
    id: str,
    study: str,
    settings: Mapping[str, Any],
    changes: Mapping[str, Any],
    numbers: Mapping[str, float],
    record: Mapping[str, Any],
    seconds: float,
) -> None:
    """Add a finished run, or its numbers anew; a name that it has stays."""
    texts = [json.dumps(one) for one in (settings, changes, numbers, record)]
    with _writing(store) as table:
        table.execute(
            "INSERT INTO runs (id, study, settings, changes, numbers, record, seconds, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "numbers = excluded.numbers, record = excluded.record, seconds = excluded.seconds",
            (id, study, *texts, seconds, _now()),
        )
        old = table.execute(
            "SELECT id FROM runs WHERE name = '' AND pinned = 0 ORDER BY created DESC, rowid DESC "
            "LIMIT -1 OFFSET ?",
            (MOST_UNKEPT,),
        ).fetchall()
    for (gone,) in old:
        delete(store, gone)


def runs(store: Store) -> list[Kept]:
    """All runs of a workspace: pinned ones first, then the newest first."""
    if not _exists(store):
        return []
    with _open(store) as table:
        rows = table.execute(
            f"SELECT {COLUMNS} FROM runs ORDER BY pinned DESC, created DESC, rowid DESC"
        ).fetchall()
    return [_kept(row) for row in rows]


def find(store: Store, id: str) -> Kept | None:
    """The run whose id begins like this, or None."""
    return next((one for one in runs(store) if id and one.id.startswith(id)), None)


@contextmanager
def turn(store: Store, tell: Callable[[str], None] = lambda sentence: None) -> Iterator[None]:
    """Wait until no other process makes a run in this workspace, and hold this turn.

    `tell` is called with a sentence when there is something to wait for. The turn of a process
    that was killed is over.
    """
    with Holder(store, tell) as holder:
        holder.take([(FOLDER, "run")], wait=True)
        yield


def records(store: Store) -> list[dict[str, Any]]:
    """The runs as records of studies (see `core.record`), so that they open like a study."""
    if not _exists(store):
        return []
    with _open(store) as table:
        rows = table.execute(
            "SELECT record, name, keeper FROM runs ORDER BY pinned DESC, created DESC, rowid DESC"
        ).fetchall()
    found = []
    for text, name, keeper in rows:
        record: dict[str, Any] = json.loads(text)
        record["run"] |= {"name": name, "keeper": keeper}
        found.append(record)
    return found


def keep(store: Store, id: str, name: str, keeper: str) -> None:
    """Keep a run under a name, or give it another one.

    Raises
    ------
    UserError
        The name is empty, or the run is gone.
    """
    name, keeper = (" ".join(text.split())[:MOST_LETTERS] for text in (name, keeper))
    if not name:
        raise UserError("The run has no name yet: type one, so that others find it.")
    _update(store, id, "name = ?, keeper = ?", name, keeper)


def pin(store: Store, id: str, pinned: bool) -> None:
    """Show a run above all others, or no longer. Raises UserError if it is gone."""
    _update(store, id, "pinned = ?", int(pinned))


def delete(store: Store, id: str) -> None:
    """Remove a run and its files; nothing happens when it is gone."""
    with _writing(store) as table:
        table.execute("DELETE FROM runs WHERE id = ?", (id,))
    store.remove(f"{FOLDER}/{id}")


def _update(store: Store, id: str, change: str, *values: Any) -> None:
    with _writing(store) as table:
        n = table.execute(f"UPDATE runs SET {change} WHERE id = ?", (*values, id)).rowcount
    if not n:
        raise UserError(f"The run {id} is gone: somebody has deleted it, so run it again.")


def _exists(store: Store) -> bool:
    return store.local and Path(store.address(FILE)).is_file()


@contextmanager
def _open(store: Store) -> Iterator[sqlite3.Connection]:
    if not store.local:
        raise UserError(
            f"The workspace {store.root} is not a folder of this machine, and runs of the lab are "
            "kept in one: copy the workspace into a folder."
        )
    path = Path(store.address(FILE))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as table:
            yield table
    except sqlite3.Error as error:
        raise UserError(
            f"The table of runs {path} cannot be read or written ({error}): check the disk, or "
            "move the file away to begin a new one."
        ) from error


@contextmanager
def _writing(store: Store) -> Iterator[sqlite3.Connection]:
    """A transaction: all of it is written, or nothing."""
    with _open(store) as table:
        table.execute("PRAGMA journal_mode = WAL")
        table.execute("BEGIN IMMEDIATE")
        try:
            table.execute(SCHEMA)
            yield table
            table.execute("COMMIT")
        except BaseException:
            if table.in_transaction:
                table.execute("ROLLBACK")
            raise


def _kept(row: tuple[Any, ...]) -> Kept:
    id, study, settings, changes, numbers, seconds, created, name, keeper, pinned = row
    asked, changed, found = (json.loads(text) for text in (settings, changes, numbers))
    numbered = (id, study, asked, changed, found, seconds, created, name, keeper)
    return Kept(*numbered, pinned=bool(pinned))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
