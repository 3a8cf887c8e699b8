"""What follows the training of a translation's towers: several are averaged, modalities centred.

    fitted = averaged([first, second, third], natives, rows)
    fitted = centred(fitted, natives, rows, weights)

Spaces of several trainings differ by a rotation, because only angles between items count. So each
is turned onto the first one (orthogonal Procrustes, Schönemann 1966) by the items it was trained
on; the rotation becomes part of the towers' last layer.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core.spaces.pairing import Kind, Pairs
from core.spaces.translation import CENTRE, PARAMETERS, Translation

N_TURNED_BY = 4096  # items of a modality that the rotation is found with


def averaged(
    fits: Sequence[Translation],
    natives: Mapping[str, np.ndarray],
    rows: Mapping[str, np.ndarray],
    *,
    turned: bool = True,
) -> Translation:
    """One translation whose towers are those of all `fits`, stacked.

    Parameters
    ----------
    fits : of the same modalities and sizes, without centres
    natives : by modality, (n, d) vectors
    rows : by modality, (k,) rows of the items that the spaces are turned by
    turned : False where the spaces are one already, because they were trained towards fixed
        vectors
    """
    first = fits[0]
    few = {m: some[:: -(-len(some) // N_TURNED_BY)] for m, some in rows.items()}

    def joined(fitted: Translation) -> np.ndarray:
        return np.concatenate([fitted.project(m, natives[m][few[m]]) for m in first.towers])

    parts = [first.towers]
    for fitted in fits[1:]:
        towers = fitted.towers
        if turned:
            towers = _turned(towers, rotation(joined(fitted), joined(first)))
        parts.append(towers)
    stacked = {
        m: {name: np.stack([towers[m][name] for towers in parts]) for name in PARAMETERS}
        for m in first.towers
    }
    return Translation(stacked, first.history, first.best_epoch)


def rotation(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """(d, d) float64, orthogonal: `moving @ rotation` is as close as possible to `fixed` (n, d)."""
    left, _, right = np.linalg.svd(moving.astype(np.float64).T @ fixed.astype(np.float64))
    return np.asarray(left @ right)


def _turned(
    towers: Mapping[str, Mapping[str, np.ndarray]], turn: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    return {
        m: {
            **tower,
            "w2": (turn.T @ tower["w2"]).astype(np.float32),
            "b2": (tower["b2"] @ turn).astype(np.float32),
        }
        for m, tower in towers.items()
    }


def centred(
    fitted: Translation,
    natives: Mapping[str, np.ndarray],
    rows: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray],
) -> Translation:
    """The same towers, each with the weighted mean of its items in the space as `centre`.

    Parameters
    ----------
    rows, weights : by modality, (k,) rows of the items, and how much each counts
    """
    towers = {}
    for m, tower in fitted.towers.items():
        shared = fitted.project(m, natives[m][rows[m]])
        centre = np.average(shared, axis=0, weights=weights[m])
        towers[m] = tower | {CENTRE: centre.astype(np.float32)}
    return Translation(towers, fitted.history, fitted.best_epoch)


def training_items(
    kinds: Mapping[Kind, Pairs], modality: str, *, balanced: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The items of one modality among pairs: their rows (k,), once each, and weights (k,).

    With `balanced` every class weighs the same, else every item.
    """
    sides = [(pairs, kind.index(modality)) for kind, pairs in kinds.items() if modality in kind]
    rows = np.concatenate([pairs.rows[:, side] for pairs, side in sides])
    items, first = np.unique(rows, return_index=True)
    if not balanced:
        return items, np.ones(len(items))
    classes = np.concatenate([pairs.classes for pairs, _ in sides])[first]
    _, inverse, count = np.unique(classes, return_inverse=True, return_counts=True)
    return items, 1.0 / count[inverse]
