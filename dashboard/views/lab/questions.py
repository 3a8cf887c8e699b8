"""Questions to begin with: each sets the recipe and runs it, with one click."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.lab.recipe import Settings
from dashboard.shared import widgets

Ask = Callable[[Settings], None]


def known(own: Settings, classes: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Each question, and what it changes in the study's own settings."""
    loss = "margin" if own.recipe.translation.loss == "info_nce" else "info_nce"
    named = {"margin": "W's margin", "info_nce": "InfoNCE"}[loss]
    left_out = [name for name in classes if name not in own.recipe.unseen]
    unseen = "cello" if "cello" in left_out else left_out[0]
    return [
        ("a tenth of the pairs were wrong?", {"mismatched": 0.1}),
        ("there were a tenth of the pairs?", {"share": 0.1}),
        (f"the loss were {named}?", {"loss": loss}),
        (f"no {unseen} were in training?", {"unseen": (*own.recipe.unseen, unseen)}),
        ("the space were CCA?", {"space": "cca"}),
        ("SMT classified?", {"classifier": "combined"}),
    ]


def show(own: Settings, classes: list[str], ask: Ask, disabled: bool) -> None:
    """A row of buttons."""
    widgets.kicker("What if …")
    with st.container(horizontal=True):
        for number, (label, changes) in enumerate(known(own, classes)):
            st.button(
                f"… {label}",
                key=f"lab_question_{number}",
                on_click=ask,
                args=(own.changed(changes),),
                disabled=disabled,
            )
