"""How many points a map shows, in words."""

from core.figures.map_points import MapPoints


def counted(points: MapPoints, matching: MapPoints, whole: MapPoints) -> str:
    """How many points a map shows, of how many there are."""
    shown = f"{len(matching):,} of {len(whole):,} points"
    if len(points) == len(matching):
        return shown
    return f"{shown}, {len(points):,} of them drawn"
