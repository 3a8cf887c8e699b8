"""What the fitted spaces share: projection in blocks of rows, and the arrays of a history."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from core.errors import UserError

CHUNK_ROWS = 4096

History = list[dict[str, float]]


def project_rows(
    project: Callable[[np.ndarray], np.ndarray],
    native: np.ndarray,
    n_native: int,
    n_dims: int,
    modality: str = "",
) -> np.ndarray:
    """Apply `project` to blocks of native vectors (n, `n_native`): (n, `n_dims`) float32.

    It works in float64, so that a result does not depend on the other rows of a block.

    Raises
    ------
    UserError
        The vectors have another length.
    """
    native = np.asarray(native)
    if native.ndim != 2 or native.shape[1] != n_native:
        row = f"row of {modality}" if modality else "row"
        raise UserError(
            f"Vectors of shape {native.shape} cannot enter this space: it takes {n_native} "
            f"numbers a {row}; use the encoder the space was fitted with."
        )
    projected = np.empty((len(native), n_dims), dtype=np.float32)
    for start in range(0, len(native), CHUNK_ROWS):
        block = slice(start, start + CHUNK_ROWS)
        projected[block] = project(native[block].astype(np.float64))
    return projected


def history_arrays(history: History, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """One float64 array per column, under `history/`."""
    return {f"history/{name}": np.array([row[name] for row in history]) for name in columns}


def history_rows(arrays: Mapping[str, np.ndarray], columns: Sequence[str]) -> History:
    """The inverse of `history_arrays`; epochs are ints again."""
    values = [np.asarray(arrays[f"history/{name}"]).tolist() for name in columns]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
    return [row | {"epoch": int(row["epoch"])} for row in rows]
