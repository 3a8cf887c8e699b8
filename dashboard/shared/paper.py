"""A table beside a figure: the paper's findings and this study's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from core.figures import theme
from core.references import evidence, reference
from core.references.counterparts import NAME, RATIO, SHARE, TIMES, Counterpart
from dashboard import data
from dashboard.page import Page
from dashboard.shared.widgets import esc

OUTCOMES = {
    evidence.AS_THERE: "as in the paper",
    evidence.UNLIKE: "unlike the paper",
    evidence.OPEN: "not decided by this much data",
}
LABELS = {
    **theme.MODALITY_PLURALS,
    **theme.DIRECTION_NAMES,
    "translation": "translated",
    "pca": "PCA",
    "random": "random order",
}


def show(
    page: Page, found: Sequence[Counterpart], gallery_size: int | None = None, space: str = ""
) -> None:
    """The table: each finding, its value in the paper and here, its place in the paper.

    All that differs between the two studies is named: what concerns every finding in a line below,
    the rest beside the reported value. `space` is that of numbers that belong to one space.
    """
    if not found:
        return
    common, own = differences(page, found, gallery_size, space)
    rows = "".join(
        f"<tr><td>{esc(one.reference.says)}</td>"
        f"<td>{esc(one.reference.reported)}{_said('; '.join(mine), 'differs')}</td>"
        f"<td><b>{esc(here(one))}</b>{_verdict(one)}</td>"
        f'<td class="where">{esc(place(one.reference))}</td></tr>'
        for one, mine in zip(found, own, strict=True)
    )
    first = found[0].reference
    figures = ", ".join(dict.fromkeys(one.reference.figure for one in found))
    st.html(
        '<div class="jee-paper" data-testid="paper">'
        f'<p class="jee-kicker">{esc(first.paper)}, {esc(figures)}, compared with this study</p>'
        "<table class='jee-table'><tr><th></th><th>paper</th><th>this study</th>"
        "<th>where in the paper</th></tr>"
        f'{rows}</table><p class="jee-small">{esc(comparability(common, own))}</p>'
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


def differences(
    page: Page, found: Sequence[Counterpart], gallery_size: int | None = None, space: str = ""
) -> tuple[list[str], list[list[str]]]:
    """What keeps every reported number from being comparable, and what else keeps each."""
    mine = replace(data.setting(page.handle, page.encoder_set, space), gallery_size=gallery_size)
    each = [reference.differences(one.reference, mine) for one in found]
    common = [text for text in each[0] if all(text in others for others in each)]
    return common, [[text for text in texts if text not in common] for texts in each]


def comparability(common: Sequence[str], own: Sequence[Sequence[str]]) -> str:
    """Whether the numbers can be compared, and if not, why; one sentence."""
    if common:
        return f"For orientation only; the studies differ: {'; '.join(common)}."
    if any(own):
        return (
            "Numbers with a difference beside them are for orientation; the others can be compared."
        )
    return (
        "Data, training, recipe, encoders and sizes are those of the paper: the numbers can be "
        "compared."
    )


def facts(
    page: Page, found: Sequence[Counterpart], gallery_size: int | None = None, space: str = ""
) -> Mapping[str, str]:
    """The same for exports: one line for each finding, and one for the differences."""
    if not found:
        return {}
    common, own = differences(page, found, gallery_size, space)
    lines = {
        f"reported: {one.reference.says}": "; ".join(
            [f"{one.reference.reported} ({one.reference.source})", *mine, f"here {here(one)}"]
            + [text for text in (", ".join(outcome(one)).strip(", "),) if text]
        )
        for one, mine in zip(found, own, strict=True)
    }
    return {**lines, "reported, compared": comparability(common, own)}


def outcome(one: Counterpart) -> tuple[str, str]:
    """Whether the study agrees, and the test, in words; empty if that is not a yes or no."""
    if one.verdict is None:
        return "", ""
    test = re.sub(r"(\w+): ", lambda found: f"{LABELS.get(found[1], found[1])}: ", one.verdict.test)
    return OUTCOMES[one.verdict.outcome], test


def _verdict(one: Counterpart) -> str:
    said, test = outcome(one)
    return _said(said) + _said(test, "differs")


def _said(text: str, kind: str = "said") -> str:
    return f' <span class="{kind}">{esc(text)}</span>' if text else ""
