"""The dashboard: navigation, and the one place where errors end.

    python -m streamlit run dashboard/app.py -- --workspace workspace/demo

The environment variable `JEE_WORKSPACE` names the workspace too.
"""

import functools
import importlib
import logging
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # "from dashboard import ..."

from core.errors import UserError
from dashboard import closed_sessions, data, session
from dashboard.page import Page
from dashboard.shared import browser, widgets
from dashboard.sidebar import sidebar

VIEWS = {  # folder in views/ -> title, icon
    "overview": ("Overview", ":material/dashboard:"),
    "map": ("Map", ":material/scatter_plot:"),
    "retrieve": ("Retrieve", ":material/search:"),
    "translation": ("Translation", ":material/sync_alt:"),
    "centroids": ("Centroids", ":material/grid_on:"),
    "classify": ("Classify", ":material/category:"),
    "lab": ("Lab", ":material/science:"),
    "tags": ("Tags", ":material/sell:"),
    "compare": ("Compare", ":material/compare:"),
}
log = logging.getLogger("dashboard")


def main(default: str = "overview") -> None:
    """Draw the page that the address names; `default` is the page of the bare address."""
    st.set_page_config(
        page_title="Joint embedding explorer",
        page_icon=str(Path(__file__).with_name("icon.svg")),
        layout="wide",
        menu_items={"about": "Joint embeddings of music sound, image and text."},
    )
    st.html(widgets.STYLE)

    def link(name: str, url_path: str, **more: Any) -> st.Page:
        title, icon = VIEWS[name]
        return st.Page(
            functools.partial(draw, name), title=title, icon=icon, url_path=url_path, **more
        )

    pages = {
        name: link(name, "start" if name == default else name, default=name == default)
        for name in VIEWS
    }
    # Streamlit serves the default page at the bare address only: a hidden one serves its name.
    chosen = st.navigation([*pages.values(), link(default, default, visibility="hidden")])
    wanted = session.next_page()
    if wanted:
        st.switch_page(pages[wanted])
    chosen.run()
    with st.sidebar:
        browser.theme(widgets.dark())


def draw(name: str) -> None:
    """One page, then its provenance, each inside the one error boundary."""
    pages: list[Page] = []

    def show() -> None:
        pages.append(sidebar(session.begin(name)))
        importlib.import_module(f"dashboard.views.{name}.page").show(pages[0])

    guarded(name, show)
    for page in pages:
        guarded(name, functools.partial(widgets.footer, page))


def guarded(name: str, show: Callable[[], None]) -> None:
    """Draw a part of a page; an error becomes one sentence, never a traceback."""
    try:
        show()
    except UserError as error:
        widgets.notice(str(error))
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("%s: the page %s failed", reference, name)
        widgets.notice(
            "This page could not be drawn. The server's log has the reason under the reference "
            f"{reference}. The other pages still work."
        )


if __name__ == "__main__":  # in a server
    closed_sessions.forget_in_time()
    main()
    data.start_decoder()
    if data.encodes_text(data.workspace()):
        data.import_ahead()
