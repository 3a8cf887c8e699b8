"""The moving map: frames, pairs, axes, slider."""

import numpy as np
import pytest

from core.figures import trajectory

CLASSES = ["banjo", "cello", "<b>drums</b>"]


def moving(n: int = 6, n_epochs: int = 4) -> trajectory.MovingPoints:
    rng = np.random.default_rng(2)
    kinds = np.array(["audio", "text"] * (n // 2), dtype=object)
    return trajectory.MovingPoints(
        np.arange(n_epochs) * 5,
        rng.normal(size=(n_epochs, n, 2)).astype(np.float32),
        np.array([f"item <{row}>" for row in range(n)], dtype=object),
        kinds,
        np.array([0, 0, 1, 1, -1, -1]),
        np.array([[0, 1], [2, 3], [4, 5]]),
    )


@pytest.mark.parametrize("lines", [False, True])
def test_every_frame_moves_the_same_points(lines: bool) -> None:
    found = moving()
    made = trajectory.figure(found, CLASSES, False, lines=lines)
    assert [frame.name for frame in made.frames] == ["0", "5", "10", "15"]
    drawn = [trace for trace in made.data if trace.ids]
    ids = [item_id for trace in drawn for item_id in trace.ids]
    assert sorted(ids) == sorted(found.item_ids)
    row_of = {item_id: row for row, item_id in enumerate(found.item_ids)}
    for number, frame in enumerate(made.frames):
        parts = frame.data[1:] if lines else frame.data
        assert len(parts) == len(drawn)
        for trace, part in zip(drawn, parts, strict=True):
            rows = [row_of[item_id] for item_id in trace.ids]
            assert list(part.x) == pytest.approx(found.xy[number, rows, 0].tolist())
            assert list(part.y) == pytest.approx(found.xy[number, rows, 1].tolist())


def test_lines_join_the_items_of_pairs_in_every_frame() -> None:
    found = moving()
    made = trajectory.figure(found, CLASSES, False, lines=True)
    for number, frame in enumerate(made.frames):
        x = np.asarray(frame.data[0].x, dtype=float).reshape(-1, 3)
        assert x[:, 0] == pytest.approx(found.xy[number, [0, 2, 4], 0])
        assert x[:, 1] == pytest.approx(found.xy[number, [1, 3, 5], 0])
        assert np.isnan(x[:, 2]).all()


def test_the_axes_cover_every_epoch_and_the_slider_names_them() -> None:
    found = moving()
    made = trajectory.figure(found, CLASSES, True)
    low, high = made.layout.xaxis.range
    assert low < found.xy[..., 0].min()
    assert high > found.xy[..., 0].max()
    assert [step.label for step in made.layout.sliders[0].steps] == ["0", "5", "10", "15"]
    play = made.layout.updatemenus[0].buttons[0].args[1]
    assert play["transition"]["duration"] > 0  # it moves, it does not jump
    assert play["frame"]["redraw"] is False
    assert "<b>drums" not in made.to_json()
