"""A stored map under the filters of the selection, ready to be drawn."""

from typing import NamedTuple

from core.figures import map_points
from core.figures.maps import Panel
from dashboard import data, state


class FilteredMap(NamedTuple):
    """A panel without a title, and how many points it shows of how many there are."""

    panel: Panel
    counted: str


def filtered_map(
    handle: data.Handle, encoder_set: str, space: str, selection: state.Selection
) -> FilteredMap:
    """The map of a space, by the method, dimensions, split and filters of the selection.

    Raises
    ------
    MissingArtefact
        The map has not been computed; the message names the command.
    """
    classes = data.study(handle).classes
    whole = data.map_points(
        handle, encoder_set, space, selection.method, selection.dims, selection.split
    )
    rows = [classes.index(name) for name in selection.classes if name in classes]
    matching = whole.filtered(rows, selection.modalities, selection.subsets)
    most = len(matching) if selection.all_points else map_points.MAX_DRAWN
    points = matching.sample(most, keep=selection.items)
    counted = f"{len(matching):,} of {len(whole):,} points"
    if len(points) < len(matching):
        counted += f", {len(points):,} of them drawn"
    return FilteredMap(Panel("", points, classes, whole.bounds), counted)
