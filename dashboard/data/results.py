"""Stored results: measurements, predictions, ranked queries, training histories."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core.encoder_sets import encoder_set_name
from core.studies import headlines
from dashboard.data.studies import Handle, study


def measurements(handle: Handle, encoder_set: str = "", **equal: Any) -> pd.DataFrame:
    """The stored numbers, of one encoder set where it is given, with these column values.

    A value may be a list of values; `class_` is the column `class`.
    """
    frame = study(handle).measurements()
    mask = np.ones(len(frame), dtype=bool)
    if encoder_set:
        for modality, name in study(handle).modalities(encoder_set).items():
            mask &= (frame[modality] == name).to_numpy()
    for name, value in equal.items():
        wanted = list(value) if isinstance(value, (list, tuple, set)) else [value]
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


def predictions(handle: Handle, encoder_set: str, split: int) -> pd.DataFrame:
    """`item_id, target, system, truth, predicted, confidence` of the test items."""
    return study(handle).predictions(encoder_set, split)


@st.cache_resource(show_spinner=False, max_entries=16)
def _predictions_by_item(handle: Handle, encoder_set: str, split: int) -> dict[str, pd.DataFrame]:
    frame = predictions(handle, encoder_set, split)
    return {str(item_id): rows for item_id, rows in frame.groupby("item_id", sort=False)}


def predictions_of(handle: Handle, encoder_set: str, item_id: str, split: int = 0) -> pd.DataFrame:
    """`system, truth, predicted, confidence` of one test item; empty for any other item."""
    found = None
    if study(handle).has(f"evaluate:{encoder_set}:{split}"):
        found = _predictions_by_item(handle, encoder_set, split).get(item_id)
    if found is None:
        return pd.DataFrame(columns=["system", "truth", "predicted", "confidence"])
    return found


def cell_items(
    handle: Handle,
    encoder_set: str,
    split: int,
    system: str,
    target: str,
    truth: str,
    predicted: str,
) -> pd.DataFrame:
    """The items that a cell of a confusion matrix counts, the surest prediction first."""
    frame = predictions(handle, encoder_set, split)
    mine = frame[
        (frame["system"] == system)
        & (frame["target"] == target)
        & (frame["truth"] == truth)
        & (frame["predicted"] == predicted)
    ]
    return mine.sort_values("confidence", ascending=False, ignore_index=True)


def queries(handle: Handle, encoder_set: str, split: int) -> pd.DataFrame:
    """`item_id, direction, space, ndcg, precision_at_10, average_precision` of each query."""
    return study(handle).queries(encoder_set, split)


@st.cache_resource(show_spinner=False, max_entries=8)
def tagged(handle: Handle, encoder_set: str, split: int) -> pd.DataFrame:
    """`item_id, target, space, system, truth, predicted, score`: each test item's best tag, as
    the zero-shot study stored it; `system` is the wording.
    """
    artefact = study(handle).artefact(f"evaluate:{encoder_set}:{split}")
    return artefact.table("tagged.parquet")


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
