"""Figures that are drawn once for all visitors."""

import json
from functools import partial

import numpy as np
import plotly.graph_objects as go
import plotly.io
import pytest

from core.figures import common
from dashboard.shared import charts

DRAWN: list[int] = []


def curve(values: np.ndarray, dark: bool) -> go.Figure:
    DRAWN.append(len(values))
    fig = common.figure(dark, 300)
    fig.add_scatter(x=np.arange(len(values)), y=values, text=[None] * len(values))
    fig.add_scatter(x=[0, 1], y=[float("nan"), 1.0])
    return fig


@pytest.fixture(autouse=True)
def nothing_drawn() -> None:
    DRAWN.clear()


def test_equal_figures_are_drawn_once_and_sent_as_plotly_would_send_them() -> None:
    values = np.linspace(0, 1, 7)
    first = charts.drawn(partial(curve, values, False), "signed", False)
    second = charts.drawn(partial(curve, values.copy(), False), "signed", False)
    assert first is second
    assert DRAWN == [7]
    plain = common.add_provenance(curve(values, False), "signed", False)
    for figure in (first, second):
        sent = plotly.io.to_json(figure.to_dict(), validate=False)
        assert json.loads(sent) == json.loads(plotly.io.to_json(plain, validate=False))


def test_other_numbers_signature_or_theme_are_drawn_anew() -> None:
    values = np.linspace(0, 2, 9)
    asked = [
        (partial(curve, values, False), "one", False),
        (partial(curve, values + 1, False), "one", False),
        (partial(curve, values, False), "two", False),
        (partial(curve, values, True), "one", True),
    ]
    assert len({id(charts.drawn(*one)) for one in asked}) == len(asked) == len(DRAWN)


def test_a_finished_figure_is_sent_as_it_is_and_not_changed() -> None:
    made = curve(np.zeros(3), False)
    shown = charts.drawn(made, "signed", False)
    assert len(shown.layout.annotations) == 1
    assert not made.layout.annotations
    assert len(charts.whole(made, "signed", False).layout.annotations) == 1
