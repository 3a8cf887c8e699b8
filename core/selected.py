"""What a selection of items is: what distinguishes it from the rest, and its most central items.

Pure functions of arrays and tables; nothing is read from a map, only from labels and vectors.
"""

import numpy as np
import pandas as pd

MOST_ROWS = 200_000  # of a selection, for its central items; a seeded sample of a larger one


def distinguishing(columns: pd.DataFrame, selected: np.ndarray, n: int = 10) -> pd.DataFrame:
    """The values that are over-represented in a selection, the surest first.

    They are ranked by the log-likelihood ratio G² of a value's counts in the selection and in the
    rest (Dunning 1993, Computational Linguistics 19(1), equation 9, for a 2 x 2 table).

    Parameters
    ----------
    columns : one row per item; a cell is a value or a list of values, missing ones do not count
    selected : (n_items,) bool

    Returns
    -------
    Table of at most `n` rows with `column, value, n_selected, n_rest, share, share_rest, g2`;
    empty where nothing or everything is selected.
    """
    mask = np.asarray(selected, dtype=bool)
    if len(mask) != len(columns):
        raise ValueError(f"{len(mask)} rows are selected of {len(columns)}: expected one each")
    n_selected, n_rest = int(mask.sum()), int((~mask).sum())
    found = []
    for name in columns.columns if n_selected and n_rest else ():
        values = columns[name].reset_index(drop=True).explode().dropna()
        values = values[values.astype(str) != ""].astype(str)
        inside = values[mask[values.index]].value_counts()
        outside = values[~mask[values.index]].value_counts()
        table = pd.DataFrame({"n_selected": inside}).join(outside.rename("n_rest")).fillna(0)
        found.append(table.rename_axis("value").reset_index().assign(column=name))
    if not found:
        return pd.DataFrame(columns=[*_COLUMNS])
    table = pd.concat(found, ignore_index=True).astype({"n_selected": int, "n_rest": int})
    table["share"] = table["n_selected"] / n_selected
    table["share_rest"] = table["n_rest"] / n_rest
    table["g2"] = _g2(table["n_selected"], table["n_rest"], n_selected, n_rest)
    more = table[table["share"] > table["share_rest"]]
    return more.sort_values("g2", ascending=False, ignore_index=True)[[*_COLUMNS]].head(n)


_COLUMNS = ("column", "value", "n_selected", "n_rest", "share", "share_rest", "g2")


def _g2(inside: pd.Series, outside: pd.Series, n_inside: int, n_outside: int) -> np.ndarray:
    observed = np.stack([inside, outside, n_inside - inside, n_outside - outside]).astype(float)
    has, total = (inside + outside).to_numpy(dtype=float), n_inside + n_outside
    expected = np.stack(
        [
            has * n_inside,
            has * n_outside,
            (total - has) * n_inside,
            (total - has) * n_outside,
        ]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(observed > 0, observed * np.log(observed * total / expected), 0.0)
    return np.maximum(2 * terms.sum(axis=0), 0.0)


def by_centrality(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of (n, d) vectors from the most central to the most remote, and their cosines.

    Central is what has the highest cosine with the mean of all unit vectors. Of more than
    `MOST_ROWS` rows a seeded sample is ordered. Returns (k,) int64 and (k,) float32.
    """
    rows = np.arange(len(vectors))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(len(rows), MOST_ROWS, replace=False))
    some = np.asarray(vectors[rows], dtype=np.float32)
    units = some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-12)
    mean = units.mean(axis=0) if len(units) else np.zeros(vectors.shape[1], np.float32)
    cosines = units @ (mean / max(float(np.linalg.norm(mean)), 1e-12))
    order = np.argsort(-cosines, kind="stable")
    return rows[order], cosines[order].astype(np.float32)
