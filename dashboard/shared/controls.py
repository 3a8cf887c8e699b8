"""Choices tied to the selection: what a person picks stands in the address.

with controls.row():
    controls.one("Sorted", "order", names=ORDER_NAMES)
    controls.some("Modality", "modalities", page.modalities, theme.marked)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.figures import theme
from dashboard import session, state

Names = Mapping[Any, str] | Callable[[Any], str]


def row() -> Any:
    """A container in which choices stand side by side."""
    return st.container(horizontal=True, gap="medium", vertical_alignment="bottom")


def one(
    label: str,
    field: str,
    options: Sequence[Any] = (),
    names: Names = str,
    also: Callable[[Any], dict[str, Any]] | None = None,
) -> Any:
    """One of some options, those of `state.CHOICES` by default; returns it.

    Where the selection asks for one that is not among them, the first takes its place. `also`
    names further fields to change with it, from the new value.
    """
    there = tuple(options) or state.CHOICES[field]
    if getattr(session.current(), field) not in there:
        session.change(**{field: there[0]})
    st.segmented_control(
        label,
        there,
        format_func=_naming(names),
        required=True,
        **session.bound(field, also=also),
    )
    return getattr(session.current(), field)


def some(label: str, field: str, options: Sequence[Any] = (), names: Names = str) -> None:
    """Any of some options; none chosen means all."""
    there = tuple(options) or state.CHOICES[field]
    asked = getattr(session.current(), field)
    if any(value not in there for value in asked):
        session.change(**{field: tuple(value for value in asked if value in there)})
    st.segmented_control(
        label,
        there,
        format_func=_naming(names),
        selection_mode="multi",
        **session.bound(field),
    )


def method() -> str:
    """How the maps were made."""
    return str(one("Method", "method", names=theme.METHOD_NAMES))


def space(field: str = "space") -> str:
    """Translation or PCA."""
    return str(one("Space", field, names=theme.SPACE_NAMES))


def direction(there: Sequence[str]) -> str:
    """What asks for what, of the directions that are stored."""
    known = [name for name in state.CHOICES["direction"] if name in set(there)]
    return str(one("Direction", "direction", known, theme.DIRECTION_NAMES))


def _naming(names: Names) -> Callable[[Any], str]:
    if callable(names):
        return names
    return lambda value: names[value]
