"""The measurements of the classification study (W §2.3, figure 5)."""

from collections.abc import Iterable, Sequence
from typing import Any

from core.studies.forest_cells import Outcome


def measurements(outcomes: Iterable[Outcome], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Tidy rows of the whole cells: macro F1, F1 per class, and the first seed's confusions."""
    whole = [one for one in outcomes if one.cell.target is None]
    chance = 1.0 / len(classes)
    scores, confusions = [], []
    for one in whole:
        head = {"study": "classification", **one.columns}
        scores.append({**head, "metric": "macro_f1", "value": one.macro_f1, "chance": chance})
        scores += [
            {**head, "metric": "f1", "class": name, "value": float(value), "chance": chance}
            for name, value in zip(classes, one.f1, strict=True)
        ]
        if one.cell.seed == whole[0].cell.seed:
            confusions += [
                {
                    **head,
                    "metric": "confusion",
                    "class": truth,
                    "other": predicted,
                    "value": float(one.confusion[i, j]),
                }
                for i, truth in enumerate(classes)
                for j, predicted in enumerate(classes)
            ]
    return scores + confusions
