"""The tests' workspace with an encoder of text (`lsa` on its captions) and zero-shot rows.

All three towers project the mean vector of a class to the same point, so the name of a class finds
its sounds and pictures. New media can be embedded too, as in `embedded`. On request there are a
generation space with random generators and a map of its epochs.

    python -m tests.dashboard.tagged FOLDER
"""

import itertools
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from core import items
from core.encoders import lsa
from core.spaces.generation import HISTORY, Generation
from core.stages.zero_shot import Tagger
from core.store import Artefact, Draft, Store
from core.studies import measure, zero_shot
from core.study import GENERATED, TUNED, Study, open_study
from core.vectors import Vectors
from tests.dashboard import embedded, tiny_items, workspace

ENCODERS = {"audio": ("logmel",), "image": ("hog",), "text": ("lsa",)}
PAIR = "logmel+hog+lsa"
PROMPTS = ("{tag}", "someone plays {tag}")
N_EPOCHS = 3


def build(root: Path, n_splits: int = 1, generation: bool = False, tuned: bool = False) -> str:
    """Write the workspace, with a generation space, or two. Returns the study's digest."""
    frame = tiny_items.item_table(tuple(ENCODERS))
    captions = items.of(frame, "text")["text"].tolist()
    encoder = lsa.fit(captions, 0)
    natives = {kind: embedded.native(frame, kind, ENCODERS[kind][0]) for kind in ("audio", "image")}
    natives["text"] = encoder.embed(captions)
    towers = {kind: embedded.tower(frame, kind, array) for kind, array in natives.items()}
    digest = workspace.build(
        root, n_splits=n_splits, natives=natives, towers=towers, encoders=ENCODERS
    )
    study = open_study(Store(root), digest)
    record = study.record
    fitted = again(study, "extract:lsa")
    fitted.write_tensors("encoder.safetensors", encoder.arrays())
    record["artefacts"]["extract:lsa"] = named(fitted.commit())
    spaces: dict[str, Generation] = {}
    if generation:
        spaces["generation"] = generator(natives)
        for split in range(n_splits):
            made = generate(study, natives, spaces["generation"], split)
            record["artefacts"][f"generate:{PAIR}:{split}"] = named(made)
        record["artefacts"][f"maps:{PAIR}:epochs"] = named(epochs(study))
    if tuned:
        spaces[TUNED] = generator(natives, seed=1)
        for split in range(n_splits):
            made = generate(study, natives, spaces[TUNED], split, TUNED)
            record["artefacts"][f"generate:{PAIR}:{split}{GENERATED[TUNED]}"] = named(made)
    for split in range(n_splits):
        name = f"evaluate:{PAIR}:{split}"
        draft = again(study, name)
        rows, best = zero_shot_study(study, encoder, split, spaces)
        common = {kind: names[0] for kind, names in ENCODERS.items()}
        found = pd.concat(
            [
                study.artefact(name).table("measurements.parquet"),
                measure.table(rows, split=split, **common),
            ],
            ignore_index=True,
        )
        draft.write_table("measurements.parquet", found)
        draft.write_table("tagged.parquet", best)
        record["artefacts"][name] = named(draft.commit(seed=0))
    study.store.write_json(f"studies/{digest}/study.json", record)
    return digest


def again(study: Study, name: str) -> Draft:
    """A draft with the files of an artefact of the study."""
    old = study.artefact(name)
    draft = study.store.begin(old.stage, {"again": old.digest})
    for file in ("items.parquet", "predictions.parquet", "queries.parquet"):
        if old.has(file):
            draft.write_table(file, old.table(file))
    if old.has("vectors.npy"):
        draft.write_array("vectors.npy", np.asarray(old.array("vectors.npy")))
    if old.has("forests.safetensors"):
        draft.write_tensors("forests.safetensors", old.tensors("forests.safetensors"))
    return draft


def named(artefact: Artefact) -> list[str]:
    return [artefact.stage, artefact.digest]


def generator(natives: dict[str, np.ndarray], seed: int = 0) -> Generation:
    """Generators with random weights."""
    rng = np.random.default_rng(seed)
    n_dims = natives["text"].shape[1]
    made = {}
    for kind in ("audio", "image"):
        sizes = [natives[kind].shape[1], 16, 16, 16, n_dims]
        made[kind] = [
            (rng.normal(size=(n_out, n_in)).astype(np.float32) / 8, np.zeros(n_out, np.float32))
            for n_in, n_out in itertools.pairwise(sizes)
        ]
    losses = np.linspace(3.0, 1.0, N_EPOCHS)
    nan = float("nan")
    history = [
        dict(zip(HISTORY, (row + 1, loss, loss + 0.2, nan, nan, 0.1), strict=True))
        for row, loss in enumerate(losses)
    ]
    return Generation(made, n_dims, history, N_EPOCHS)


def generate(
    study: Study,
    natives: dict[str, np.ndarray],
    space: Generation,
    split: int,
    name: str = "generation",
) -> Artefact:
    draft = study.store.begin("generate", {"test": "tagged", "split": split, "space": name})
    draft.write_tensors("generation.safetensors", space.arrays())
    draft.write_table("generation_history.parquet", pd.DataFrame(space.history))
    for kind, array in natives.items():
        mine = items.of(study.items(split).reset_index(drop=True), kind)
        draft.write_table(f"{kind}.items.parquet", mine[["item_id"]])
        draft.write_array(f"generation.{kind}.npy", space.project(kind, array))
    return draft.commit(best_epoch=space.best_epoch, seed=0)


def epochs(study: Study) -> Artefact:
    """Sounds that move towards their texts epoch by epoch."""
    rng = np.random.default_rng(1)
    frame = study.items().reset_index(drop=True)
    texts = items.of(frame, "text")["item_id"].tolist()[::4]
    sounds = [name.removesuffix("_t") + "_a" for name in texts]
    ends = rng.normal(size=(len(texts), 2)) * 5
    parts = []
    for epoch in range(N_EPOCHS + 1):
        away = (N_EPOCHS - epoch) * rng.normal(size=ends.shape)
        for kind, names, places in (("audio", sounds, ends + away), ("text", texts, ends)):
            part = pd.DataFrame({"item_id": names, "modality": kind, "partner": texts})
            parts.append(part.assign(epoch=epoch, x=places[:, 0], y=places[:, 1]))
    draft = study.store.begin("maps", {"test": "epochs"})
    draft.write_table("epochs.parquet", pd.concat(parts, ignore_index=True))
    return draft.commit(n_epochs=N_EPOCHS + 1)


def zero_shot_study(
    study: Study, encoder: lsa.Lsa, split: int, more: Mapping[str, Generation]
) -> tuple[list[dict[str, object]], pd.DataFrame]:
    frame = study.items(split).reset_index(drop=True)
    tested = frame[frame["subset"] == "test"]
    tagger = Tagger(
        encoder,
        {"translation": study.space(PAIR, "translation", split), **more},
        tiny_items.CLASSES,
        zero_shot.wordings(tiny_items.CLASSES, PROMPTS),
    )
    frames = {kind: items.of(tested, kind) for kind in ("audio", "image")}
    vectors: dict[str, dict[str, Vectors]] = {
        space: {kind: study.shared(PAIR, space, kind, split) for kind in frames}
        for space in ("translation", *more)
    }
    return tagger.study(frames, vectors)


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
