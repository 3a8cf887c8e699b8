"""The exchange rate: how many items of a modality are worth n items of the other one.

A forest that learns from n sounds alone is tested on pictures. Forests that learn from pictures
alone are tested on the same ones. Where both have equal macro F1, so many pictures are worth n
sounds in this space. It is found on the line between the points of the second curve.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.lab.classifiers import SPACE
from core.stages.evaluation_data import AUDIO_IMAGE, EvaluationData
from core.studies import forest_cells, forests
from core.studies.confusion import confusion, f1_per_class
from core.studies.forest_cells import Labelled
from core.studies.forests import ForestConfig
from core.study import Study, taxonomy_of

N_STEPS = 6


def data_of(study: Study) -> EvaluationData:
    """The labelled items of a study or run, in its translated space."""
    encoder_set = study.default_encoder_set
    vectors = {name: study.shared(encoder_set, SPACE, name) for name in AUDIO_IMAGE}
    return EvaluationData(
        study.items().reset_index(drop=True),
        study.classes,
        study.paired_classes,
        str(study.dataset["paired_by"]),
        taxonomy_of(study.artefact("ingest")),
        {SPACE: vectors},
    )


def rates(
    train: dict[str, Labelled],
    test: Labelled,
    target: str,
    n_classes: int,
    draws: int,
    seed: int = 0,
    config: ForestConfig = forests.W_FOREST,
) -> pd.DataFrame:
    """One row for each number of source items.

    Parameters
    ----------
    train : the training items of both modalities
    test : items of the target

    Returns
    -------
    `n_source, f1, n_target, low, high`: macro F1 of n source items, and how many items of the
    target alone reach it, mean, lowest and highest over draws. NaN where all of them do not reach
    it; 0 where it is no better than without any.
    """
    (source,) = [name for name in train if name != target]
    rows = []
    by_draw = {
        draw: [
            (n, _f1(train[target], n, test, n_classes, seed + draw, config))
            for n in steps(len(train[target]), n_classes)
        ]
        for draw in range(draws)
    }
    for n in steps(len(train[source]), n_classes):
        found = [
            (f1, items_for(by_draw[draw], f1, 1.0 / n_classes))
            for draw in range(draws)
            for f1 in [_f1(train[source], n, test, n_classes, seed + draw, config)]
        ]
        f1, worth = (np.array(column) for column in zip(*found, strict=True))
        reached = worth[np.isfinite(worth)]
        known = len(reached) == len(worth)
        rows.append(
            {
                "n_source": n,
                "f1": float(f1.mean()),
                "n_target": float(reached.mean()) if known else float("nan"),
                "low": float(reached.min()) if known else float("nan"),
                "high": float(reached.max()) if known else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def steps(n_all: int, n_classes: int) -> list[int]:
    """Numbers of items from one a class to all, each about as many times the one before."""
    first = min(n_classes, n_all)
    return sorted({round(n) for n in np.geomspace(first, n_all, N_STEPS)})


def items_for(curve: Sequence[tuple[int, float]], f1: float, chance: float) -> float:
    """Where a curve of F1 by items first reaches a value: on the line between its points."""
    before_n, before = 0, chance
    for n, value in curve:
        if value >= f1:
            share = (f1 - before) / (value - before) if value > before else 0.0
            return before_n + max(share, 0.0) * (n - before_n)
        before_n, before = n, value
    return float("nan")


def _f1(
    items: Labelled, n: int, test: Labelled, n_classes: int, seed: int, config: ForestConfig
) -> float:
    chosen = np.sort(forest_cells.balanced_draw(items.y, n, np.random.default_rng(seed)))
    forest = forests.fit(items.x[chosen], items.y[chosen], n_classes, seed, config, 1)
    counts = confusion(test.y, forest.predict(test.x), n_classes)
    return float(f1_per_class(counts).mean())


def of_study(study: Study, target: str, draws: int = 3) -> pd.DataFrame:
    """The exchange rates of a study or run, in its first split: see `rates`."""
    data = data_of(study)
    train, test = (data.labelled(subset)[SPACE] for subset in ("train", "test"))
    return rates(train, test[target], target, len(study.paired_classes), draws)
