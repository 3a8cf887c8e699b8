"""Colours of classes."""

from core.figures import theme


def test_colours_differ_for_many_classes() -> None:
    colours = list(theme.class_colours([str(n) for n in range(60)]).values())
    assert len(set(colours)) == 60
    assert all(len(colour) == 7 for colour in colours)


def test_the_order_of_colours_is_that_of_the_classes() -> None:
    assert theme.class_colours(["x", "y"])["y"] == theme.class_colour(1)
