"""What reviewers ask: the part of `evaluate` with controls, geometry and similarity.

Label permutation and intervals over classes stand beside the scores that they belong to. Alignment
and uniformity describe each space. CKA and the overlap of nearest neighbours say how alike the
encoders of a set see the same clips, before and after translation; they need true pairs.
"""

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from core.stages.evaluation_data import NATIVE, EvaluationData
from core.studies import geometry, permuted_labels, similarity
from core.studies.forest_cells import Outcome
from core.studies.similarity import Calibrated, Representation
from core.vectors import Vectors

Row = dict[str, Any]
COMPARED = ("translation", "united")  # spaces whose modalities are compared beside the natives
FEWEST = 2  # items
BY_CLASS = {  # metric of a class -> of the mean over unseen classes
    "f1": "macro_f1_unseen",
    "precision@10": "precision@10_unseen",
    "map": "map_unseen",
    "ndcg@30": "ndcg@30_unseen",
}
SAME = ("study", "space", "metric", "direction", "target", "system", "n_target", "seed")


def of_spaces(data: EvaluationData, seed: int) -> list[Row]:
    """Alignment of every pair of modalities, uniformity of every modality, in every space."""
    frames = {name: data.held_out(name) for name in data.modalities}
    rows: list[Row] = []
    for space, vectors in data.vectors.items():
        arrays = {name: one.take(frames[name]["item_id"]) for name, one in vectors.items()}
        head = {"study": "geometry", "space": space}
        rows += [
            {**head, "target": name, **geometry.uniformity(array, seed)}
            for name, array in arrays.items()
            if len(array) >= FEWEST
        ]
        for one, other in itertools.combinations(arrays, 2):
            a, b = _pairs(data, frames, one, other)
            if len(a) < FEWEST:
                continue
            row = geometry.alignment(arrays[one][a], arrays[other][b])
            rows.append({**head, "direction": f"{one}_to_{other}", **row})
    return rows


def _pairs(
    data: EvaluationData, frames: Mapping[str, Any], one: str, other: str
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of items that belong together: of one clip, or of one class where pairs are drawn
    by class (each item with the next one of its class)."""
    by = "clip_id" if data.paired_by == "clip" else "class"
    left, right = (
        frames[name].assign(**{"class": frames[name]["labels"].str.join("|")})
        for name in (one, other)
    )
    at: dict[str, list[int]] = {}
    for row, name in enumerate(right[by]):
        at.setdefault(name, []).append(row)
    turn: dict[str, int] = {}
    a, b = [], []
    for row, name in enumerate(left[by]):
        if name and name in at:
            a.append(row)
            b.append(at[name][turn.get(name, 0) % len(at[name])])
            turn[name] = turn.get(name, 0) + 1
    return np.array(a, dtype=np.int64), np.array(b, dtype=np.int64)


def of_encoders(data: EvaluationData, natives: Mapping[str, Vectors], seed: int) -> list[Row]:
    """CKA and mutual neighbours of every pair of modalities, of clips that have both."""
    if data.paired_by != "clip":
        return []
    frames = {name: data.held_out(name) for name in data.modalities}
    spaces = {NATIVE: dict(natives)}
    spaces |= {name: data.vectors[name] for name in COMPARED if name in data.vectors}
    rows: list[Row] = []
    for space, vectors in spaces.items():
        for one, other in itertools.combinations(vectors, 2):
            a, b = _pairs(data, frames, one, other)
            chosen = similarity.rows_of(len(a), seed)
            if len(chosen) < similarity.FEWEST_ROWS:
                continue
            sides = [
                Representation(vectors[name].take(frames[name]["item_id"].iloc[rows_[chosen]]))
                for name, rows_ in ((one, a), (other, b))
            ]
            head = {"study": "similarity", "space": space, "direction": f"{one}_to_{other}"}
            for metric, measure in (
                ("cka", similarity.cka),
                ("mutual_neighbours", similarity.mutual_neighbours),
            ):
                found = measure(sides[0], sides[1], seed)
                rows += [{**head, **row} for row in _rows(metric, found, len(chosen))]
    return rows


def _rows(metric: str, found: Calibrated, n: int) -> list[Row]:
    return [
        {"metric": metric, "value": found.score, "chance": found.threshold, "n": n},
        {"metric": f"{metric}_above_null", "value": found.above, "chance": 0.0, "n": n},
        {"metric": f"{metric}_p", "value": found.p, "n": n},
    ]


def of_unseen(rows: Sequence[Row], unseen: Collection[str]) -> list[Row]:
    """The means over the classes that no space was trained on, of the rows of single classes.

    The metrics are those of `BY_CLASS`; `n` is the number of classes.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row["metric"] in BY_CLASS and row.get("class") in unseen:
            groups.setdefault(tuple(row.get(name) for name in SAME), []).append(row)
    return [
        {
            **dict(zip(SAME, key, strict=True)),
            "metric": BY_CLASS[found[0]["metric"]],
            "value": float(np.mean([row["value"] for row in found])),
            "chance": float(np.mean([row["chance"] for row in found])),
            "n": len(found),
        }
        for key, found in groups.items()
    ]


def of_outcomes(outcomes: list[Outcome], seed: int) -> list[Row]:
    """Label permutation of the first seed's classifiers: whole, and without target items."""
    rows = []
    for one in outcomes:
        if one.cell.seed != seed or (one.cell.target is not None and one.n_target):
            continue
        study = "classification" if one.cell.target is None else "mix_in"
        rows += [
            {"study": study, **one.columns, **row}
            for row in permuted_labels.macro_f1(one.confusion, one.macro_f1, seed)
        ]
    return rows
