"""Saved selections: written, listed, read and deleted by several people at once."""

import sqlite3
import threading
from pathlib import Path

import pytest

from core import saved_selections
from core.errors import UserError


def test_a_selection_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    with saved_selections.connect(str(tmp_path)) as database:
        number = saved_selections.save(
            database, "abc", " bright  bells ", ["b", "a"], note="high\n", tags=["x", "x", " y "]
        )
    with saved_selections.connect(str(tmp_path)) as database:
        found = saved_selections.read(database, number)
    assert found.name == "bright bells"
    assert found.note == "high"
    assert found.tags == ("x", "y")
    assert found.item_ids == ("b", "a")
    assert (found.study, found.n_items) == ("abc", 2)


def test_a_database_is_there_once_something_was_saved(tmp_path: Path) -> None:
    assert not saved_selections.has_database(str(tmp_path))
    assert not saved_selections.has_database("s3://bucket/work")
    with saved_selections.connect(str(tmp_path)) as database:
        saved_selections.save(database, "abc", "bells", ["a"])
    assert saved_selections.has_database(str(tmp_path))


def test_the_newest_is_listed_first_and_a_name_may_repeat(tmp_path: Path) -> None:
    with saved_selections.connect(str(tmp_path)) as database:
        first = saved_selections.save(database, "abc", "bells", ["a"])
        second = saved_selections.save(database, "abc", "bells", ["b"])
        saved_selections.save(database, "other", "drums", ["c"])
        assert [one.number for one in saved_selections.listed(database, "abc")] == [second, first]
        assert len(saved_selections.listed(database)) == 3
        saved_selections.delete(database, first)
        assert [one.number for one in saved_selections.listed(database, "abc")] == [second]
        with pytest.raises(UserError, match=f"no saved selection {first}"):
            saved_selections.read(database, first)


def test_several_people_at_once_lose_nothing(tmp_path: Path) -> None:
    def work(person: int) -> None:
        for number in range(10):
            with saved_selections.connect(str(tmp_path)) as database:
                saved_selections.save(database, "abc", f"{person} {number}", [str(number)])

    people = [threading.Thread(target=work, args=(person,)) for person in range(4)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    with saved_selections.connect(str(tmp_path)) as database:
        names = {one.name for one in saved_selections.listed(database)}
        (mode,) = database.execute("PRAGMA journal_mode").fetchone()
    assert names == {f"{person} {number}" for person in range(4) for number in range(10)}
    assert mode == "wal"


def test_a_failed_change_leaves_nothing_behind(tmp_path: Path) -> None:
    def save_on_a_full_disk() -> None:
        with saved_selections.connect(str(tmp_path)) as database:
            saved_selections.save(database, "abc", "bells", ["a"])
            raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(UserError, match="cannot be read or written"):
        save_on_a_full_disk()
    with saved_selections.connect(str(tmp_path)) as database:
        assert saved_selections.listed(database) == []


@pytest.mark.parametrize(
    ("name", "items", "message"), [(" ", ["a"], "has no name"), ("bells", [], "No item")]
)
def test_an_empty_selection_is_refused(
    name: str, items: list[str], message: str, tmp_path: Path
) -> None:
    with (
        saved_selections.connect(str(tmp_path)) as database,
        pytest.raises(UserError, match=message),
    ):
        saved_selections.save(database, "abc", name, items)


def test_an_object_store_has_no_selections() -> None:
    with (
        pytest.raises(UserError, match="object store"),
        saved_selections.connect("s3://bucket/work"),
    ):
        pass
