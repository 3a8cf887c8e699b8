"""The selection of a browser session: read from the address of the page, and written to it.

Streamlit empties the address when a person opens another page; the selection of the page before
is then written to the new address.
"""

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st

from dashboard import state

T = TypeVar("T")
# What a selection of other items begins with.
OF_ITEMS: dict[str, Any] = {
    "tested_on": "",
    "items": (),
    "saved": 0,
    "only": 0,
    "cell": "",
    "tag_cell": "",
    "classes": (),
    "subsets": (),
}
SELECTION, PAGE, NEXT_PAGE = "selection", "page_shown", "page_next"


def begin(page: str) -> state.Selection:
    """Read the selection at the start of a run of a page."""
    params = address()
    turned = st.session_state.get(PAGE) not in (None, page)
    st.session_state[PAGE] = page
    if turned and not params:
        write(current())
    else:
        st.session_state[SELECTION] = state.parse(params)
    return current()


def address() -> dict[str, list[str]]:
    """The parameters in the address of the page."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def current() -> state.Selection:
    """The selection of this session."""
    found = st.session_state.get(SELECTION)
    return found if isinstance(found, state.Selection) else state.Selection()


def write(selection: state.Selection) -> None:
    """Make this the selection, and write it to the address."""
    st.session_state[SELECTION] = selection
    shown = address()
    kept = {name: values for name, values in shown.items() if name.startswith("embed")}
    params = {**kept, **state.to_params(selection)}
    if shown != params:
        st.query_params.from_dict(params)


def change(**values: Any) -> None:
    """Change some fields of the selection; for callbacks of widgets.

    The address comes first: filters on the map are written there without a run of the page.
    """
    params = address()
    write(replace(state.parse(params) if params else current(), **values))


def page() -> str:
    """The name of the page that is drawn."""
    return str(st.session_state.get(PAGE, ""))


def go_to(page: str) -> None:
    """Show another page in the next run; for callbacks."""
    st.session_state[NEXT_PAGE] = page


def next_page() -> str:
    """The page of `go_to`, once; "" if there is none."""
    return str(st.session_state.pop(NEXT_PAGE, ""))


def open_study(digest: str) -> None:
    """Open another study, without the parts of the selection that belong to the old one."""
    change(study=digest, encoder_set="", split=0, **OF_ITEMS)


def test_on(name: str) -> None:
    """Show a test dataset of the study; "" shows the study's own."""
    change(**OF_ITEMS | {"tested_on": name})


def bound(field: str, also: Callable[[Any], dict[str, Any]] | None = None) -> dict[str, Any]:
    """Keyword arguments that tie a widget to a field of the selection.

    `also` returns further fields to change, given the new value.
    """
    value = getattr(current(), field)

    def changed(new: Any) -> None:
        if isinstance(value, tuple):
            new = tuple(new or ())
        elif new is None:
            new = getattr(state.Selection(), field)
        change(**{field: new, **(also(new) if also else {})})

    return tied(f"select_{field}", list(value) if isinstance(value, tuple) else value, changed)


def tied(key: str, value: Any, change: Callable[[Any], None]) -> dict[str, Any]:
    """Keyword arguments that give a widget a value; `change` gets what a person chooses."""
    st.session_state[key] = value
    return {"key": key, "on_change": lambda: change(st.session_state[key])}


def once(cache: str, key: Hashable, make: Callable[[], T], most: int) -> T:
    """The value that `make` returned for this key, kept in this session alone.

    Of each cache, the `most` values that were used last are kept.
    """
    kept: dict[Hashable, T] = st.session_state.setdefault(cache, {})
    kept[key] = kept.pop(key) if key in kept else make()
    if len(kept) > most:
        del kept[next(iter(kept))]
    return kept[key]


def selected(key: str) -> list[Any]:
    """The `customdata` of the points selected in the chart with this key, each once."""
    event: Any = st.session_state.get(key)
    points = ((event or {}).get("selection") or {}).get("points") or []
    values = [point.get("customdata") for point in points]
    values = [one[0] if one and isinstance(one, (list, tuple)) else one for one in values]
    return list(dict.fromkeys(one for one in values if isinstance(one, (str, int, float))))


def clicked(key: str) -> str:
    """The `customdata` of the point clicked in the chart with this key; "" where none was hit."""
    values = selected(key)
    return values[0] if values and isinstance(values[0], str) else ""
