"""`make load`: fifty people at once on one server, and what each waits for, in tables.

python -m tests.load --workspace W --people 50 --browsers 2 --every 10 --seconds 600

Most people come through the websocket protocol, some in real browsers. First one person alone
opens every page, cold and warm. Everything is bounded and stays on this machine. Exit code 1 when
an action failed or a goal is missed.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.browser.conftest import serve
from tests.load.person import Person
from tests.load.plan import KINDS, PAGES, act, actions, work_long

MEDIAN_S, P95_S, ALONE_S, GROWTH, MOST_MB = 1.0, 3.0, 0.4, 1.1, 2_500  # the goals
SLOWER = 2.0  # at most, beside long work of others
SAMPLE_S = 5.0
LONG_WAIT_S = 600.0
STEADY_S = 180.0  # memory is compared with that of the third minute
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Done(NamedTuple):
    """One action: its kind, the seconds it took, and what went wrong, if anything did."""

    kind: str
    seconds: float
    error: str = ""
    ended: float = 0.0  # by the clock that never goes back


class Server(NamedTuple):
    """A running server: its address, and its process, 0 if it is not ours."""

    url: str
    pid: int = 0

    def cpu_s(self) -> float:
        """The seconds of processor that it has used."""
        if not self.pid:
            return float("nan")
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    def memory_mb(self) -> float:
        """The memory that it holds."""
        if not self.pid:
            return float("nan")
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def alone(server: Server) -> list[tuple[str, float, float, float]]:
    """`(page, cold seconds, warm seconds, warm seconds of processor)` of each page."""
    found = []
    for page in PAGES:
        async with Person(server.url) as person:
            cold = await person.open(page)
        await asyncio.sleep(0.5)  # what the server does after a first visit
        async with Person(server.url) as person:
            before = server.cpu_s()
            warm = await person.open(page)
            found.append((page, cold, warm, server.cpu_s() - before))
    return found


async def visit(url: str, seed: int, every_s: float, end: float, done: list[Done]) -> None:
    """One person, until the end: one action every `every_s`."""
    steps = actions(seed)
    turn = time.monotonic() + every_s * np.random.default_rng(seed).random()
    person: Person | None = None
    while turn < end:
        await asyncio.sleep(max(0.0, turn - time.monotonic()))
        action = next(steps)
        started = time.monotonic()
        try:
            if person is None:
                person = await Person(url).__aenter__()
                action = action._replace(kind="page", what=PAGES[seed % len(PAGES)], query="")
            took = await act(person, action)
            done.append(Done(action.kind, took, "", time.monotonic()))
        except Exception as error:
            took = time.monotonic() - started
            said = f"{type(error).__name__}: {error}"[:200]
            done.append(Done(action.kind, took, said, time.monotonic()))
            if person is not None:
                with contextlib.suppress(Exception):
                    await person.__aexit__()
            person = None
        turn = max(turn + every_s, time.monotonic())
    if person is not None:
        await person.__aexit__()


async def toil(url: str, seed: int, start: float, end: float, done: list[Done]) -> None:
    """A person with long work, again and again from `start` on."""
    await asyncio.sleep(max(0.0, start - time.monotonic()))
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            async with Person(url, LONG_WAIT_S) as person:
                await work_long(person, seed)
            error = ""
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"[:200]
        kind = "1,000 tags" if seed % 2 else "30 minutes of sound"
        done.append(Done(kind, time.monotonic() - began, error))
        seed += 2


async def browse(url: str, n: int, every_s: float, seconds: float, done: list[Done]) -> None:
    """Some people in real browsers, in a process of their own: see `tests.load.browsers`."""
    words = [url, str(n), str(every_s), str(seconds)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.load.browsers", *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async for line in process.stdout:
        done.append(Done("in a browser", *json.loads(line)))
    if await process.wait():
        done.append(Done("in a browser", 0.0, "The browsers ended with an error."))


async def watch(servers: Sequence[Server], end: float) -> list[tuple[float, float]]:
    """`(seconds since the start, MB)` of the servers' memory together."""
    started, found = time.monotonic(), []
    while time.monotonic() < end:
        found.append((time.monotonic() - started, sum(one.memory_mb() for one in servers)))
        await asyncio.sleep(SAMPLE_S)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--workspace", type=Path, default=Path("workspace/demo"))
    parser.add_argument("--url", default="", help="of a server that runs already, on this machine")
    parser.add_argument("--servers", type=int, default=1, help="processes that share the people")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--browsers", type=int, default=2, help="of the people, in real browsers")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two actions")
    parser.add_argument("--long", action="store_true", help="long work in the second half")
    parser.add_argument("--seconds", type=float, default=600.0)
    given = parser.parse_args()
    console = Console(width=120)
    with contextlib.ExitStack() as stack:
        servers = [Server(given.url)]
        if not given.url:
            servers = [stack.enter_context(started(given.workspace)) for _ in range(given.servers)]
        return asyncio.run(load(given, servers, console))


@contextlib.contextmanager
def started(workspace: Path) -> Iterator[Server]:
    """A server of its own for the workspace."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(workspace, Path(folder) / "log.txt") as running,
    ):
        yield Server(running.url, running.pid)


async def load(given: argparse.Namespace, servers: Sequence[Server], console: Console) -> int:
    """The whole load; returns the exit code."""
    pages = Table("page, one person alone", "first visit", "warm", "processor")
    slow = []
    for server in servers:
        for page, cold, warm, cpu in await alone(server):
            pages.add_row(page, f"{cold:.2f} s", f"{warm:.2f} s", f"{cpu:.2f} s")
            slow += [page] if warm > ALONE_S else []
    console.print(pages)
    done: list[Done] = []
    long: list[Done] = []
    end = time.monotonic() + given.seconds
    half = end - given.seconds / 2
    before = sum(one.cpu_s() for one in servers)
    people = [  # each stays with one server, as behind a proxy with sticky sessions
        visit(servers[seed % len(servers)].url, seed, given.every, end, done)
        for seed in range(given.people - given.browsers)
    ]
    if given.browsers:
        url = servers[0].url
        people.append(browse(url, given.browsers, given.every, given.seconds, done))
    if given.long:
        people += [toil(servers[0].url, seed, half, end, long) for seed in range(2)]
    memory, *_ = await asyncio.gather(watch(servers, end), *people)
    used = (sum(one.cpu_s() for one in servers) - before) / given.seconds
    console.print(table_of([*done, *long]))
    for error, n in Counter(one.error for one in done if one.error).most_common(5):
        console.print(f"{n} × {error}", style="red", markup=False)
    missed = [f"{', '.join(slow)} alone takes more than {ALONE_S} s"] if slow else []
    missed += shortfalls(done, memory)
    if given.long:
        before_s, during_s = (
            float(np.median([one.seconds for one in done if (one.ended < half) == earlier]))
            for earlier in (True, False)
        )
        console.print(f"median of the others: {before_s:.2f} s, beside long work {during_s:.2f} s")
        if during_s > SLOWER * before_s:
            missed.append(f"long work makes the others {during_s / before_s:.1f} times slower")
        missed += [one.error for one in long if one.error]
    console.print(
        f"{given.people} people, {len(done)} actions in {given.seconds:.0f} s "
        f"({len(done) / given.seconds:.1f} a second), {used:.0%} of one core in the servers"
    )
    some = memory[:: max(1, len(memory) // 10)]
    console.print("memory: " + ", ".join(f"{at:.0f} s {mb:,.0f} MB" for at, mb in some))
    for sentence in missed:
        console.print(f"missed: {sentence}", style="red")
    return 1 if missed else 0


def table_of(done: list[Done]) -> Table:
    """One row for each kind of action, and one for all that went through the protocol."""
    table = Table("action", "n", "errors", "median", "95 % within", "longest")
    protocol = [one for one in done if one.kind in (*KINDS, "")]
    for kind in [*dict.fromkeys(one.kind for one in done), "all but browsers"]:
        of = protocol if kind == "all but browsers" else [one for one in done if one.kind == kind]
        if not of:
            continue
        seconds = [one.seconds for one in of]
        wrong = sum(bool(one.error) for one in of)
        table.add_row(
            kind,
            f"{len(of)}",
            f"{wrong}",
            f"{np.median(seconds):.2f} s",
            f"{np.percentile(seconds, 95):.2f} s",
            f"{max(seconds):.2f} s",
        )
    return table


def shortfalls(done: list[Done], memory: list[tuple[float, float]]) -> list[str]:
    """The goals that were missed, one sentence each."""
    missed = []
    seconds = [one.seconds for one in done if one.kind != "in a browser"]
    errors = sum(bool(one.error) for one in done)
    if errors:
        missed.append(f"{errors} errors")
    for name, value, goal in (
        ("median", float(np.median(seconds)), MEDIAN_S),
        ("95th percentile", float(np.percentile(seconds, 95)), P95_S),
    ):
        if value > goal:
            missed.append(f"the {name} is {value:.2f} s, the goal {goal:g} s")
    highest = max((mb for _, mb in memory), default=0.0)
    if highest > MOST_MB:
        missed.append(f"the server needs {highest:,.0f} MB, the goal is {MOST_MB:,} MB")
    later = [mb for at, mb in memory if at >= STEADY_S]
    if later and max(later) > GROWTH * later[0]:
        missed.append(f"memory grows from {later[0]:,.0f} to {max(later):,.0f} MB")
    return missed


if __name__ == "__main__":
    sys.exit(main())
