"""A table beside a figure: the paper's findings and this study's."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from core.figures import theme
from core.references import reference
from core.references.counterparts import NAME, RATIO, SHARE, TIMES, Counterpart
from dashboard.page import Page
from dashboard.shared.widgets import esc

AGREES = {True: "as in the paper", False: "unlike the paper"}
LABELS = {
    **theme.MODALITY_PLURALS,
    **theme.DIRECTION_NAMES,
    "translation": "translated",
    "pca": "PCA",
    "random": "random order",
}


def show(page: Page, found: Sequence[Counterpart], gallery_size: int | None = None) -> None:
    """The table: each finding, its value in the paper and here, its place in the paper.

    A line below names the differences between the two studies: in data, encoders (those of the
    whole study, for a page without an encoder set) and the size of the gallery.
    """
    if not found:
        return
    rows = "".join(
        f"<tr><td>{esc(one.reference.says)}</td><td>{esc(one.reference.reported)}</td>"
        f"<td><b>{esc(here(one))}</b>{_agreement(one.same)}</td>"
        f'<td class="where">{esc(place(one.reference))}</td></tr>'
        for one in found
    )
    first = found[0].reference
    figures = ", ".join(dict.fromkeys(one.reference.figure for one in found))
    st.html(
        '<div class="jee-paper" data-testid="paper">'
        f'<p class="jee-kicker">{esc(first.paper)}, {esc(figures)}, compared with this study</p>'
        "<table class='jee-table'><tr><th></th><th>paper</th><th>this study</th>"
        "<th>where in the paper</th></tr>"
        f'{rows}</table><p class="jee-small">{esc(comparability(page, found, gallery_size))}</p>'
        "</div>"
    )


def here(one: Counterpart) -> str:
    """This study's values in words: `pictures 54%, sounds 61%`."""
    parts = []
    for number, (label, value) in enumerate(one.values):
        name = LABELS.get(label, label)
        if one.unit == NAME or not np.isfinite(value):
            parts.append(name)
            continue
        formats = {SHARE: f"{value:.0%}", RATIO: f"{value:.2f}", TIMES: f"{value:.2f} × chance"}
        of = f" of {one.n[number]:,}" if one.n else ""
        parts.append(f"{name} {formats.get(one.unit, f'{value:.3f}')}{of}".strip())
    return ", ".join(parts)


def place(one: reference.Reference) -> str:
    """Where the paper says so; and that the number was read off a figure, if it was."""
    return f"{one.where}, {one.how}" if one.how == reference.READ_OFF else one.where


def comparability(page: Page, found: Sequence[Counterpart], gallery_size: int | None = None) -> str:
    """Whether the numbers can be compared, and if not, why; one sentence."""
    dataset = str(page.study.dataset["name"])
    encoders = page.encoders if page.encoder_set else page.study.encoders
    differences = dict.fromkeys(
        difference
        for one in found
        for difference in reference.differences(one.reference, dataset, encoders, gallery_size)
    )
    if not differences:
        return "Same data and encoders as in the paper: the numbers can be compared."
    return f"For orientation only; the studies differ: {'; '.join(differences)}."


def facts(
    page: Page, found: Sequence[Counterpart], gallery_size: int | None = None
) -> Mapping[str, str]:
    """The same for exports: one line for each finding, and one for the differences."""
    if not found:
        return {}
    lines = {
        f"reported: {one.reference.says}": f"{one.reference.reported} ({one.reference.source}); "
        f"here {here(one)}"
        for one in found
    }
    return {**lines, "reported, compared": comparability(page, found, gallery_size)}


def _agreement(same: bool | None) -> str:
    return "" if same is None else f' <span class="said">{AGREES[same]}</span>'
