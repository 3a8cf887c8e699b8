"""`make bench`: every benchmark, in one table; `python -m tests.benchmarks NAME ...`: some.

A benchmark is a module `bench_NAME.py` here with `run() -> list of rows` (what, against,
ratio, at_least, detail). Ratios are within one run, both sides on the same machine; equal results
are asserted by each benchmark itself. Exit code 1 when one fails, or falls short of its bound.
"""

import importlib
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table


def main() -> int:
    console = Console(width=160)
    known = sorted(path.stem[len("bench_") :] for path in Path(__file__).parent.glob("bench_*.py"))
    wanted = sys.argv[1:] or known
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        console.print(f"There is no benchmark {unknown[0]!r}: expected some of {', '.join(known)}.")
        return 2
    table = Table("what", "against", "ratio", "at least", "detail", show_lines=True)
    n_short = 0
    for name in wanted:
        started = time.perf_counter()
        console.print(f"{name} …", style="dim")
        try:
            rows = importlib.import_module(f"tests.benchmarks.bench_{name}").run()
        except Exception as error:
            console.print_exception(max_frames=4)
            rows = [{"what": name, "against": "", "ratio": 0.0, "at_least": 1.0, "detail": error}]
        for row in rows:
            short = row["ratio"] < row["at_least"]
            n_short += short
            style = "red" if short else None
            ratio = f"{row['ratio']:.2f}×"
            bound = f"{row['at_least']:g}×"
            table.add_row(
                row["what"], row["against"], ratio, bound, str(row["detail"]), style=style
            )
        console.print(f"{name} took {time.perf_counter() - started:.0f} s", style="dim")
    console.print(table)
    return 1 if n_short else 0


if __name__ == "__main__":
    sys.exit(main())
