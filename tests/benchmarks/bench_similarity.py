"""CKA and mutual neighbours with 200 permutations: nine pairs of encoders at 10,000 clips.

The bound is 60 s on two cores.

    python -m tests.benchmarks similarity
"""

import itertools
import time

import numpy as np

from core.studies.similarity import Representation, cka, mutual_neighbours

N, GOAL_S = 10_000, 60.0
AUDIO, IMAGE = (1024, 512, 128), (2048, 1280, 512)


def run() -> list[dict]:
    rng = np.random.default_rng(0)
    common = rng.normal(size=(N, 40)).astype(np.float32)

    def made(width: int) -> Representation:
        own = rng.normal(size=(N, width)).astype(np.float32)
        mixed = common @ rng.normal(size=(40, width)).astype(np.float32)
        return Representation(mixed + 3 * own)

    sounds, pictures = [made(width) for width in AUDIO], [made(width) for width in IMAGE]
    wall, cpu = time.perf_counter(), time.process_time()
    for one, other in itertools.product(sounds, pictures):
        for measure in (cka, mutual_neighbours):
            assert measure(one, other, 0).above > 0
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    row = {
        "what": f"CKA and mutual neighbours, nine pairs of {N:,}",
        "against": f"{GOAL_S:.0f} s",
        "ratio": GOAL_S / wall,
        "at_least": 1.0,
        "detail": f"{wall:.1f} s, {cpu:.1f} CPU s",
    }
    return [row]
