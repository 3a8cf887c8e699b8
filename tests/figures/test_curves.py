"""Curves: boxes, lines and ticks of mix-in; losses of a training."""

import numpy as np
import pandas as pd

from core.figures import curves


def test_mix_in_boxes_lines_and_ticks() -> None:
    rows = pd.DataFrame(
        [(s, n, v) for s in ("MMT", "MMP") for n in (0, 100) for v in (0.2, 0.4)],
        columns=["system", "n_target", "value"],
    )
    made = curves.mix_in(rows, "image", single=0.8, chance=0.1, dark=False)
    assert sum(trace.type == "box" for trace in made.data) == 2
    assert list(made.layout.xaxis.ticktext) == ["0", "100"]
    names = {trace.name for trace in made.data}
    assert {"SMI with all", "chance"} <= names


def test_mix_in_has_smt_and_the_target_alone() -> None:
    rows = pd.DataFrame(
        [("SMT", 0, 0.3), ("SMT", 50, 0.6), ("SMT", 90, 0.8), ("SMI", 50, 0.4), ("SMI", 90, 0.7)],
        columns=["system", "n_target", "value"],
    )
    made = {trace.name: trace for trace in curves.mix_in(rows, "image", single=0.7).data}
    assert list(made["SMI with n"].x) == [1, 2]  # nothing is trained on 0 items
    assert list(made["SMI with n"].y) == [0.4, 0.7]
    assert "SMT (combined)" in made
    only_line = rows[rows["n_target"] == 90]
    assert "SMI with n" not in {trace.name for trace in curves.mix_in(only_line, "image").data}


def test_losses_without_values_are_not_drawn() -> None:
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "train_loss": [3.0, 2.0, 1.0],
            "validation_loss": [3.1, 2.2, 1.4],
            "train_discriminator_loss": [np.nan, 0.7, 0.6],
            "validation_discriminator_loss": [np.nan] * 3,
        }
    )
    made = curves.training(history, 3)
    assert [trace.name for trace in made.data] == [
        "generator, training",
        "generator, validation",
        "discriminator, training",
    ]
    assert made.layout.shapes[0].x0 == 3
