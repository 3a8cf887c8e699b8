"""Beside a figure, what the paper reports there and what this study found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.figures import theme
from core.references import reference
from core.references.counterparts import NAME, RATIO, SHARE, TIMES, Counterpart
from dashboard.page import Page
from dashboard.shared.widgets import esc

SAID = {True: "as there", False: "unlike there", None: ""}
LABELS = {
    **theme.MODALITY_PLURALS,
    **theme.DIRECTION_NAMES,
    "translation": "translated",
    "pca": "PCA",
    "random": "random order",
}


@dataclass(frozen=True)
class OwnStudy:
    """What a study's own numbers rest on: its data, its encoders, its gallery."""

    dataset: str
    encoders: Mapping[str, str | Sequence[str]]
    gallery_size: int | None = None


def of_encoder_set(page: Page) -> OwnStudy:
    """Of the pair that the page shows."""
    return OwnStudy(str(page.study.dataset["name"]), page.encoders)


def of_grid(page: Page, gallery_size: int | None) -> OwnStudy:
    """Of every pair of the study."""
    return OwnStudy(str(page.study.dataset["name"]), page.study.encoders, gallery_size)


def show(own: OwnStudy, found: Sequence[Counterpart]) -> None:
    """A quiet table: what is reported, by the paper, here, where it stands; and what keeps the
    two from being like with like.
    """
    if not found:
        return
    rows = "".join(
        f"<tr><td>{esc(one.reference.says)}</td><td>{esc(one.reference.reported)}</td>"
        f"<td><b>{esc(here(one))}</b>{_mark(one.same)}</td>"
        f'<td class="where">{esc(place(one.reference))}</td></tr>'
        for one in found
    )
    first = found[0].reference
    figures = ", ".join(dict.fromkeys(one.reference.figure for one in found))
    st.html(
        '<div class="jee-paper" data-testid="paper">'
        f'<p class="jee-kicker">{esc(first.paper)}, {esc(figures)}, beside this study</p>'
        f"<table class='jee-table'><tr><th></th><th>there</th><th>here</th><th>where</th></tr>"
        f'{rows}</table><p class="jee-small">{esc(like_with_like(own, found))}</p>'
        "</div>"
    )


def here(one: Counterpart) -> str:
    """This study's own values in words: `pictures 54%, sounds 61%`."""
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
    """Where the paper says so, and how the number was taken."""
    return f"{one.where}, {one.how}" if one.how == reference.READ_OFF else one.where


def like_with_like(own: OwnStudy, found: Sequence[Counterpart]) -> str:
    """In one sentence, what separates the two studies."""
    said = list(
        dict.fromkeys(
            difference
            for one in found
            for difference in reference.differences(
                one.reference, own.dataset, own.encoders, own.gallery_size
            )
        )
    )
    if not said:
        return "The same data and encoders as there: the numbers may be compared."
    return f"A landmark, not a target: {'; '.join(said)}."


def facts(own: OwnStudy, found: Sequence[Counterpart]) -> Mapping[str, str]:
    """The same for exports: one line a finding, and what separates the two studies."""
    if not found:
        return {}
    lines = {
        f"reported: {one.reference.says}": f"{one.reference.reported} ({one.reference.source}); "
        f"here {here(one)}"
        for one in found
    }
    return {**lines, "reported, compared": like_with_like(own, found)}


def _mark(same: bool | None) -> str:
    return f' <span class="said">{SAID[same]}</span>' if same is not None else ""
