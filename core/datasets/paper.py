"""`paper`: generated vectors with the shapes of W's study, to run all of it without its data.

W's sizes (table 2): 130k pairs to translate, 10k to rank, 16.2k and 1.8k to train and test
classifiers; `--size` scales them together. Audio vectors have 1024 numbers (YAMNet's), image
vectors 2048 (ResNet-50's). The 18 classes are W's, skewed in `translation` and `crossmodal` as
in W's figure 6 and balanced in `train` and `test`.

How a pair comes about: 16 factors are shared by the sound and the picture of a clip. They scatter
about their class's centre, and classes near each other in the ontology have near centres. Either
modality sees these factors with an error of its own (the image a larger one) beside 32 factors
that the other modality knows nothing of, and turns both into a vector by a random network of one
layer that is its own: so a classifier trained on one modality's vectors says nothing about the
other's, until a translation has learned from pairs what they share.

`paper:gap=2,noise=0.5` sets, relative to the shared factors, the size of what a modality has for
itself (`gap`) and of the errors (`noise`); both are 1 by default, and 0 is none.

Vectors are made and written in blocks of rows; every block has a seed of its own.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import items, taxonomy
from core.datasets.base import Card, Ingested, ParallelMap, Request, Spec
from core.datasets.demo.corpus import CLASSES, SKEW
from core.errors import UserError
from core.store import Draft

SIZES = (500, 1_000_000)
PAIRS = {"translation": 130_000, "crossmodal": 10_000, "train": 16_200, "test": 1_800}  # W table 2
DIMS = {"audio": 1024, "image": 2048}
NOISE = {"audio": 1.0, "image": 1.5}  # sounds are W's better half
MAX_SETTING = 100.0
BLOCK_ROWS = 4096

N_SHARED, N_OWN, N_HIDDEN = 16, 32, 256
CLASS_SIZE = 1.5  # of the classes' centres beside clips that scatter with deviation 1
WHITE = 0.5  # of noise that falls on every number of a vector alike

CARD = Card(
    name="paper",
    title="Generated vectors in the shapes of Wu et al. 2021",
    licence="none needed: the numbers are random",
    citation="Sizes, classes and skew of Wu, Fuentes, Bello (2021)",
    description=(
        "Vectors drawn from a random model, and no media: no sound and no picture lies behind "
        "them. They have the numbers, widths and class skew of the paper's study."
    ),
)


@dataclass(frozen=True)
class Settings:
    """`gap`: size of what a modality has for itself; `noise`: of its errors; 0 is none."""

    gap: float = 1.0
    noise: float = 1.0


@dataclass(frozen=True)
class World:
    """What all clips share: class centres, and either modality's own network."""

    centres: np.ndarray  # (classes, N_SHARED) float32
    inward: dict[str, np.ndarray]  # (N_SHARED + N_OWN, N_HIDDEN)
    bias: dict[str, np.ndarray]  # (N_HIDDEN,)
    outward: dict[str, np.ndarray]  # (N_HIDDEN, d)


def settings(spec: Spec) -> Settings:
    """`gap=NUMBER,noise=NUMBER`, either or none, to what they set.

    Raises
    ------
    UserError
        Another name, a name twice, or no number from 0 to `MAX_SETTING`.
    """
    known = asdict(Settings())
    found: dict[str, float] = {}
    for part in [part.strip() for part in spec.path.split(",") if part.strip()]:
        name, equals, text = (one.strip() for one in part.partition("="))
        if not equals or name not in known or name in found:
            raise UserError(
                f"The dataset paper has the setting {part!r}: expected some of "
                f"{', '.join(f'{one}=NUMBER' for one in known)}, separated by commas, each once."
            )
        try:
            found[name] = float(text)
        except ValueError:
            found[name] = math.nan
        if not 0 <= found[name] <= MAX_SETTING:
            raise UserError(
                f"The dataset paper has {name}={text}: expected a number from 0 to {MAX_SETTING:g}."
            )
    return Settings(**found)


def canonical(spec: Spec) -> str:
    """The spec's text after its colon, one for all ways of writing it; "" for the defaults."""
    chosen = settings(spec)
    if chosen == Settings():
        return ""
    return ",".join(f"{name}={value!r}" for name, value in asdict(chosen).items())


def fingerprint(request: Request) -> Mapping[str, Any]:
    """The vectors are their number, their settings, their seed and this module's version."""
    return {
        "size": _size(request),
        "seed": request.seed,
        **asdict(settings(request.spec)),
        "version": 1,
    }


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Plan the clips and write their vectors, block by block.

    Raises
    ------
    UserError
        The size is outside `SIZES`, or a setting is unknown or out of range.
    """
    chosen = settings(request.spec)
    clips = plan(_size(request), request.seed)
    rows = clips["class_row"].to_numpy()
    world = make_world(request.seed)
    for modality, d in DIMS.items():
        name = f"ready.{modality}.npy"
        if not draft.has(name):
            blocks = vectors(world, modality, rows, chosen, request.seed)
            draft.write_blocks(name, (len(rows), d), np.dtype(np.float32), blocks)
    return Ingested(
        card=CARD,
        items=_items(clips),
        splits=items.split_table(
            [dict(zip(clips["clip_id"], clips["subset"], strict=True))] * (request.splits or 1)
        ),
        classes=CLASSES,
        paired_by="clip",
        root="",
        notes=[
            "Every vector of this study is generated: there is nothing to hear or see, and its "
            "scores say how the method behaves on such numbers, not how it would do on the world.",
            f"Of the generator: gap {chosen.gap:g}, noise {chosen.noise:g} (1 and 1 by default).",
        ],
        vectors={modality: draft.array(f"ready.{modality}.npy") for modality in DIMS},
    )


def plan(size: int, seed: int) -> pd.DataFrame:
    """Which clips there are: `clip_id, subset, class_row`, a row a clip in the vectors' order.

    `train` and `test` hold whole multiples of the 18 classes.
    """
    n = {name: round(size * count / sum(PAIRS.values())) for name, count in PAIRS.items()}
    for name in ("train", "test"):
        n[name] = max(1, round(n[name] / len(CLASSES))) * len(CLASSES)
    n["translation"] = size - sum(n[name] for name in n if name != "translation")
    rng = np.random.default_rng([seed, 0])
    weights = np.array([SKEW[name] for name in CLASSES])
    frames = []
    for subset, count in n.items():
        if subset in ("train", "test"):
            rows = np.arange(count) % len(CLASSES)
        else:
            rows = rng.choice(len(CLASSES), size=count, p=weights / weights.sum())
        ids = [f"{subset}-{number:06d}" for number in range(count)]
        frames.append(pd.DataFrame({"clip_id": ids, "subset": subset, "class_row": rows}))
    return pd.concat(frames, ignore_index=True)


def make_world(seed: int) -> World:
    """The centres and networks of a seed."""
    rng = np.random.default_rng([seed, 1])
    ontology = taxonomy.demo()
    # Centres are jointly normal, with a covariance that falls off along the ontology's edges.
    values, axes = np.linalg.eigh(np.exp(-ontology.distances(CLASSES, CLASSES) / 2.0))
    spread = axes * np.sqrt(np.maximum(values, 0.0))

    def normal(*shape: int, size: float = 1.0) -> np.ndarray:
        return (rng.standard_normal(shape) * size).astype(np.float32)

    return World(
        centres=(CLASS_SIZE * spread @ normal(len(CLASSES), N_SHARED)).astype(np.float32),
        inward={
            modality: normal(N_SHARED + N_OWN, N_HIDDEN, size=0.5 / math.sqrt(N_SHARED))
            for modality in DIMS
        },
        bias={modality: normal(N_HIDDEN, size=0.5) for modality in DIMS},
        outward={
            modality: normal(N_HIDDEN, d, size=1 / math.sqrt(N_HIDDEN))
            for modality, d in DIMS.items()
        },
    )


def vectors(
    world: World, modality: str, class_rows: np.ndarray, chosen: Settings, seed: int
) -> Iterator[np.ndarray]:
    """One modality's vectors of clips of these classes, in blocks `(b, d) float32`.

    A clip's shared factors are the same whichever modality is asked for.
    """
    error = NOISE[modality] * chosen.noise
    place = list(DIMS).index(modality)
    for start in range(0, len(class_rows), BLOCK_ROWS):
        y = class_rows[start : start + BLOCK_ROWS]
        common = np.random.default_rng([seed, 2, start])
        shared = world.centres[y] + common.standard_normal((len(y), N_SHARED), np.float32)
        rng = np.random.default_rng([seed, 3 + place, start])
        seen = shared + error * rng.standard_normal(shared.shape, np.float32)
        own = chosen.gap * rng.standard_normal((len(y), N_OWN), np.float32)
        factors = np.concatenate([seen, own], axis=1, dtype=np.float32)
        hidden = np.tanh(factors @ world.inward[modality] + world.bias[modality])
        made = hidden @ world.outward[modality]
        if chosen.noise:
            noise = rng.standard_normal(made.shape, np.float32)
            noise *= np.float32(WHITE * chosen.noise)
            made += noise
        yield made


def _size(request: Request) -> int:
    size = sum(PAIRS.values()) if request.size is None else request.size
    low, high = SIZES
    if not low <= size <= high:
        raise UserError(f"The size of the dataset paper is {size} pairs: expected {low} to {high}.")
    return size


def _items(clips: pd.DataFrame) -> pd.DataFrame:
    """The item table: a sound and a picture a clip, both in the row that the clip has."""
    labels = np.array(CLASSES, dtype=object)[clips["class_row"].to_numpy()]
    frames = []
    for modality in DIMS:
        alike = vars(items.Item("", "", modality, facts='{"kind": "generated"}'))
        own = {
            "item_id": clips["clip_id"] + f":{modality}",
            "clip_id": clips["clip_id"],
            "labels": [[label] for label in labels],
            "vector_row": np.arange(len(clips)),
        }
        frames.append(pd.DataFrame({**alike, **own})[list(items.COLUMNS)])
    joined = pd.concat(frames, ignore_index=True)
    items.validate(joined)
    return joined
