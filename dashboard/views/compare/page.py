"""Compare: two spaces, or two studies, side by side under one selection."""

from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.compare import centroids, form, maps, numbers


def show(page: Page) -> None:
    widgets.heading(
        "Compare",
        "Two spaces of one study, or of two studies: the same numbers, maps and items for both.",
    )
    left, right = form.choose(page)
    if left.same_space(right):
        widgets.small("Both sides are the same: choose another space, other encoders or a study.")
    numbers.show(left, right)
    maps.show(page, left, right)
    centroids.show(left, right)
    widgets.kicker("right side")
    widgets.footer(right)
    widgets.kicker("left side")  # the footer of every page follows
