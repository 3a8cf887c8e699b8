"""Libraries and encoders asked for by 20 threads at once, as the first thing in a process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core import encoders
from tests.conftest import REPO
from tests.encoders.asked_at_once import N_THREADS

LIBRARIES = ["torch", "transformers", "numba", "faiss", "tensorflow"]
ONE_OF_EACH_FAMILY = [
    *["bert", "clap_audio", "clip_image", "yamnet_lite", "yamnet", "openl3_audio", "hcnn"],
    *["musicnn", "vgg16", "efficientnet_lite0", "logmel", "hog"],
]


def ask(folder: Path, names: list[str]) -> None:
    command = [sys.executable, "-m", "tests.encoders.asked_at_once", str(folder), *names]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["errors"] == []
    assert answer["had"] == dict.fromkeys(names, N_THREADS)


def test_all_threads_get_the_text_networks(hub_folder: Path) -> None:
    ask(hub_folder, ["bert"])


@pytest.mark.slow
def test_all_threads_get_every_library_and_family(tiny_folder: Path) -> None:
    ask(tiny_folder, [*LIBRARIES, *ONE_OF_EACH_FAMILY])


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LIBRARIES, *(n for n in encoders.names() if n not in ("lsa",))])
def test_all_threads_get_this_one_first(tiny_folder: Path, name: str) -> None:
    ask(tiny_folder, [name])
