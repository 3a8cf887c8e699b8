"""Which recipe of the shared space? Every recipe on a study's stored vectors, five seeds each.

    python -m tests.experiments.recipes WORKSPACE [--sets A+B ...] [--sources CSV]

Only items of the subset `translation` take part, so nothing is chosen on items that a study scores.
Of each seed's `translation` subset a third of the clips is held out; spaces are fitted on the rest,
and measured on the held-out items: mean average precision of both directions, and macro F1 of a
forest that learned the held-out items of the other modality. `--sources` names a CSV file with
`path` and `source_repo`: each of the two largest sources of sounds is then left out of the training
and its sounds are ranked against the held-out pictures. Means over seeds; the interval is that of
the difference to the first recipe, by a bootstrap over classes.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import LABEL_PAIRED, UNITED
from core.encoder_sets import encoders_by_modality
from core.spaces import averaging, cca, translation_training
from core.spaces.pairing import Kind, Pairs
from core.spaces.translation import TranslationConfig
from core.stages import windows
from core.stages.training_data import training_items, training_pairs
from core.stages.windows import Recordings
from core.store import Store
from core.studies import forests
from core.studies.confusion import confusion, f1_per_class
from core.study import Study, open_study
from core.vectors import Vectors, unit_rows

KIND: Kind = ("audio", "image")
N_SEEDS, N_BOOTSTRAP, N_FOLDS = 5, 10_000, 3
SOURCES_LEFT_OUT = 2
Project = Callable[[str, np.ndarray], np.ndarray]

INFO_NCE = TranslationConfig(loss="info_nce", temperature=0.2, input_dropout=0.5, min_steps=10)
BY_CLASS = {
    "paper": TranslationConfig(),
    "margin, redrawn": replace(LABEL_PAIRED, loss="margin", input_dropout=0.0),
    "InfoNCE": LABEL_PAIRED,
    "InfoNCE, windows": replace(LABEL_PAIRED, windows="train"),
    "InfoNCE 0.1, dropout 0.3": replace(LABEL_PAIRED, temperature=0.1, input_dropout=0.3),
    "SupCon + prototypes 0.2": replace(UNITED, batch=4096, centred=False),
    "SupCon + prototypes 0.1, dropout 0.3, windows": replace(
        UNITED, batch=4096, centred=False, temperature=0.1, input_dropout=0.3, windows="train"
    ),
}
BY_CLIP = {
    "paper": TranslationConfig(),
    "InfoNCE": INFO_NCE,
    "InfoNCE, batch 256": replace(INFO_NCE, batch=256),
    "InfoNCE 0.1": replace(INFO_NCE, temperature=0.1),
    "labels: InfoNCE": LABEL_PAIRED,
    "labels: SupCon + prototypes": replace(UNITED, centred=False),
}
N_TOWERS = 3  # averaged, of the recipes that are named below
TOWERS = ("InfoNCE",)


@dataclass(frozen=True)
class Fold:
    """What one seed trains on and measures; item tables have `item_id, clip_id, class`."""

    train: pd.DataFrame
    sounds: pd.DataFrame  # held out
    pictures: pd.DataFrame
    by: str
    seed: int


def folds(
    study: Study, natives: Mapping[str, Vectors], sources: pd.Series | None
) -> Iterator[tuple[str, Fold]]:
    """`(where, fold)`: "within", and "without SOURCE" for each source that is left out."""
    by = str(study.dataset["paired_by"])
    for seed in range(N_SEEDS):
        frame = training_items(study.artefact("ingest"), seed % study.n_splits, natives)
        folded = [items.fold_of(f"{seed}/{clip}", N_FOLDS) for clip in frame["clip_id"]]
        frame = frame.assign(held=np.array(folded) == 0, **{"class": items.single_labels(frame)})
        known = frame[frame["class"].isin(study.paired_classes)]
        sounds, pictures = (items.of(known[known["held"]], modality) for modality in KIND)
        yield "within", Fold(frame[~frame["held"]], sounds, pictures, by, seed)
        if sources is None:
            continue
        source = frame["path"].map(sources)
        sound = frame["modality"] == "audio"
        for name in source[sound].value_counts().index[:SOURCES_LEFT_OUT]:
            there = (source == name) & sound
            train = frame[~there & (sound | ~frame["held"])]
            left = set(train.loc[train["modality"] == "audio", "class"])
            queries = frame[there & frame["class"].isin(left & set(study.paired_classes))]
            yield f"without {name}", Fold(train, queries, pictures, by, seed)


def spaces(
    fold: Fold,
    natives: Mapping[str, Vectors],
    heard: Recordings | None,
    only: Sequence[str],
) -> Iterator[tuple[str, Project, float]]:
    """`(name, projection, CPU seconds)` of every recipe, and of what is derived from it."""
    recipes = BY_CLIP if fold.by == "clip" else BY_CLASS
    arrays = {m: native.array for m, native in natives.items()}
    extended = arrays if heard is None else arrays | {"audio": heard.array}
    pairs = training_pairs(fold.train, natives, [KIND], fold.by, fold.seed)
    paired = {k: Pairs(pairs.rows[k], pairs.classes[k], pairs.clips[k]) for k in pairs.rows}
    closed = {}
    for by in ("class",) if fold.by == "class" else ("clip", "class"):
        started = time.process_time()
        closed[by] = fitted_cca(fold, natives, by)
        name = "labels: CCA" if by != fold.by else "CCA"
        yield name, closed[by].project, time.process_time() - started
    for name, recipe in recipes.items():
        if only and name not in only:
            continue
        if recipe.windows != "own" and heard is None:
            continue
        started, fits = time.process_time(), []
        uses = extended if recipe.windows != "own" else arrays
        for tower in range(N_TOWERS if name in TOWERS else 1):
            fits.append(
                translation_training.fit(
                    uses,
                    pairs.rows,
                    pairs.clips,
                    recipe,
                    fold.seed + 1_000 * tower,
                    pair_classes=pairs.classes,
                    windows={"audio": heard.windows} if heard and recipe.windows != "own" else {},
                )
            )
        took = (time.process_time() - started) / len(fits)
        balanced = recipe.sampler == "balanced"
        trained = {m: averaging.training_items(paired, m, balanced=balanced) for m in KIND}
        where, weights = ({m: trained[m][side] for m in KIND} for side in (0, 1))
        one = averaging.centred(fits[0], uses, where, weights)
        joint = closed["class" if name.startswith("labels") else fold.by]
        yield name, fits[0].project, took
        yield f"{name}, centred", one.project, took
        yield f"{name}, centred, with CCA", beside(one.project, joint.project), took
        if len(fits) > 1:
            several = averaging.centred(averaging.averaged(fits, uses, where), uses, where, weights)
            yield f"{name}, centred, {N_TOWERS} towers", several.project, took * N_TOWERS
            both = beside(several.project, joint.project)
            yield f"{name}, centred, {N_TOWERS} towers, with CCA", both, took * N_TOWERS


def beside(first: Project, second: Project) -> Project:
    """Two spaces side by side: a cosine is the mean of both cosines."""
    return lambda m, x: unit_rows(np.concatenate([first(m, x), second(m, x)], axis=1))


def fitted_cca(fold: Fold, natives: Mapping[str, Vectors], by: str) -> cca.Cca:
    x, groups, parts = {}, {}, {}
    for m in KIND:
        part = items.of(fold.train, m)
        names = part["clip_id"] if by == "clip" else items.single_labels(part)
        part, names = part[names != ""], names[names != ""]
        x[m], groups[m] = natives[m].take(part["item_id"]), names.to_numpy().astype(str)
        parts[m] = np.array([items.fold_of(clip, cca.N_FOLDS) for clip in part["clip_id"]])
    return cca.fit(x, groups, parts)


def precision(queries: np.ndarray, gallery: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """(n,) average precision of each query; `hits` (n, m) bool."""
    order = np.argsort(-(queries @ gallery.T), axis=1, kind="stable")
    found = np.take_along_axis(hits, order, axis=1)
    ranks = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
    with np.errstate(invalid="ignore"):
        return np.asarray((ranks * found).sum(axis=1) / found.sum(axis=1))


def measured(
    fold: Fold,
    project: Project,
    natives: Mapping[str, Vectors],
    heard: Recordings | None,
    where: str,
    classes: Sequence[str],
) -> Iterator[dict[str, Any]]:
    """Rows `{measure, class, value}`: a value for each class."""
    shared = {
        m: project(m, natives[m].take(part["item_id"]))
        for m, part in zip(KIND, (fold.sounds, fold.pictures), strict=True)
    }
    labels = {"audio": fold.sounds["class"].to_numpy(), "image": fold.pictures["class"].to_numpy()}
    ways = {"": shared["audio"]}
    if heard is not None:
        means = heard.means(project("audio", heard.array))
        ways[" (whole recording)"] = means[natives["audio"].rows(fold.sounds["item_id"])]
    hits = labels["audio"][:, None] == labels["image"]
    for way, sounds in ways.items():
        for measure, values, of in (
            ("audio_to_image", precision(sounds, shared["image"], hits), "audio"),
            ("image_to_audio", precision(shared["image"], sounds, hits.T), "image"),
        ):
            if where == "within" or of == "audio":
                per_class = pd.Series(values).groupby(labels[of]).mean()
                yield from (
                    {"measure": measure + way, "class": c, "value": v} for c, v in per_class.items()
                )
    if where != "within":
        return
    number = {name: row for row, name in enumerate(classes)}
    y = {m: np.array([number[name] for name in labels[m]]) for m in KIND}
    for source, target in itertools.permutations(KIND):
        forest = forests.fit(shared[source], y[source], len(classes), fold.seed)
        scores = f1_per_class(confusion(y[target], forest.predict(shared[target]), len(classes)))
        for name, score in zip(classes, scores, strict=True):
            yield {"measure": f"zero-shot {target}", "class": name, "value": score}


def run(
    study: Study, encoder_set: str, sources: pd.Series | None, only: Sequence[str]
) -> pd.DataFrame:
    """`recipe, where, seed, measure, class, value, seconds`."""
    natives = {m: study.native(e) for m, e in encoders_by_modality(encoder_set).items()}
    encoder = encoders_by_modality(encoder_set)["audio"]
    heard = None
    if study.has(f"extract:{encoder}:windows"):
        heard = windows.read(natives["audio"], study.artefact(f"extract:{encoder}:windows"))
    rows = []
    for where, fold in folds(study, natives, sources):
        for name, project, seconds in spaces(fold, natives, heard, only):
            head = {"recipe": name, "where": where, "seed": fold.seed, "seconds": seconds}
            found = measured(fold, project, natives, heard, where, study.paired_classes)
            rows += [head | row for row in found]
    return pd.DataFrame(rows)


def summary(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    """A line per recipe: every measure's mean over classes and seeds, their mean, and the interval
    of its difference to the reference by a bootstrap over classes."""
    rows = rows.assign(
        measure=rows["measure"].where(
            rows["where"] == "within", rows["where"].str.cat(rows["measure"], ": ")
        )
    )
    per_class = rows.groupby(["recipe", "measure", "class"])["value"].mean().unstack("class")
    table = per_class.mean(axis=1).unstack("measure")
    scored = [m for m in table.columns if "whole" not in m]
    table["mean"] = table[scored].mean(axis=1)
    by_seed = (
        rows[rows["measure"].isin(scored)]
        .groupby(["recipe", "seed", "measure", "class"])["value"]
        .mean()
    )
    by_seed = (
        by_seed.groupby(["recipe", "seed", "measure"]).mean().groupby(["recipe", "seed"]).mean()
    )
    table["sd over seeds"] = by_seed.groupby("recipe").std()
    rng = np.random.default_rng(0)
    n_classes = per_class.shape[1]
    drawn = rng.integers(0, n_classes, (N_BOOTSTRAP, n_classes))
    values = per_class[per_class.index.get_level_values("measure").isin(scored)]
    usual = values.loc[reference]
    for name in table.index:
        difference = (values.loc[name] - usual).to_numpy()  # NaN: a class that a source lacks
        known = ~np.isnan(difference)
        total = np.where(known, difference, 0)[:, drawn].sum(axis=2)
        draws = np.nanmean(total / np.maximum(known[:, drawn].sum(axis=2), 1), axis=0)
        table.loc[name, ["low", "high"]] = np.quantile(draws, [0.025, 0.975])
    table["CPU s"] = rows.groupby("recipe")["seconds"].mean()
    return table.sort_values("mean", ascending=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace")
    parser.add_argument("--study", help="digest; the newest")
    parser.add_argument("--sets", nargs="*", default=[])
    parser.add_argument("--sources", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    study = open_study(Store(asked.workspace), asked.study)
    sources = None
    if asked.sources:
        sources = pd.read_csv(asked.sources).set_index("path")["source_repo"]
    for encoder_set in asked.sets or [study.default_encoder_set]:
        found = run(study, encoder_set, sources, asked.only)
        if asked.out:
            found.to_csv(asked.out / f"{encoder_set}.csv", index=False)
        print(f"\n{encoder_set}\n{summary(found, 'paper').round(3).to_string()}", flush=True)


if __name__ == "__main__":
    main()
