"""Saved selections: named sets of item ids, in a SQLite database of the workspace.

The database is in WAL mode, so that several people read while one writes; every change is one
transaction. Each version of a selection is kept under its own number: to save under a known name
makes a new one, and nobody's items are lost.

    with saved_selections.connect(root) as database:
        number = saved_selections.save(database, study, "bright bells", ids, note="high ones")
        saved_selections.read(database, number).item_ids
"""

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError

FILE = "selections.sqlite"
BUSY_S = 10.0  # how long a writer waits for another
MOST_LETTERS = 200  # of a name
_TABLE = """CREATE TABLE IF NOT EXISTS selections (
  number INTEGER PRIMARY KEY AUTOINCREMENT, study TEXT NOT NULL, name TEXT NOT NULL,
  note TEXT NOT NULL, tags TEXT NOT NULL, item_ids TEXT NOT NULL, n_items INTEGER NOT NULL,
  saved TEXT NOT NULL
)"""


@dataclass(frozen=True)
class Selection:
    """A saved selection; without its items where many are listed."""

    number: int
    study: str
    name: str
    note: str
    tags: tuple[str, ...]
    n_items: int
    saved: str
    item_ids: tuple[str, ...] = ()


def has_database(root: str) -> bool:
    """Whether a selection has ever been saved in a workspace."""
    return "://" not in root and (Path(root) / FILE).is_file()


@contextlib.contextmanager
def connect(root: str) -> Iterator[sqlite3.Connection]:
    """The database of a workspace, made if absent.

    Raises
    ------
    UserError
        The workspace is no folder of this machine, or the database cannot be written.
    """
    if "://" in root:
        raise UserError(
            f"Selections are saved in a folder of this machine, and the workspace {root} is an "
            "object store: copy the workspace here to save selections."
        )
    try:
        database = sqlite3.connect(Path(root) / FILE, timeout=BUSY_S)
    except sqlite3.Error as error:
        raise UserError(
            f"The selections of {root} cannot be opened ({error}): make the folder writable."
        ) from None
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(_TABLE)
        with database:
            yield database
    except sqlite3.Error as error:
        raise UserError(
            f"The selections of {root} cannot be read or written ({error}): check that the folder "
            "is writable and the disk is not full."
        ) from None
    finally:
        database.close()


def save(
    database: sqlite3.Connection,
    study: str,
    name: str,
    item_ids: Sequence[str],
    *,
    note: str = "",
    tags: Sequence[str] = (),
) -> int:
    """Save a selection of a study; returns its number.

    Raises
    ------
    UserError
        No name, or no items.
    """
    name = " ".join(name.split())[:MOST_LETTERS]
    if not name:
        raise UserError("The selection has no name: type one.")
    if not item_ids:
        raise UserError("No item is selected: draw a lasso around some points first.")
    row = database.execute(
        "INSERT INTO selections (study, name, note, tags, item_ids, n_items, saved) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            study,
            name,
            note.strip(),
            json.dumps(list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))),
            json.dumps(list(item_ids)),
            len(item_ids),
            time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        ),
    )
    assert row.lastrowid is not None
    return row.lastrowid


def listed(database: sqlite3.Connection, study: str = "") -> list[Selection]:
    """All selections, of one study where it is given, the newest first; without their items."""
    rows = database.execute(
        "SELECT number, study, name, note, tags, n_items, saved FROM selections "
        "WHERE ? IN ('', study) ORDER BY number DESC",
        (study,),
    )
    return [
        Selection(number, of, name, note, tuple(json.loads(tags)), n_items, saved)
        for number, of, name, note, tags, n_items, saved in rows
    ]


def read(database: sqlite3.Connection, number: int) -> Selection:
    """One selection with its items.

    Raises
    ------
    UserError
        There is none with this number.
    """
    row = database.execute(
        "SELECT number, study, name, note, tags, n_items, saved, item_ids FROM selections "
        "WHERE number = ?",
        (number,),
    ).fetchone()
    if row is None:
        raise UserError(f"There is no saved selection {number}: it may have been deleted.")
    found, study, name, note, tags, n_items, saved, item_ids = row
    return Selection(
        found,
        study,
        name,
        note,
        tuple(json.loads(tags)),
        n_items,
        saved,
        tuple(json.loads(item_ids)),
    )


def write_labels(root: str, wanted: Sequence[str]) -> Path:
    """A file with saved selections as the labels of a new study (`core.datasets.labelled`).

    Parameters
    ----------
    wanted : numbers or names; of several with one name, the newest

    Raises
    ------
    UserError
        A selection is unknown, or two have one name.
    """
    if not wanted or not has_database(root):
        raise UserError(
            f"The workspace {root} has no saved selection to take labels from: save some on the "
            "page Map, and name their numbers or names."
        )
    labels: dict[str, list[str]] = {}
    with connect(root) as database:
        known = listed(database)
        for name in wanted:
            found = [one for one in known if name in (str(one.number), one.name)]
            if not found:
                raise UserError(
                    f"There is no saved selection {name!r}: expected one of "
                    f"{', '.join(f'{one.number} ({one.name})' for one in known[:20])}."
                )
            chosen = read(database, found[0].number)
            if chosen.name in labels:
                raise UserError(
                    f"Two selections are called {chosen.name!r}: a label needs a name of its own."
                )
            labels[chosen.name] = list(chosen.item_ids)
    content = json.dumps({"labels": labels}).encode()
    file = Path(root) / "labels" / f"{hashlib.sha256(content).hexdigest()[:16]}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return file.resolve()


def delete(database: sqlite3.Connection, number: int) -> None:
    """Delete one selection; nothing where there is none."""
    database.execute("DELETE FROM selections WHERE number = ?", (number,))
