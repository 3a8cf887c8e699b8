"""The two spaces to compare, and the form that chooses them."""

from dataclasses import dataclass

import streamlit as st

from core.encoder_sets import spaced
from core.errors import UserError
from core.figures import theme
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import controls, widgets

W_SPACES = ("translation", "pca")


@dataclass(frozen=True)
class Side:
    """One of the two spaces that are compared."""

    handle: data.Handle
    encoder_set: str
    space: str
    name: str  # "left" or "right"

    @property
    def title(self) -> str:
        return f"{self.name}: {theme.SPACE_NAMES[self.space]}, {spaced(self.encoder_set)}"

    def same_space(self, other: "Side") -> bool:
        mine, theirs = ((one.handle, one.encoder_set, one.space) for one in (self, other))
        return mine == theirs


def choose(page: Page) -> tuple[Side, Side]:
    titles = data.study_titles(page.handle.root)
    left_place, right_place = st.columns(2, gap="medium", border=True)
    with left_place:
        widgets.kicker("left: the study and encoders of the sidebar")
        st.html(f'<div class="jee-label">{widgets.esc(titles[page.handle.digest])}</div>')
        stored = spaces_of(page.handle, page.encoder_set)
        left = Side(page.handle, page.encoder_set, controls.space(stored), "left")
    with right_place:
        widgets.kicker("right")
        handle, encoder_set = other_study(page, titles)
        space = controls.space(spaces_of(handle, encoder_set), "other_space")
        right = Side(handle, encoder_set, space, "right")
    return left, right


def spaces_of(handle: data.Handle, encoder_set: str) -> list[str]:
    """The spaces with stored scores; W's two where nothing is stored yet."""
    try:
        rows = data.measurements(handle, encoder_set, study=["ranking", "zero_shot", "centroids"])
    except UserError:
        return list(W_SPACES)
    return list(rows["space"].unique()) or list(W_SPACES)


def other_study(page: Page, titles: dict[str, str]) -> tuple[data.Handle, str]:
    """The study and the encoder set of the right side."""
    chosen = session.current()
    other = next((name for name in titles if chosen.other and name.startswith(chosen.other)), "")
    controls.choose(
        "Study",
        list(titles),
        other or page.handle.digest,
        "choose_other",
        lambda digest: session.change(other=digest, other_encoder_set=""),
        titles,
    )
    handle = data.open_study(page.handle.root, other or page.handle.digest)
    known = data.encoder_set_names(handle)
    wanted = (chosen.other_encoder_set, page.encoder_set, known[0])
    encoder_set = next(name for name in wanted if name in known)
    if len(known) > 1:
        controls.choose(
            "Encoders",
            known,
            encoder_set,
            "choose_other_encoder_set",
            lambda name: session.change(other_encoder_set=name),
            spaced,
        )
    return handle, encoder_set
