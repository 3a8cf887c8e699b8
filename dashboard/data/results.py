"""Stored results: measurements, predictions, ranked queries, training histories."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core.encoder_sets import encoder_set_name
from core.kept import kept
from core.studies import headlines
from core.study import GENERATED as GENERATED
from dashboard.data.studies import Handle, study


@kept(most=64)
def measurements(handle: Handle, encoder_set: str = "", **equal: Any) -> pd.DataFrame:
    """The stored numbers, of one encoder set where it is given.

    Keywords select values of columns, as in `predictions` and `tagged`: a value, or a list of
    values; `class_` is the column `class`.
    """
    of_set = study(handle).modalities(encoder_set) if encoder_set else {}
    return _selected(study(handle).measurements(), {**of_set, **equal})


def _selected(frame: pd.DataFrame, equal: Mapping[str, Any]) -> pd.DataFrame:
    mask = np.ones(len(frame), dtype=bool)
    for name, value in equal.items():
        wanted = [value] if isinstance(value, (str, int, float)) else list(value)
        mask &= frame[name.rstrip("_")].isin(wanted).to_numpy()
    return frame[mask]


def encoder_set_of(rows: pd.DataFrame) -> pd.Series:
    """The name of each measurement's encoder set."""
    columns = [name for name in headlines.ENCODERS if name in rows]
    named = {
        names: encoder_set_name(*(name for name in names if name))
        for names in rows[columns].drop_duplicates().itertuples(index=False, name=None)
    }
    found = (named[names] for names in rows[columns].itertuples(index=False, name=None))
    return pd.Series(list(found), index=rows.index, dtype=object)


def predictions(handle: Handle, encoder_set: str, split: int, **equal: Any) -> pd.DataFrame:
    """`item_id, target, system, truth, predicted, confidence` of the test items."""
    return _selected(study(handle).predictions(encoder_set, split), equal)


def queries(handle: Handle, encoder_set: str, split: int) -> pd.DataFrame:
    """`item_id, direction, space, ndcg, precision_at_10, average_precision` of each query."""
    return study(handle).queries(encoder_set, split)


def tagged(handle: Handle, encoder_set: str, split: int, **equal: Any) -> pd.DataFrame:
    """The best tag of each test item: see `core.study.Study.tagged`."""
    return _selected(study(handle).tagged(encoder_set, split), equal)


class Training(NamedTuple):
    """The losses of each epoch, the epoch that was kept (None: unknown) and the seed."""

    history: pd.DataFrame
    best_epoch: int | None
    seed: int | None


def translation_training(handle: Handle, encoder_set: str, split: int) -> Training:
    """How the translation of a split was trained."""
    history = study(handle).history(encoder_set, split)
    return _training(handle, f"train:{encoder_set}:{split}", history)


def generation_training(handle: Handle, encoder_set: str) -> Training:
    """How the generators of the first split were trained."""
    history = study(handle).generation_history(encoder_set)
    return _training(handle, f"generate:{encoder_set}:0", history)


def _training(handle: Handle, name: str, history: pd.DataFrame) -> Training:
    manifest = study(handle).artefact(name).manifest
    return Training(history, manifest.get("best_epoch") or None, manifest.get("seed"))
