"""Controls tied to the selection, so that every choice is in the address.

with controls.row():
    controls.one("Sorted", "order", names=ORDER_NAMES)
    controls.some("Modality", "modalities", page.modalities, theme.with_glyph)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.figures import theme
from dashboard import session, state

CENTROID_ORDERS = {
    "paper": "as in W's figure 4",
    "modality": "by modality",
    "class": "by class",
    "cluster": "by clustering",
}
Names = Mapping[Any, str] | Callable[[Any], str]


def row() -> Any:
    """A container that holds controls side by side."""
    return st.container(horizontal=True, gap="medium", vertical_alignment="bottom")


def one(
    label: str,
    field: str,
    options: Sequence[Any] = (),
    names: Names = str,
    also: Callable[[Any], dict[str, Any]] | None = None,
) -> Any:
    """Choose one of some options, by default those of `state.CHOICES`; returns the chosen one.

    The first option replaces a selected one that is not among them. `also` returns further fields
    to change, given the new value.
    """
    known = tuple(options) or state.CHOICES[field]
    if getattr(session.current(), field) not in known:
        session.change(**{field: known[0]})
    st.segmented_control(
        label,
        known,
        format_func=names if callable(names) else names.__getitem__,
        required=True,
        **session.bound(field, also=also),
    )
    return getattr(session.current(), field)


def some(label: str, field: str, options: Sequence[Any] = (), names: Names = str) -> None:
    """Choose any of some options; none chosen means all."""
    known = tuple(options) or state.CHOICES[field]
    chosen = getattr(session.current(), field)
    if any(value not in known for value in chosen):
        session.change(**{field: tuple(value for value in chosen if value in known)})
    st.segmented_control(
        label,
        known,
        format_func=names if callable(names) else names.__getitem__,
        selection_mode="multi",
        **session.bound(field),
    )


def choose(
    label: str,
    options: Sequence[str],
    value: str,
    key: str,
    change: Callable[[str], None],
    names: Names = str,
    disabled: bool = False,
) -> None:
    """Choose one of some options from a list; `change` is called with the new one."""
    st.selectbox(
        label,
        options,
        format_func=names if callable(names) else names.__getitem__,
        disabled=disabled,
        **session.tied(key, value, change),
    )


def method() -> str:
    """The method of the maps: UMAP or t-SNE."""
    return str(one("Method", "method", names=theme.METHOD_NAMES))


def space(stored: Sequence[str], field: str = "space") -> str:
    """A space, of those that have stored scores."""
    there = [name for name in state.CHOICES[field] if name in set(stored)]
    return str(one("Space", field, there, theme.SPACE_NAMES))


def direction(stored: Sequence[str]) -> str:
    """The direction of retrieval, among those that are stored."""
    known = [name for name in state.CHOICES["direction"] if name in set(stored)]
    return str(one("Direction", "direction", known, theme.DIRECTION_NAMES))
