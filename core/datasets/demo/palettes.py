"""Colours of the demo corpus's drawings: what each instrument is plausibly made of.

The drawings in `art/` name roles rather than colours: an element of class `f-body-dk` is filled
with the darker shade of the body colour (`f` fill, `s` stroke, `g` gradient stop). Each drawing
carries the first palette of its instrument in its own `<style>`, so that any browser shows it;
`style_sheet` writes the rules that override it with another.
"""

import re

ROLES = ("body", "neck", "dark", "light", "metal", "accent", "skin", "hair")

# Shades of a role: the share of white (> 0) or black (< 0) mixed into it.
SHADES = {"": 0.0, "xd": -0.62, "dk": -0.34, "lt": 0.34, "xl": 0.66}

_COMMON = {
    "body": "#b5642a",
    "neck": "#7a4a26",
    "dark": "#231a17",
    "light": "#f4ead2",
    "metal": "#c9ccd1",
    "accent": "#a8322d",
}

# Players and singers: skin and hair, dealt out over the palettes of every instrument in turn.
_PEOPLE = (
    ("#e3ab85", "#3b2a20"),
    ("#8a5a3c", "#1d1715"),
    ("#f0c8a6", "#a8702f"),
    ("#c68a5c", "#2a1d18"),
    ("#5f3b28", "#161212"),
    ("#eebd9a", "#8c8680"),
)

_VARNISH = (
    {"body": "#b5551f", "neck": "#8a4a22"},
    {"body": "#8c3a1c", "neck": "#6d3519", "accent": "#23406b", "dark": "#1b1416"},
    {"body": "#c9802f", "neck": "#99602c", "accent": "#2f5d43", "light": "#fbf3df"},
    {"body": "#6e2f1b", "neck": "#54291a", "accent": "#6b2a55", "metal": "#b9a06a"},
)
_BRASS = (
    {"metal": "#dfab3c", "body": "#b5642a", "accent": "#b3202c"},
    {"metal": "#cdd3da", "body": "#2f4a6b", "accent": "#2f4a8b", "light": "#fdf7ea"},
    {"metal": "#c98a4b", "body": "#3d5a45", "accent": "#2b2b30"},
    {"metal": "#e8c465", "body": "#5a2d4d", "accent": "#cfd2d6", "neck": "#4a3226"},
)

_PALETTES: dict[str, tuple[dict[str, str], ...]] = {
    "accordion": (
        {"body": "#b3202c", "accent": "#7d1620", "metal": "#d9c07a"},
        {"body": "#2b2a30", "accent": "#8f2430", "metal": "#cfd2d8", "light": "#fbf7ee"},
        {"body": "#1f5a87", "accent": "#173f63", "metal": "#d8dce2"},
        {"body": "#e8e2d4", "accent": "#3c6e57", "metal": "#c59b3f", "dark": "#2a2024"},
    ),
    "banjo": (
        {"body": "#a7642f", "neck": "#7b4423", "light": "#f6f1e4"},
        {"body": "#5f3320", "neck": "#4a2a1a", "light": "#efe2c6", "metal": "#d3ab55"},
        {"body": "#c88f4d", "neck": "#a06a36", "light": "#fbf9f2", "metal": "#b8bdc5"},
        {"body": "#7a2a24", "neck": "#5a3020", "light": "#e7d3ab", "metal": "#dadde2"},
    ),
    "cello": _VARNISH,
    "clarinet": (
        {"body": "#2d2a2e", "metal": "#cfd4da", "accent": "#b8863b"},
        {"body": "#3a2620", "metal": "#d6b25c", "accent": "#7d2230"},
        {"body": "#24303a", "metal": "#e2e6ea", "accent": "#2d5a4a"},
        {"body": "#5a3524", "metal": "#c3c7cc", "accent": "#31406e", "dark": "#2c201c"},
    ),
    "cymbals": (
        {"metal": "#d9a93a", "accent": "#8f2d2d", "body": "#7b2640"},
        {"metal": "#c9a05a", "accent": "#2a2a2e", "body": "#2f4a6b"},
        {"metal": "#e2c25a", "accent": "#3b5a86", "body": "#28282c"},
        {"metal": "#b98a3c", "accent": "#4a3a2c", "body": "#e8e2d4", "neck": "#a97c4c"},
    ),
    "drums": (
        {"body": "#b8252f", "accent": "#d9a93a", "light": "#f3f0e8"},
        {"body": "#26262c", "accent": "#cfa65a", "light": "#fbfaf6", "neck": "#a06a3a"},
        {"body": "#22598c", "accent": "#dcb94f", "light": "#efe6d2", "neck": "#8a5a34"},
        {"body": "#b97a3c", "accent": "#c6982f", "light": "#f7f2e4", "neck": "#5d3a24"},
    ),
    "flute": (
        {"metal": "#cfd5dc", "accent": "#c9a24b"},
        {"metal": "#d9b562", "accent": "#2f4f7c", "dark": "#1c2026"},
        {"metal": "#b7bec8", "accent": "#7c2f45", "light": "#fbf6ea"},
        {"metal": "#e4e7ea", "accent": "#2f6655", "dark": "#2b2320"},
    ),
    "guitar": (
        {"body": "#d9974a", "neck": "#6d3f22", "accent": "#7a2f1d"},
        {"body": "#a8342a", "neck": "#c08f55", "accent": "#29354f"},
        {"body": "#33566f", "neck": "#b88a50", "accent": "#c78a2e", "light": "#fbf8f0"},
        {"body": "#4a2a1c", "neck": "#3d2618", "accent": "#2c2a2c", "metal": "#d6b25c"},
    ),
    "mandolin": (
        {"body": "#b8642a", "neck": "#5f3a20"},
        {"body": "#7d2f1a", "neck": "#4a2a1a", "metal": "#d8b45e"},
        {"body": "#d39a4e", "neck": "#80522c", "accent": "#3d2a22"},
        {"body": "#4d2a1c", "neck": "#3a241a", "accent": "#7b5a2c", "light": "#efdfba"},
    ),
    "organ": (
        {"body": "#7a4a26", "metal": "#d8d3c4", "accent": "#c79a3e"},
        {"body": "#a8743c", "metal": "#c9cdd2", "accent": "#e0bd5a", "neck": "#6d4526"},
        {"body": "#4a2c20", "metal": "#d6b566", "accent": "#b98c34", "neck": "#382319"},
        {"body": "#d9d2c2", "metal": "#b9bec4", "accent": "#c7a24a", "neck": "#8a6a44"},
    ),
    "piano": (
        {"body": "#26242a", "neck": "#8b5a2b", "accent": "#c79a3e"},
        {"body": "#6a3a20", "neck": "#54301c", "accent": "#d0a548", "light": "#fbf5e6"},
        {"body": "#e9e5dc", "neck": "#b58a58", "accent": "#b98f3c", "light": "#fffdf7"},
        {"body": "#3b1f1c", "neck": "#2f1c18", "accent": "#a97f35", "light": "#efe3c6"},
    ),
    "saxophone": (
        {"metal": "#dca83a", "accent": "#efe9d8", "body": "#34507a"},
        {"metal": "#cbd0d6", "accent": "#f6f2e6", "body": "#7a2b33"},
        {"metal": "#b87940", "accent": "#e9dfc6", "body": "#2b2b30"},
        {"metal": "#ecc760", "accent": "#fbf8ee", "body": "#6a6f5a"},
    ),
    "synthesizer": (
        {"body": "#3a3f4a", "neck": "#8a5a30", "accent": "#e0533d", "light": "#f1efe8"},
        {"body": "#24262b", "neck": "#3a3a40", "accent": "#36b0c9", "light": "#fafaf7"},
        {"body": "#c43a35", "neck": "#4a1a1c", "accent": "#f0b43c", "light": "#fbf7ee"},
        {"body": "#8f97a3", "neck": "#6a4526", "accent": "#6cc24a", "light": "#f4f2ea"},
    ),
    "trombone": _BRASS,
    "trumpet": _BRASS,
    "ukulele": (
        {"body": "#c98a45", "neck": "#7c4a27"},
        {"body": "#8a4a26", "neck": "#5f3620", "accent": "#d9a23a"},
        {"body": "#4fa3a0", "neck": "#a87646", "accent": "#e0703d", "light": "#fbf6e8"},
        {"body": "#dcb06a", "neck": "#8f6034", "accent": "#b0356a"},
    ),
    "violin": _VARNISH,
    "voice": (
        {"body": "#7b2640", "accent": "#d5a23e"},
        {"body": "#27477a", "accent": "#e9e3d2", "neck": "#5a3a28"},
        {"body": "#2f2f36", "accent": "#b8303a", "neck": "#8a6a4a"},
        {"body": "#3f6a50", "accent": "#e2b64c", "neck": "#a86a34"},
        {"body": "#5d3f78", "accent": "#f0d9a0", "neck": "#2f2622"},
    ),
}

# The instruments that have drawings, in the order of the paper's confusion matrices.
CLASSES = tuple(sorted(_PALETTES))


def palettes(class_name: str) -> tuple[dict[str, str], ...]:
    """Every palette of one instrument: role -> colour (`#rrggbb`); all roles are present."""
    people = [{"skin": skin, "hair": hair} for skin, hair in _PEOPLE]
    return tuple(
        _COMMON | people[i % len(people)] | own for i, own in enumerate(_PALETTES[class_name])
    )


def shade(colour: str, name: str) -> str:
    """One of the `SHADES` of a colour, both as `#rrggbb`."""
    share = SHADES[name]
    target = 255 if share > 0 else 0
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(c + (target - c) * abs(share)):02x}" for c in channels)


def style_sheet(svg: str, palette: dict[str, str]) -> str:
    """Rules that give the classes used in a drawing the colours of a palette.

    The selector `svg .x` is more specific than the drawing's own `.x`, so that these rules win.
    """
    roles = "|".join(ROLES)
    used = set(re.findall(rf"\b([fsg])-({roles})(?:-([a-z]{{2}}))?\b", svg))
    what = {"f": "fill", "s": "stroke", "g": "stop-color"}
    return "".join(
        f"svg .{kind}-{role}{'-' + tone if tone else ''}"
        f"{{{what[kind]}:{shade(palette[role], tone)}}}"
        for kind, role, tone in sorted(used)
    )
