"""`make fuzz`: many malformed files; each that is not answered by a result or a sentence is kept.

python -m tests.fuzz --seed 1 --seconds 600 --kind table
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

from tests.fuzz import cases

COUNTS = {"study_file": 2_000, "ontology": 2_000, "table": 2_000, "captions": 2_000}
COUNTS["media"] = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first case")
    parser.add_argument("--seconds", type=float, default=600.0, help="for each kind of file")
    parser.add_argument("--kind", choices=list(cases.KINDS), action="append", help="only these")
    parser.add_argument("--out", type=Path, default=Path("fuzz-found"), help="reproducers")
    given = parser.parse_args()
    n_found = 0
    for kind in given.kind or cases.KINDS:
        end, n = time.monotonic() + given.seconds, 0
        for seed in range(given.seed, given.seed + COUNTS[kind]):
            if time.monotonic() > end:
                break
            folder = given.out / f"{kind}-{seed}"
            folder.mkdir(parents=True)
            problem = cases.run(kind, seed, folder)
            n += 1
            if problem is None:
                shutil.rmtree(folder)
            else:
                n_found += 1
                (folder / "problem.txt").write_text(problem)
                print(f"{folder}: {problem.strip().splitlines()[-1][:200]}", flush=True)
        print(f"{kind}: {n:,} cases from seed {given.seed}", flush=True)
    print(f"{n_found} problems" + (f", kept in {given.out}" if n_found else ""))
    return 1 if n_found else 0


if __name__ == "__main__":
    sys.exit(main())
