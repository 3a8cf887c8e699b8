"""The timeline of a long sound."""

import numpy as np
import pandas as pd
import pytest

from core.figures import theme, timeline

CLASSES = ["banjo", "<b>cello</b>", "voice"]


def seconds(names: list[str], step_s: float = 1.0) -> pd.DataFrame:
    n = len(names)
    return pd.DataFrame(
        {
            "window": range(n),
            "start_s": np.arange(n) * step_s,
            "loudness": 1.0,
            "class": names,
            "class_score": 0.5,
            "item_id": [f"<i>{row}</i>" for row in range(n)],
            "score": np.linspace(0.2, 0.9, n),
            "percentile": np.linspace(50, 99, n),
        }
    )


@pytest.mark.parametrize("dark", [False, True])
def test_consecutive_seconds_of_one_class_are_one_block(dark: bool) -> None:
    frame = seconds(["banjo", "banjo", "<b>cello</b>", "", "banjo"])
    made = timeline.figure(frame, CLASSES, 1.0, 0.1, dark)
    bars, strip = made.data
    assert list(bars.customdata) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert list(bars.y) == list(frame["score"])
    assert list(strip.customdata) == [0.0, 2.0, 3.0, 4.0]
    assert list(np.round(strip.width)) == [2, 1, 1, 1]
    assert list(strip.text) == ["banjo", "&lt;b&gt;cello&lt;/b&gt;", "", "banjo"]
    colours = theme.class_colours(CLASSES)
    banjo, nothing = colours["banjo"], theme.UNLABELLED
    assert list(strip.marker.color) == [banjo, colours["<b>cello</b>"], nothing, banjo]
    assert not any("<i>" in text for text in bars.hovertext)


def test_the_selected_second_is_opaque_and_pictures_are_above() -> None:
    frame = seconds(["banjo"] * 6, 2.0)
    pictures = [timeline.Picture(0.0, 12.0, b"x", spans=True)]
    made = timeline.figure(frame, CLASSES, 2.0, 0.1, False, selected_s=4.3, pictures=pictures)
    assert list(made.data[0].marker.opacity) == [0.35, 0.35, 1.0, 0.35, 0.35, 0.35]
    (picture,) = made.layout.images
    assert (picture.x, picture.sizex) == (6.0, 12.0)
    assert picture.sizing == "stretch"  # a spectrogram is as long as its sound
    assert list(made.layout.xaxis.range) == [0.0, 12.0]
    assert made.layout.yaxis2.domain[1] < 1 - picture.sizey
    frames = [timeline.Picture(0.0, 6.0, b"x", spans=False)]
    made = timeline.figure(frame, CLASSES, 2.0, 0.1, False, pictures=frames)
    assert made.layout.images[0].sizing == "contain"


@pytest.mark.parametrize(
    "seconds_, text", [(0.0, "0:00"), (61.0, "1:01"), (59.999, "1:00"), (5.5, "0:05.5")]
)
def test_clock_texts(seconds_: float, text: str) -> None:
    assert timeline.clock(seconds_) == text
