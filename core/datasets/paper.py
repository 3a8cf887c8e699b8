"""`paper`: generated vectors in the shapes of W's study, to run all of it without its data.

W's sizes (table 2): 130k pairs for translation, 10k for retrieval, 16.2k and 1.8k to train and
test classifiers; `--size` scales them together. Audio vectors have 1024 numbers (YAMNet's), image
vectors 2048 (ResNet-50's). The 18 classes are W's: skewed in `translation` and `crossmodal` as in
W's figure 6, balanced in `train` and `test`.

The sound and the picture of a clip share 16 factors, which scatter around the centre of their
class; classes that are close in the ontology have close centres. Each modality sees these factors
with an error (larger for images) and has 32 factors of its own. A random one-layer network per
modality turns both into a vector. So a classifier trained on vectors of one modality is useless
for the other, until a translation has learned from pairs what they share.

`paper:gap=2,noise=0.5` scales the modalities' own factors (`gap`) and the errors (`noise`), both
relative to the shared factors. The default of both is 1; 0 turns them off.

Vectors are made and written in blocks of rows; every block has its own seed.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import items, taxonomy
from core.datasets import splits
from core.datasets.audioset.subsets import FULL_SIZE, FULL_SIZES
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Request, Spec
from core.datasets.demo.corpus import CLASSES, SKEW
from core.errors import UserError
from core.store import Draft

SIZES = (500, 1_000_000)
DIMS = {"audio": 1024, "image": 2048}
NOISE = {"audio": 1.0, "image": 1.5}  # W's results are better for sounds
MAX_SETTING = 100.0
BLOCK_ROWS = 4096

N_SHARED, N_OWN, N_HIDDEN = 16, 32, 256
CLASS_SIZE = 1.5  # scale of the class centres; clips scatter around them with std 1
WHITE = 0.5  # scale of the noise added to every number of a vector

CARD = DatasetCard(
    name="paper",
    title="Generated vectors in the shapes of Wu et al. 2021",
    licence="none needed: the numbers are random",
    citation="Sizes, classes and skew of Wu, Fuentes, Bello (2021)",
    description=(
        "Vectors drawn from a random model, and no media: there are no sounds or pictures. They "
        "have the sizes, widths and class skew of the paper's study."
    ),
)


@dataclass(frozen=True)
class PaperSettings:
    """Scales of the modalities' own factors (`gap`) and of the errors (`noise`); 0 for none."""

    gap: float = 1.0
    noise: float = 1.0


@dataclass(frozen=True)
class VectorModel:
    """The random model of all vectors: class centres, and one network per modality."""

    centres: np.ndarray  # (classes, N_SHARED) float32
    inward: dict[str, np.ndarray]  # (N_SHARED + N_OWN, N_HIDDEN)
    bias: dict[str, np.ndarray]  # (N_HIDDEN,)
    outward: dict[str, np.ndarray]  # (N_HIDDEN, d)


def settings(spec: Spec) -> PaperSettings:
    """The settings in `gap=NUMBER,noise=NUMBER`, either of which may be left out.

    Raises
    ------
    UserError
        Another name, a repeated name, or a value that is not a number from 0 to `MAX_SETTING`.
    """
    known = asdict(PaperSettings())
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
    return PaperSettings(**found)


def canonical(spec: Spec) -> str:
    """The settings in one fixed spelling; "" for the defaults."""
    chosen = settings(spec)
    if chosen == PaperSettings():
        return ""
    return ",".join(f"{name}={value!r}" for name, value in asdict(chosen).items())


def fingerprint(request: Request) -> Mapping[str, Any]:
    """The size, the seed and the settings determine all vectors."""
    return {
        "size": _size(request),
        "seed": request.seed,
        **asdict(settings(request.spec)),
        "version": 1,
    }


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Plan the clips and write their vectors, block by block."""
    chosen = settings(request.spec)
    clips = plan(_size(request), request.seed)
    rows = clips["class_row"].to_numpy()
    model = make_model(request.seed)
    for modality, d in DIMS.items():
        name = f"ready.{modality}.npy"
        if not draft.has(name):
            blocks = vectors(model, modality, rows, chosen, request.seed)
            draft.write_blocks(name, (len(rows), d), np.dtype(np.float32), blocks)
    subset_of = dict(zip(clips["clip_id"], clips["subset"], strict=True))
    return Ingested(
        card=CARD,
        items=_items(clips),
        splits=items.split_table(splits.given(subset_of, request)),
        classes=CLASSES,
        paired_by="clip",
        root="",
        notes=[
            "All vectors of this study are generated. There is nothing to hear or see, and the "
            "scores show how the method behaves on such numbers, not on real sounds and pictures.",
            f"Settings: gap {chosen.gap:g}, noise {chosen.noise:g} (1 and 1 by default).",
        ],
        vectors={modality: draft.array(f"ready.{modality}.npy") for modality in DIMS},
    )


def plan(size: int, seed: int) -> pd.DataFrame:
    """The clips: `clip_id, subset, class_row`, one row per clip in the order of the vectors.

    The sizes of `train` and `test` are multiples of the 18 classes.
    """
    n = {name: round(size * count / FULL_SIZE) for name, count in FULL_SIZES.items()}
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


def make_model(seed: int) -> VectorModel:
    """The random centres and networks for a seed."""
    rng = np.random.default_rng([seed, 1])
    ontology = taxonomy.demo()
    # Centres are jointly normal; their covariance decreases with the distance in the ontology.
    values, axes = np.linalg.eigh(np.exp(-ontology.distances(CLASSES, CLASSES) / 2.0))
    root = axes * np.sqrt(np.maximum(values, 0.0))

    def normal(*shape: int, size: float = 1.0) -> np.ndarray:
        return (rng.standard_normal(shape) * size).astype(np.float32)

    return VectorModel(
        centres=(CLASS_SIZE * root @ normal(len(CLASSES), N_SHARED)).astype(np.float32),
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
    model: VectorModel, modality: str, class_rows: np.ndarray, chosen: PaperSettings, seed: int
) -> Iterator[np.ndarray]:
    """Vectors of one modality for clips of these classes, in blocks `(b, d) float32`.

    The shared factors of a clip are the same for both modalities.
    """
    error = NOISE[modality] * chosen.noise
    place = list(DIMS).index(modality)
    for start in range(0, len(class_rows), BLOCK_ROWS):
        y = class_rows[start : start + BLOCK_ROWS]
        common = np.random.default_rng([seed, 2, start])
        shared = model.centres[y] + common.standard_normal((len(y), N_SHARED), np.float32)
        rng = np.random.default_rng([seed, 3 + place, start])
        seen = shared + error * rng.standard_normal(shared.shape, np.float32)
        own = chosen.gap * rng.standard_normal((len(y), N_OWN), np.float32)
        factors = np.concatenate([seen, own], axis=1, dtype=np.float32)
        hidden = np.tanh(factors @ model.inward[modality] + model.bias[modality])
        made = hidden @ model.outward[modality]
        if chosen.noise:
            noise = rng.standard_normal(made.shape, np.float32)
            noise *= np.float32(WHITE * chosen.noise)
            made += noise
        yield made


def _size(request: Request) -> int:
    size = FULL_SIZE if request.size is None else request.size
    low, high = SIZES
    if not low <= size <= high:
        raise UserError(f"The size of the dataset paper is {size} pairs: expected {low} to {high}.")
    return size


def _items(clips: pd.DataFrame) -> pd.DataFrame:
    """The item table: one sound and one picture per clip, with the clip's row as vector row."""
    labels = np.array(CLASSES, dtype=object)[clips["class_row"].to_numpy()]
    frames = []
    for modality in DIMS:
        same = vars(items.Item("", "", modality, facts='{"kind": "generated"}'))
        own = {
            "item_id": clips["clip_id"] + f":{modality}",
            "clip_id": clips["clip_id"],
            "labels": [[label] for label in labels],
            "vector_row": np.arange(len(clips)),
        }
        frames.append(pd.DataFrame({**same, **own})[list(items.COLUMNS)])
    joined = pd.concat(frames, ignore_index=True)
    items.validate(joined)
    return joined
