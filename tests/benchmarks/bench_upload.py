"""Upload to results: a five-second MP3 on the page Retrieve, in a warm server.

The time covers decoding, embedding and a new run of the whole page with results, timeline, class
scores and map. Every file is different, so nothing is cached. The workspace is `workspace/demo` if
it exists, else a small demo made here.

    python -m tests.benchmarks upload
"""

import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np

REPO = Path(__file__).resolve().parents[2]
DEMO = Path(os.environ.get("JEE_TEST_WORKSPACE") or REPO / "workspace" / "demo")
BOUND_MS = 400.0
N_WARM, N_TIMED = 3, 15
RATE_HZ = 44_100
SECONDS = 5.0


def run() -> list[dict]:
    from streamlit.testing.v1 import AppTest

    with demo() as root, mock.patch.dict(os.environ, JEE_WORKSPACE=str(root)):
        page = AppTest.from_string("from dashboard.app import main\nmain('retrieve')")
        page.run(timeout=120)
        times_ms = []
        for number in range(N_WARM + N_TIMED):
            content = mp3(number)
            started = time.perf_counter()
            page.file_uploader[0].set_value([(f"{number}.mp3", content, "audio/mpeg")])
            page.run(timeout=120)
            times_ms.append((time.perf_counter() - started) * 1000)
            assert not page.exception
            html = "\n".join(element.proto.body for element in page.get("html"))
            assert f"{number}.mp3" in html, "the page does not show the upload"
            assert 'data-testid="milliseconds"' in html, "the page shows no results"
            assert "Second by second" in [element.value for element in page.subheader]
    median = statistics.median(times_ms[N_WARM:])
    slowest = max(times_ms[N_WARM:])
    return [
        {
            "what": "upload to results, warm, 5 s mp3 on the demo",
            "against": f"{BOUND_MS:.0f} ms, median in the server",
            "ratio": BOUND_MS / median,
            "at_least": 1.0,
            "detail": f"median {median:.0f} ms, slowest {slowest:.0f} ms of {N_TIMED}",
        }
    ]


@contextlib.contextmanager
def demo() -> Iterator[Path]:
    """The workspace of the demo, or a temporary small one."""
    if any((DEMO / "studies").glob("*/study.json")):
        yield DEMO
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "precompute", "all", "--dataset", "demo"]
        command += ["--size", "360", "--workspace", folder]
        subprocess.run(command, cwd=REPO, check=True, capture_output=True)
        yield Path(folder)


def mp3(seed: int) -> bytes:
    """Five plucked notes, one per second, over some noise; they depend on the seed."""
    import soundfile

    rng = np.random.default_rng(seed)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    parts = []
    for _ in range(int(SECONDS)):
        pitch_hz = 110 * 2 ** rng.uniform(0, 3)
        notes = [np.sin(2 * np.pi * pitch_hz * k * time_s) / k for k in range(1, 6)]
        parts.append(sum(notes) * np.exp(-rng.uniform(1, 6) * time_s))
    samples = 0.2 * np.concatenate(parts) + 0.002 * rng.normal(size=RATE_HZ * int(SECONDS))
    file = io.BytesIO()
    soundfile.write(file, samples.astype(np.float32), RATE_HZ, format="MP3")
    return file.getvalue()


if __name__ == "__main__":
    print(run())
