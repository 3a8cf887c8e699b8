"""Words: texts encoded in batches, a typed query on the page, tags over 10,000 clips.

The encoder is `minilm` if its files are installed, else a small BERT with random weights; the table
names it. The page runs on `workspace/demo` if it exists, else on a small demo made here.

    python -m tests.benchmarks text
"""

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from core.encoders.base import Encoder
from core.errors import MissingWeights
from core.spaces.translation import Translation
from core.studies import zero_shot
from tests.benchmarks.bench_upload import demo

N_TEXTS, N_ALONE = 256, 96
N_CLIPS, N_TAGS, N_DIMS, N_HIDDEN = 10_000, 200, 128, 256
BATCHED_AT_LEAST = 3.0
QUERY_MS, TAGS_S = 150.0, 1.0
N_WARM, N_TIMED = 3, 15
INSTRUMENTS = ("violin", "banjo", "flute", "piano", "trumpet", "cello", "organ", "drum kit")
MANNERS = ("slow", "bright", "muffled", "lively", "sad", "loud", "gentle", "distant")
DEEDS = ("holding a note", "playing a scale", "strumming", "in a large hall", "with vibrato")


def run() -> list[dict]:
    with text_encoder() as (encoder, published):
        rows = [batched(encoder, published), tags(encoder)]
    return [rows[0], query(), rows[1]]


@contextlib.contextmanager
def text_encoder() -> Iterator[tuple[Encoder, Encoder]]:
    """`minilm` or a small BERT, as this project runs it and as `transformers` does."""
    from core import encoders

    try:
        yield encoders.load("minilm"), encoders.load("minilm", trainable=True)
    except MissingWeights:
        from tests.encoders import tiny_hub

        with tempfile.TemporaryDirectory() as folder:
            tiny_hub.make_bert(tiny_hub.folder(Path(folder) / "bert-base-uncased"))
            made = Path(folder)
            yield encoders.load("bert", made), encoders.load("bert", made, trainable=True)


def captions(n: int) -> list[str]:
    """Tags, phrases and sentences, as many of each, all different."""
    found = []
    for row in range(n):
        manner, instrument = MANNERS[row % 8], INSTRUMENTS[row // 8 % 8]
        tag, phrase = f"{manner} {instrument} {row}", f"{row}: a {instrument} {DEEDS[row % 5]}"
        whole = f"{phrase}, and then a {manner} {INSTRUMENTS[row % 7]} that joins in from afar"
        found.append((tag, phrase, whole)[row % 3])
    return found


def batched(encoder: Encoder, published: Encoder) -> dict:
    texts = captions(N_TEXTS)
    encoder.embed(texts[:8])
    published.embed(texts[:1])
    together_s, alone_s = [], []
    for _ in range(3):  # in turns, so that both see the same load of the machine
        started = time.perf_counter()
        whole = encoder.embed(texts)
        together_s.append((time.perf_counter() - started) / N_TEXTS)
        started = time.perf_counter()
        ones = np.concatenate([published.embed([text]) for text in texts[:N_ALONE]])
        alone_s.append((time.perf_counter() - started) / N_ALONE)
    error = float(np.abs(whole[:N_ALONE] - ones).max())
    assert error < 1e-4, f"batched vectors differ from single ones by {error}"
    one, other = min(alone_s), min(together_s)
    return {
        "what": f"text encoding, {N_TEXTS} tags and captions through {encoder.card.name}",
        "against": "one by one, with the network of `transformers`",
        "ratio": one / other,
        "at_least": BATCHED_AT_LEAST,
        "detail": f"{other * 1e3:.2f} ms against {one * 1e3:.2f} ms a text, vectors equal to "
        f"{error:.0e}",
    }


def query() -> dict:
    from streamlit.testing.v1 import AppTest

    from dashboard.views.retrieve import query_analysis

    shown_s: list[
        float
    ] = []  # when the cards of the results were drawn, before the rest of the page

    def show(*arguments: Any) -> None:
        shown_s.append(time.perf_counter())
        drawn(*arguments)

    drawn = query_analysis.show
    with (
        demo() as root,
        mock.patch.dict(os.environ, JEE_WORKSPACE=str(root)),
        mock.patch.object(query_analysis, "show", show),
    ):
        page = AppTest.from_string("from dashboard.app import main\nmain('retrieve')")
        page.run(timeout=120)
        times_ms, whole_ms = [], []
        for number in range(N_WARM + N_TIMED):
            words = captions(N_WARM + N_TIMED)[number]
            field = next(one for one in page.text_input if str(one.key).startswith("query_words"))
            field.set_value(words)
            started = time.perf_counter()
            page.run(timeout=120)
            whole_ms.append((time.perf_counter() - started) * 1000)
            times_ms.append((shown_s[-1] - started) * 1000)
            assert not page.exception
            html = "\n".join(element.proto.body for element in page.get("html"))
            assert words in html, "the page does not show the words"
            assert 'data-testid="milliseconds"' in html, "the page shows no results"
    median = statistics.median(times_ms[N_WARM:])
    return {
        "what": "typed query to results, warm, the page on the demo: sounds, pictures, texts",
        "against": f"{QUERY_MS:.0f} ms, median in the server",
        "ratio": QUERY_MS / median,
        "at_least": 1.0,
        "detail": f"median {median:.0f} ms, slowest {max(times_ms[N_WARM:]):.0f} ms of {N_TIMED}; "
        f"the whole page, with class scores and map, {statistics.median(whole_ms[N_WARM:]):.0f} ms",
    }


def tags(encoder: Encoder) -> dict:
    """200 new tags: put into words, embedded, projected, scored and measured."""
    rng = np.random.default_rng(0)
    clips = rng.standard_normal((N_CLIPS, N_DIMS)).astype(np.float32)
    clips /= np.linalg.norm(clips, axis=1, keepdims=True)
    truth = rng.random((N_TAGS, N_CLIPS)) < 0.02
    space = Translation({"text": tower(encoder.card.dim, rng)})
    names = [f"{MANNERS[n % 8]} {INSTRUMENTS[n // 8 % 8]} {n}" for n in range(N_TAGS)]
    times_s = []
    for turn in range(3):
        fresh = [f"{name} {turn}" for name in names]  # so that nothing is cached between turns
        started = time.perf_counter()
        texts = zero_shot.wordings(fresh, ["the sound of {tag}"])["the sound of {tag}"]
        scored = zero_shot.scores(clips, space.project("text", encoder.embed(texts)))
        by_tag = zero_shot.areas(np.ascontiguousarray(scored.T), truth)
        best = scored.argmax(axis=1)
        times_s.append(time.perf_counter() - started)
        assert scored.shape == (N_CLIPS, N_TAGS)
        assert best.max() < N_TAGS
        assert abs(float(by_tag.roc_auc.mean()) - 0.5) < 0.02, (
            "random labels must be found by chance"
        )
    median = statistics.median(times_s)
    return {
        "what": f"zero-shot, {N_CLIPS:,} clips × {N_TAGS} tags: embedded, scored, ROC and PR areas",
        "against": f"{TAGS_S:g} s",
        "ratio": TAGS_S / median,
        "at_least": 1.0,
        "detail": f"median {median:.2f} s of 3, texts through {encoder.card.name}",
    }


def tower(n_inputs: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A translation's tower with random weights."""
    shapes = {"w1": (N_HIDDEN, n_inputs), "w2": (N_DIMS, N_HIDDEN)}
    made = {
        name: (rng.standard_normal(shape) / np.sqrt(shape[1])).astype(np.float32)
        for name, shape in shapes.items()
    }
    zeros, ones = np.zeros(N_HIDDEN, np.float32), np.ones(N_HIDDEN, np.float32)
    made |= {"b1": zeros, "beta": zeros, "mean": zeros, "gamma": ones, "var": ones}
    return {**made, "b2": np.zeros(N_DIMS, np.float32)}


if __name__ == "__main__":
    print(run())
