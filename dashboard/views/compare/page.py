"""Compare: two spaces, or two studies, side by side under one selection."""

from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.compare import compare_form, compared_numbers, compared_pictures


def show(page: Page) -> None:
    widgets.heading(
        "Compare",
        "Two spaces of one study, or two studies: the same numbers, the same maps, the same items.",
    )
    left, right = compare_form.choose(page)
    if (left.handle, left.encoder_set, left.space) == (
        right.handle,
        right.encoder_set,
        right.space,
    ):
        widgets.small("Both sides are the same: choose another space, pair or study.")
    compared_numbers.show(left, right)
    compared_pictures.draw_maps(page, left, right)
    compared_pictures.draw_centroids(left, right)
    widgets.kicker("right side")
    widgets.footer(right.handle, right.encoder_set)
    widgets.kicker("left side")
