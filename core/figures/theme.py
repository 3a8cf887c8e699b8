"""Colours, type sizes, markers and names: the same in every figure and page, light and dark.

The colour of a class follows from its position in the study's class order. Each modality has a
marker.
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Twenty colours spread by greedy farthest-point search in OKLab (lightness 0.48 to 0.80, chroma
# up to 0.16), so that each differs from all others on white and on near-black.
CLASS_COLOURS = (
    "#F09C17", "#1F58B6", "#28D6DF", "#227702", "#F197F6", "#A32749", "#8F7F97", "#7DC052",
    "#F16F7E", "#7E5403", "#7E399A", "#42A3FD", "#20696D", "#D6B5AF", "#9B7BE9", "#3AA089",
    "#9A8D40", "#C4530F", "#B1B7FD", "#BE5BAC",
)  # fmt: skip
UNLABELLED = "#8A8F98"

MARKERS = {"audio": "circle", "image": "diamond", "text": "square"}
GLYPHS = {"audio": "●", "image": "◆", "text": "■"}
MODALITY_NAMES = {"audio": "sound", "image": "picture", "text": "text"}
MODALITY_PLURALS = {"audio": "sounds", "image": "pictures", "text": "texts"}

# W's figure 3: translated blue, PCA red, the single modality an orange dashed line. SMT is ours.
SYSTEM_COLOURS = {
    "MMT": "#2F6FDE",
    "MMP": "#D6455D",
    "SMT": "#3AA089",
    "SMA": "#E08A1E",
    "SMI": "#E08A1E",
}
SYSTEMS = ("SMA", "SMI", "MMP", "MMT", "SMT")  # in the order of choices
SPACE_COLOURS = {
    "translation": "#2F6FDE",
    "translation_all": "#2F6FDE",
    "pca": "#D6455D",
    "cca": "#C77A1B",
    "united": "#1E9C5A",
    "united_all": "#1E9C5A",
    "native": "#3AA089",
    "generation": "#9B7BE9",
    "generation_tuned": "#C05BD1",
}
SPACE_NAMES = {
    "translation": "Translation",
    "pca": "PCA",
    "cca": "CCA",
    "united": "United",
    "translation_all": "Translation, all pairs",
    "united_all": "United, all pairs",
    "native": "Native",
    "generation": "Generation",
    "generation_tuned": "Generation, text fine-tuned",
}
METHOD_NAMES = {"umap": "UMAP", "tsne": "t-SNE"}
DIRECTION_NAMES = {
    f"{query}_to_{found}": f"{MODALITY_NAMES[query]} to {MODALITY_NAMES[found]}"
    for query in MODALITY_NAMES
    for found in MODALITY_NAMES
    if query != found
}
SYSTEM_NAMES = {
    "SMA": "SMA: sound alone, PCA",
    "SMI": "SMI: pictures alone, PCA",
    "MMP": "MMP: all modalities, PCA",
    "MMT": "MMT: all modalities, translated",
    "SMT": "SMT: all modalities, translated and PCA, combined",
}

FONT = '"Source Sans", "Source Sans Pro", "Source Sans 3", system-ui, sans-serif'
SMALL_PX, BODY_PX, TITLE_PX = 12, 13, 15


@dataclass(frozen=True)
class Ink:
    """The colours of a theme, light or dark."""

    paper: str
    raised: str
    text: str
    muted: str
    grid: str
    zero: str
    accent: str
    low: str  # the empty end of a sequential scale
    high: str  # its full end


LIGHT = Ink(
    paper="#FBFBF9", raised="#FFFFFF", text="#1D232B", muted="#5F6875", grid="#E6E6E1",
    zero="#C9CAC5", accent="#17697A", low="#F3F4F0", high="#0E4A58",
)  # fmt: skip
DARK = Ink(
    paper="#14171B", raised="#1C2025", text="#E8EAED", muted="#9BA3AF", grid="#2A2F36",
    zero="#454C56", accent="#5FB8C9", low="#1B2026", high="#A6E3EE",
)  # fmt: skip


def in_words(modalities: Sequence[str]) -> str:
    """Modalities in a sentence: `sounds, pictures and texts`."""
    names = [MODALITY_PLURALS.get(name, name) for name in modalities]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def with_glyph(modality: str) -> str:
    """A modality with its marker, for a choice: `● sounds`."""
    return f"{GLYPHS[modality]} {MODALITY_PLURALS[modality]}"


def ink(dark: bool) -> Ink:
    return DARK if dark else LIGHT


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """Class -> colour, by its position in the order."""
    return {name: class_colour(row) for row, name in enumerate(classes)}


def class_colour(row: int) -> str:
    """The colour of the class at this position, grey for -1; hues are interleaved beyond twenty."""
    if row < 0:
        return UNLABELLED
    if row < len(CLASS_COLOURS):
        return CLASS_COLOURS[row]
    extra = row - len(CLASS_COLOURS)
    hue = (0.07 + extra * 0.618033988749895) % 1.0
    lightness = (0.44, 0.62, 0.53, 0.70)[extra % 4]
    saturation = (0.65, 0.50)[(extra // 4) % 2]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return f"#{round(red * 255):02X}{round(green * 255):02X}{round(blue * 255):02X}"


def with_alpha(colour: str, alpha: float) -> str:
    """`#RRGGBB` as `rgba(...)`."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def sequential(dark: bool) -> list[list[Any]]:
    """One hue from the page's ground to full ink, for counts and distances."""
    if dark:
        stops = ["#1B2026", "#1F3A44", "#25606E", "#4A9BAA", "#A6E3EE"]
    else:
        stops = ["#F3F4F0", "#CFE3E4", "#8FBFC6", "#3F8796", "#0E4A58"]
    return [[place / (len(stops) - 1), colour] for place, colour in enumerate(stops)]


def diverging(dark: bool) -> list[list[Any]]:
    """Orange below zero, the page's ground at zero, blue above."""
    low, high = ("#E7A977", "#7FD0DF") if dark else ("#B4662B", "#0E4A58")
    return [[0.0, low], [0.5, ink(dark).low], [1.0, high]]


def template(dark: bool) -> dict[str, Any]:
    """The Plotly template: the page's ground and type, a thin grid.

    It is plain values, because Plotly copies a `Template` at every assignment.
    """
    colours = ink(dark)
    axis = {
        "gridcolor": colours.grid,
        "zerolinecolor": colours.grid,
        "linecolor": colours.zero,
        "tickcolor": colours.zero,
        "tickfont": {"size": SMALL_PX, "color": colours.muted},
        "title": {"font": {"size": BODY_PX, "color": colours.muted}, "standoff": 8},
        "automargin": True,
    }
    scene = {
        "backgroundcolor": "rgba(0,0,0,0)",
        "gridcolor": colours.grid,
        "zerolinecolor": colours.grid,
        "showspikes": False,
        "title": {"text": ""},
        "showticklabels": False,
    }
    small = {"size": SMALL_PX}
    return {
        "data": {
            "heatmap": [
                {
                    "hovertemplate": "%{hovertext}<extra></extra>",
                    "colorbar": {
                        "title": {"side": "right", "font": small},
                        "thickness": 10,
                        "outlinewidth": 0,
                        "tickfont": small,
                    },
                }
            ]
        },
        "layout": {
            # The page's ground rather than none: an exported picture stays legible.
            "paper_bgcolor": colours.paper,
            "plot_bgcolor": colours.paper,
            "font": {"family": FONT, "size": BODY_PX, "color": colours.text},
            "title": {
                "font": {"size": TITLE_PX, "color": colours.text},
                "x": 0.0,
                "xref": "container",
                "xanchor": "left",
                "pad": {"l": 4},
            },
            "xaxis": axis,
            "yaxis": axis,
            "scene": {"xaxis": scene, "yaxis": scene, "zaxis": scene},
            "legend": {
                "font": {"size": SMALL_PX, "color": colours.muted},
                "bgcolor": "rgba(0,0,0,0)",
                "orientation": "h",
                "yanchor": "bottom",
                "y": 1.01,
                "x": 0.0,
            },
            "hoverlabel": {
                "bgcolor": colours.raised,
                "bordercolor": colours.zero,
                "font": {"family": FONT, "size": BODY_PX, "color": colours.text},
            },
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)",
                "color": colours.muted,
                "activecolor": colours.accent,
            },
            "margin": {"l": 8, "r": 8, "t": 44, "b": 40},
            "colorway": list(CLASS_COLOURS),
        },
    }
