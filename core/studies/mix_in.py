"""The measurements of the mix-in study: how many items of a target modality a classifier needs.

W §4.2, figure 3. `n_target` counts the items of the target that a system was trained on; 0 is
zero-shot, and the last point of a curve has all of them. The dashed line is the system of the
target modality alone. The forests are those of `core.studies.forest_cells`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from core.studies.forest_cells import SYSTEMS, Outcome

SINGLE_MODAL = {
    system.modalities[0]: name for name, system in SYSTEMS.items() if len(system.modalities) == 1
}
MULTI_MODAL = ("MMT", "MMP")


def measurements(outcomes: Iterable[Outcome], n_classes: int) -> list[dict[str, Any]]:
    """Tidy rows of macro F1 in the order of the figure: per target the line, MMT, MMP."""
    outcomes = list(outcomes)
    rows = []
    for target in sorted({one.target for one in outcomes}):
        for system in (SINGLE_MODAL[target], *MULTI_MODAL):
            curve = [one for one in outcomes if (one.target, one.cell.system) == (target, system)]
            rows += [
                {
                    "study": "mix_in",
                    **one.columns,
                    "metric": "macro_f1",
                    "value": one.macro_f1,
                    "chance": 1.0 / n_classes,
                }
                for one in sorted(curve, key=lambda one: (one.n_target, one.cell.seed))
            ]
    return rows


def zero_shot_share(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Per target: macro F1 of MMT without items of it, over that of the best system (W: ≈ 0.7).

    Both are means over fits of means over seeds; the best is taken among all systems and all n.
    Targets without a zero-shot MMT row are left out; a best of 0 gives a share of 0.
    """
    values: dict[tuple[str, str, int], dict[tuple[int, int], list[float]]] = {}
    for row in rows:
        if row["metric"] == "macro_f1":
            key = (row["target"], row["system"], int(row["n_target"]))
            fit = (int(row.get("split", 0)), int(row.get("training", 0)))
            values.setdefault(key, {}).setdefault(fit, []).append(float(row["value"]))
    means = {
        key: float(np.mean([np.mean(of_fit) for of_fit in found.values()]))
        for key, found in values.items()
    }
    shares = {}
    for target, system, n_target in means:
        if system == "MMT" and n_target == 0:
            best = max(mean for key, mean in means.items() if key[0] == target)
            shares[target] = means[target, system, n_target] / best if best > 0 else 0.0
    return shares
