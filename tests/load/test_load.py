"""The load itself, small: people who open, type and upload on a real server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load import __main__ as load
from tests.load.person import LoadError, Person, run
from tests.load.plan import KINDS, Action, act, actions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(demo_workspace: Path) -> Iterator[load.Server]:
    with load.started(demo_workspace) as running:
        yield running


def test_one_person_does_every_kind_of_thing(server: load.Server) -> None:
    async def visit() -> tuple[str, str]:
        async with Person(server.url) as person:
            for kind in KINDS:
                first = next(one for one in actions(1) if one.kind == kind)
                assert await act(person, first) > 0
            await act(person, Action("page", "map"))
            last = person.page, person.query
            with pytest.raises(LoadError, match="no button"):
                await person.press("a button that is not there")
        return last

    assert run(visit())[0] == "map"


def test_a_few_people_wait_less_than_the_goal(server: load.Server) -> None:
    done: list[load.Done] = []

    async def crowd() -> None:
        end = asyncio.get_running_loop().time() + 8
        await asyncio.gather(*(load.visit(server.url, seed, 2.0, end, done) for seed in range(4)))

    run(crowd())
    assert [one.error for one in done if one.error] == []
    assert len(done) >= 12
    assert server.memory_mb() < load.MOST_MB


def test_goals_that_are_missed_are_said() -> None:
    done = [load.Done("page", 0.5)] * 9 + [load.Done("page", 9.0, "LoadError: no footer")]
    memory = [(0.0, 500.0), (200.0, 600.0), (400.0, 700.0)]
    said = load.shortfalls(done, memory)
    assert said[0] == "1 errors"
    assert said[1].startswith("the 95th percentile is 5.")
    assert said[2] == "memory grows from 600 to 700 MB"
    assert load.shortfalls(done[:9], memory[:2]) == []
