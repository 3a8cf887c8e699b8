"""The measurements of the mix-in study: how many items of a target modality a classifier needs.

W §4.2, figure 3. `n_target` counts the items of the target that a system was trained on; 0 is
zero-shot, and the last point of a curve has all of them. W has the curves of MMT and MMP; the
dashed line is the system of the target modality alone (SMA, SMI), with all items. Beyond W, that
system has a curve of its own ("target only"), which starts above 0 items, and SMT has one
(`core.studies.combined`). The systems are those of `core.studies.forest_cells`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.studies.forest_cells import COMBINED, SYSTEMS, Outcome

SINGLE_MODAL = {
    system.modalities[0]: name for name, system in SYSTEMS.items() if len(system.modalities) == 1
}
MULTI_MODAL = ("MMT", "MMP")


def measurements(outcomes: Iterable[Outcome], n_classes: int) -> list[dict[str, Any]]:
    """Tidy rows of macro F1 in the order of the figure: per target SMA or SMI, MMT, MMP, SMT."""
    outcomes = list(outcomes)
    rows = []
    for target in sorted({one.target for one in outcomes}):
        for system in (SINGLE_MODAL[target], *MULTI_MODAL, COMBINED):
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


def of_w(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of W's figure: MMT, MMP, and of SMA and SMI the dashed line."""
    return rows[_is_line(rows) | rows["system"].isin(MULTI_MODAL)]


def line(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of SMA and SMI with all items of each run (encoder set and split)."""
    return rows[_is_line(rows)]


def target_only(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the curve of SMA and SMI; its last point is the line."""
    return rows[rows["system"].isin(SINGLE_MODAL.values())]


def _is_line(rows: pd.DataFrame) -> pd.Series:
    names = ("audio", "image", "text", "split", "target", "system")
    run = [name for name in names if name in rows]
    most = rows.groupby(run)["n_target"].transform("max")
    return rows["system"].isin(SINGLE_MODAL.values()) & (rows["n_target"] == most)


def zero_shot_share(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Per target: macro F1 of MMT without items of it, over that of the best system (W: ≈ 0.7).

    Both are means over fits of means over seeds; the best is taken among all systems and all n of
    `rows`: give those of W's figure (`of_w`). Targets without a zero-shot MMT row are left out; a
    best of 0 gives a share of 0.
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
