"""The tidy rows of the mix-in curves, and the zero-shot share."""

import pandas as pd
import pytest

from core.studies import measure, mix_in
from core.studies.forest_cells import ticks
from tests.studies.test_forest_cells import N_CLASSES, run_all


def test_rows_follow_the_figure() -> None:
    outcomes = run_all(130, draws=2, seed=4)
    frame = measure.table(mix_in.measurements(outcomes, N_CLASSES))
    found = list(frame[["target", "system", "n_target", "seed"]].itertuples(index=False, name=None))
    expected = []
    for target, line, n_all in (("audio", "SMA", 130), ("image", "SMI", 131)):
        expected += [(target, line, n, seed) for n in ticks(n_all)[1:] for seed in (4, 5)]
        for system in ("MMT", "MMP", "SMT"):
            expected += [(target, system, n, seed) for n in ticks(n_all) for seed in (4, 5)]
    assert found == expected
    assert set(frame["metric"]) == {"macro_f1"}
    assert set(frame["chance"]) == {1 / N_CLASSES}
    assert dict(zip(frame["target"], frame["n"], strict=True)) == {"audio": 60, "image": 61}
    share = mix_in.zero_shot_share(frame.to_dict("records"))
    assert set(share) == {"audio", "image"}
    assert all(0.7 < value <= 1 for value in share.values())
    # The end of a curve and the line are the forests of the classification study.
    by_key = {
        (one.target, one.cell.system, one.n_target, one.cell.seed): one.macro_f1
        for one in outcomes
        if one.cell.target is None
    }
    values = dict(zip(found, frame["value"], strict=True))
    assert len(by_key) == 16
    assert all(values[key] == value for key, value in by_key.items())


def test_the_line_has_all_items_of_its_run() -> None:
    frame = pd.DataFrame(
        [
            (split, system, n)
            for split, n_all in ((0, 90), (1, 91))
            for system in ("SMI", "MMT", "SMT")
            for n in (50, n_all)
        ],
        columns=["split", "system", "n_target"],
    ).assign(target="image", metric="macro_f1", value=0.5)
    frame = pd.concat([frame, frame.assign(target="audio", system="SMA")], ignore_index=True)
    line = mix_in.line(frame)
    assert set(zip(line["split"], line["n_target"], strict=True)) == {(0, 90), (1, 91)}
    assert set(mix_in.target_only(frame)["n_target"]) == {50, 90, 91}
    of_w = mix_in.of_w(frame)
    assert set(of_w["system"]) == {"SMA", "SMI", "MMT"}
    assert set(of_w.loc[of_w["system"] == "SMI", "n_target"]) == {90, 91}
    assert mix_in.of_w(frame[:0]).empty


def test_zero_shot_share_by_hand() -> None:
    def row(system: str, n: int, seed: int, value: float, metric: str = "macro_f1") -> dict:
        return {
            "system": system, "target": "image", "n_target": n, "seed": seed,
            "metric": metric, "value": value,
        }  # fmt: skip

    rows = [
        row("MMT", 0, 0, 0.5),
        row("MMT", 0, 1, 0.7),
        row("MMT", 9, 0, 0.7),
        row("MMP", 9, 0, 0.9),  # the best single draw, in a mean of 0.75
        row("MMP", 9, 1, 0.6),
        row("SMI", 9, 0, 0.8),
        row("SMI", 9, 0, 1.0, metric="f1"),
    ]
    assert mix_in.zero_shot_share(rows) == {"image": pytest.approx(0.6 / 0.8)}
    assert mix_in.zero_shot_share([row("MMP", 0, 0, 0.5)]) == {}
    assert mix_in.zero_shot_share([row("MMT", 0, 0, 0.0)]) == {"image": 0.0}
    assert mix_in.zero_shot_share([]) == {}
