"""Colours of the demo corpus's drawings, from `palettes.toml`.

The drawings in `art/` name roles instead of colours: an element of class `f-body-dk` is filled with
the darker shade of the body colour (`f` fill, `s` stroke, `g` gradient stop). Each drawing has the
first palette of its instrument in its own `<style>`, so that any browser shows it; `style_sheet`
writes the rules that replace it with another.
"""

import re

from core.datasets.demo import tables

# Shades of a role: the share of white (> 0) or black (< 0) mixed into it.
SHADES = {"": 0.0, "xd": -0.62, "dk": -0.34, "lt": 0.34, "xl": 0.66}


def _complete(own: list[dict[str, str]]) -> list[dict[str, str]]:
    """The palettes of one instrument with all roles; players' skin and hair are given in turn."""
    people = [
        {"skin": skin, "hair": hair}
        for skin, hair in zip(_TABLES["people"]["skin"], _TABLES["people"]["hair"], strict=True)
    ]
    return [_TABLES["common"] | people[i % len(people)] | palette for i, palette in enumerate(own)]


_TABLES = tables.load("palettes")
# Every palette of each instrument: role -> colour (`#rrggbb`).
PALETTES = {name: _complete(own) for name, own in _TABLES["palettes"].items()}


def shade(colour: str, name: str) -> str:
    """One of the `SHADES` of a colour, both as `#rrggbb`."""
    share = SHADES[name]
    target = 255 if share > 0 else 0
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(c + (target - c) * abs(share)):02x}" for c in channels)


def style_sheet(svg: str, palette: dict[str, str]) -> str:
    """Rules that give the classes used in a drawing the colours of a palette.

    The selector `svg .x` is more specific than the drawing's own `.x`, so these rules win.
    """
    used = set(re.findall(rf"\b([fsg])-({'|'.join(palette)})(?:-([a-z]{{2}}))?\b", svg))
    what = {"f": "fill", "s": "stroke", "g": "stop-color"}
    return "".join(
        f"svg .{kind}-{role}{'-' + tone if tone else ''}"
        f"{{{what[kind]}:{shade(palette[role], tone)}}}"
        for kind, role, tone in sorted(used)
    )
