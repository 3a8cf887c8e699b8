"""Malformed files of every kind that people bring, each made from one number.

    problem = cases.run("table", 17, folder)      # None, or what went wrong

A case writes files into an empty folder and reads them as the command line or an upload would.
The answer may be a result or one `UserError`; everything else is a problem, also slowness.
"""

import contextlib
import functools
import json
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import numpy as np
import pandas as pd
import yaml

from core import config, taxonomy
from core.config import Config
from core.errors import MAX_CHARACTERS, UserError
from core.stages import table as stages
from core.store import Store
from tests import media_samples
from tests.fuzz.damage import Rng, damaged, odd, pick
from tests.media.refusals import READERS
from tests.precompute_runs import HereEngine

LIMIT_S = 20.0  # for one case on a busy machine
STUDY = {
    "dataset": "demo",
    "audio": ["logmel"],
    "image": "hog",
    "text": ["lsa"],
    "untranslated": ["logmel+hog"],
    "ontology": "labels.json",
    "size": 360,
    "seed": 0,
    "splits": 2,
    "n_bootstrap": 100,
    "mix_in_draws": 2,
    "prompts": ["the sound of {tag}"],
    "translation": {"loss": "info_nce", "batch": 64, "learning_rate": 0.001, "patience": 3},
    "generation": {"text": "frozen", "batch": 16, "temperature": 0.1},
    "forest": {"n_trees": 10, "max_depth": 8},
}
YAML = (
    *("a: [", "- a", "? [a]\n: b", "!!python/object/apply:os.system ['true']", "when: 2026-13-45"),
    *("seed: !!int x", "seed: 0x_", "a: *b", "a: &a [*a]", "[" * 3_000, "a: " * 500, "\tseed: 1"),
    "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "audio: *i\n",
)


def study_file(rng: Rng, folder: Path) -> None:
    """A study file with a wrong value, a wrong name, or damaged bytes."""
    values = json.loads(json.dumps(STUDY))
    place = pick(rng, [values, values, *(v for v in values.values() if isinstance(v, dict))])
    place[pick(rng, [*place, "unknown"])] = odd(rng)
    path = folder / "study.yaml"
    content = yaml.dump(values, allow_unicode=True).encode("utf-8", "surrogatepass")
    kind = rng.random()
    if kind < 0.1:
        content = pick(rng, YAML).encode()
    elif kind < 0.3:
        content = damaged(rng, content)
    path.write_bytes(content)
    if rng.random() < 0.02:
        path.unlink()
        pick(rng, (path.mkdir, functools.partial(os.mkfifo, path)))()
    config.load(path)


def ontology(rng: Rng, folder: Path) -> None:
    """An ontology with a wrong value in a node, or damaged bytes."""
    nodes = [{"id": n, "name": n.upper(), "child_ids": ["b", "c"] * (n == "a")} for n in "abc"]
    whole = pick(rng, (nodes, {"nodes": nodes, "classes": {"x": "a"}}))
    place = pick(rng, [nodes, *nodes, whole])
    key = pick(rng, list(place) if isinstance(place, dict) else range(len(place)))
    place[key] = odd(rng)
    with contextlib.suppress(TypeError):  # JSON cannot hold it
        content = json.dumps(whole).encode()
        if rng.random() < 0.3:
            content = damaged(rng, content)
        (folder / "ontology.json").write_bytes(content)
        taxonomy.load(folder / "ontology.json")


def table(rng: Rng, folder: Path) -> None:
    """A table of items with ready vectors in it or beside it, and words."""
    rows = pd.DataFrame(
        {
            "item_id": f"{modality}{n}",
            "clip_id": f"clip{n}",
            "modality": modality,
            "labels": pick(rng, ("cello", "flute|voice")),
            "start_s": 0.0,
            "duration_s": 1.0,
            "path": "",
            "subset": "",
            "text": "someone plays" if modality == "text" else "",
        }
        for n in range(4)
        for modality in ("audio", "image", "text")
    )
    if rng.random() < 0.4:
        rows["vector"] = [rng.random(3).tolist() for _ in range(len(rows))]
    else:
        for modality in ("audio", "image"):
            mine = rows["item_id"][rows["modality"] == modality]
            vectors(rng, folder / f"{modality}.npy", len(mine))
            ids = ("item_id\n" + "\n".join(mine)).encode()
            (folder / f"{modality}.ids.csv").write_bytes(
                damaged(rng, ids) if rng.random() < 0.1 else ids
            )
    path = write_table(rng, rows, folder)
    ingest(f"table:{path}", folder)


def captions(rng: Rng, folder: Path) -> None:
    """A table of captions and its sound."""
    (folder / "a.wav").write_bytes(_tone())
    rows = pd.DataFrame(
        {
            "path": ["a.wav"] * 6,
            "caption": [f"a tone, number {n}" for n in range(6)],
            "start_s": 0.0,
            "end_s": 0.2,
            "aspect_list": ["['low', 'soft']", "low|soft", "[", "[" * 2_000, "", "{'a'}"],
            "split": pick(rng, ("", "test")),
        }
    )
    path = write_table(rng, rows, folder)
    ingest(f"captions:{path}", folder)


def vectors(rng: Rng, path: Path, n: int) -> None:
    """Ready vectors: whole, of another type or shape, damaged, or no file at all."""
    kind = rng.random()
    array = rng.random((n, 3))
    if kind < 0.3:
        types = ("complex64", "bool", "U5", "S5", "O", "M8[s]", "f2", "i8", "u1", "longdouble")
        shape = pick(rng, ((n, 3), (n,), (3, n), (0, 3), (n, 0), (n, 1, 3), ()))
        array = np.zeros(shape).astype(pick(rng, types))
    np.save(path, array * 1e300 if 0.3 < kind < 0.35 else array, allow_pickle=True)
    if 0.35 < kind < 0.4:
        path.unlink()
        pick(rng, (path.mkdir, functools.partial(os.mkfifo, path)))()
    elif 0.4 < kind < 0.45:
        with path.open("wb") as file:
            np.savez(file, array)
    elif kind > 0.6:
        content = path.read_bytes()
        old, new = pick(
            rng,
            (
                *((b"(4, 3)", b"(9**9, 3)"), (b"(4, 3)", b"(99999999999, 3)")),
                *((b"'<f8'", b"'|O'"), (b"'<f8'", b"[[['"), (b"{'descr", b"[" * 60)),
            ),
        )
        path.write_bytes(content.replace(old, new) if rng.random() < 0.5 else damaged(rng, content))


def media(rng: Rng, folder: Path) -> None:
    """A damaged sound, picture or video, through every reader of uploads."""
    suffix = pick(rng, sorted(samples()))
    content = damaged(rng, samples()[suffix])
    name = f"upload.{pick(rng, (suffix, suffix, suffix, 'wav', 'mp4', 'png'))}"
    (folder / name).write_bytes(content)
    for read in READERS.values():
        with contextlib.suppress(UserError):
            read(content, name)


def write_table(rng: Rng, rows: pd.DataFrame, folder: Path) -> Path:
    """The rows with some wrong values, columns or bytes, in one of the four layouts."""
    for _ in range(int(rng.integers(0, 4))):
        name = pick(rng, list(rows.columns))
        what = rng.random()
        if what < 0.6:
            column = rows[name].astype(object)
            column.iloc[int(rng.integers(len(rows)))] = odd(rng)
            rows[name] = column
        elif what < 0.8:
            rows[name] = pd.Series([odd(rng)] * len(rows), dtype=object)
        elif what < 0.9:
            rows = rows.drop(columns=name)
        else:
            rows = rows.rename(columns={name: str(odd(rng)).encode("utf-8", "replace").decode()})
        if rows.columns.empty or rows.columns.duplicated().any():
            break
    suffix = pick(rng, ("csv", "tsv", "parquet", "jsonl"))
    path = folder / f"items.{suffix}"
    try:
        if suffix == "parquet":
            rows.to_parquet(path)
        elif suffix == "jsonl":
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows.to_dict("records")))
        else:
            rows.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    except Exception:  # the layout cannot hold such values
        cells = [rows.columns, *rows.to_numpy(dtype=object)]
        lines = [",".join(f'"{cell}"' for cell in row) for row in cells]
        path.write_text("\n".join(lines), "utf-8", errors="replace")
    if rng.random() < 0.2:
        path.write_bytes(damaged(rng, path.read_bytes()))
    return path


def ingest(spec: str, folder: Path) -> None:
    study = Config(spec, splits=2)
    with HereEngine() as engine:
        engine.console.quiet = True
        stages.run_stage(
            stages.TABLE[0],
            stages.StudyRun(study, Store(folder / "workspace"), engine),
        )


@functools.cache
def samples() -> dict[str, bytes]:
    return media_samples.every_sample()


@functools.cache
def _tone() -> bytes:
    return media_samples.sound_bytes(media_samples.tone(300.0, 0.3, 8_000), 8_000, "wav")


KINDS: dict[str, Callable[[Rng, Path], None]] = {
    "study_file": study_file,
    "ontology": ontology,
    "table": table,
    "captions": captions,
    "media": media,
}


class TooSlow(BaseException):
    """A case did not end in time; no handler of errors catches it."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` in the block when it takes longer."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(kind: str, seed: int, folder: Path) -> str | None:
    """Make and read one case; what went wrong, None if nothing did."""
    try:
        with limited(LIMIT_S):
            KINDS[kind](np.random.default_rng([seed, sorted(KINDS).index(kind)]), folder)
    except UserError as error:
        said = str(error)
        if "\n" in said or len(said) > MAX_CHARACTERS + 10 or not said:
            return f"not one sentence: {said[:300]!r}"
    except TooSlow:
        return f"took longer than {LIMIT_S:g} s"
    except Exception:
        return traceback.format_exc()
    return None
