"""The dashboard: navigation, the shared sidebar, and the one place where errors end.

    python -m streamlit run dashboard/app.py -- --workspace workspace/demo

The workspace may also be named by `JEE_WORKSPACE`.
"""

import functools
import importlib
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # "from dashboard import ..."

from core import encoders
from core.encoder_sets import ready_name
from core.errors import MissingArtefact, UserError
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import browser, neighbours, widgets

VIEWS = {  # file in views/ -> title, icon
    "overview": ("Overview", ":material/dashboard:"),
    "map": ("Map", ":material/scatter_plot:"),
    "retrieve": ("Retrieve", ":material/search:"),
    "translation": ("Translation", ":material/sync_alt:"),
    "centroids": ("Centroids", ":material/grid_on:"),
    "classify": ("Classify", ":material/category:"),
    "tags": ("Tags", ":material/sell:"),
    "compare": ("Compare", ":material/compare:"),
}
log = logging.getLogger("dashboard")


def main(default: str = "overview") -> None:
    """Draw the page that the address names; `default` is that of the bare address."""
    st.set_page_config(
        page_title="Joint embedding explorer",
        page_icon=str(Path(__file__).with_name("icon.svg")),
        layout="wide",
        menu_items={"about": "Joint embeddings of music sound, image and text."},
    )
    st.html(widgets.STYLE)
    folder = Path(__file__).with_name("views")
    pages = [
        st.Page(
            functools.partial(draw, name),
            title=title,
            icon=icon,
            url_path="start" if name == default else name,
            default=name == default,
        )
        for name, (title, icon) in VIEWS.items()
        if (folder / name / "page.py").exists()
    ]
    # The default page answers to the bare address alone; it shall answer to its name too.
    title, icon = VIEWS[default]
    pages.append(
        st.Page(
            functools.partial(draw, default),
            title=title,
            icon=icon,
            url_path=default,
            visibility="hidden",
        )
    )
    chosen = st.navigation(pages)
    chosen.run()
    with st.sidebar:
        browser.theme(widgets.dark())


def draw(name: str) -> None:
    """One page inside the one error boundary; its provenance stands below it in any case."""
    pages: list[Page] = []

    def show() -> None:
        pages.append(sidebar(session.begin(name)))
        importlib.import_module(f"dashboard.views.{name}.page").show(pages[0])

    guarded(name, show)
    for page in pages:
        guarded(name, functools.partial(widgets.footer, page.handle, page.encoder_set))


def guarded(name: str, show: Callable[[], None]) -> None:
    """Run a part of a page: whatever goes wrong becomes one sentence, never a traceback."""
    try:
        show()
    except UserError as error:
        widgets.notice(str(error))
    except Exception:
        log.exception("the page %s failed", name)
        widgets.notice(
            "This page could not be drawn: the reason stands in the server's log. "
            "The other pages still work."
        )


def sidebar(selection: state.Selection) -> Page:
    """The shared choices, and what they lead to.

    Raises
    ------
    MissingArtefact
        The workspace holds no study; the message names the command.
    """
    root = data.workspace()
    with st.sidebar:
        records = data.records(root)
        if not records:
            st.html(f'<p class="jee-small">Workspace {widgets.esc(root)}: no study yet.</p>')
            data.open_study(root)  # raises, naming the command
        handle, notes = _open(root, selection.study)
        study = data.study(handle)
        titles = data.study_titles(records)
        encoder_sets = data.encoder_set_names(handle)
        known = state.Known(
            studies=list(titles),
            encoder_sets=encoder_sets,
            n_splits=study.n_splits,
            classes=study.classes,
            modalities=data.modalities(handle),
            subsets=data.subsets(handle, 0),
            item_ids=data.items(handle).index,
        )
        fitted, more = state.fit(replace(selection, study=handle.digest), known)
        kept_study = handle.digest if selection.study else ""
        session.write(replace(fitted, study=kept_study))
        choose(titles, handle.digest, encoder_sets, study.n_splits)
    for note in [*notes, *more]:
        st.html(f'<p class="jee-small" role="status">{widgets.esc(note)}</p>')
    return Page(handle, fitted.encoder_set or encoder_sets[0], session.current())


def _open(root: str, digest: str) -> tuple[data.Handle, list[str]]:
    """The study of the address, or the newest with a sentence that says so."""
    try:
        return data.open_study(root, digest), []
    except MissingArtefact:
        if not digest:
            raise
        short = digest[:40]
        return data.open_study(root), [
            f"The address asks for the study “{short}”, which this workspace does not have: "
            "the newest one is shown."
        ]


def choose(titles: dict[str, str], digest: str, encoder_sets: list[str], n_splits: int) -> None:
    """The widgets of the sidebar."""

    def study_changed() -> None:
        session.open_study(st.session_state["choose_study"])

    def encoder_set_changed() -> None:
        session.change(encoder_set=st.session_state["choose_encoder_set"])

    st.session_state["choose_study"] = digest
    st.selectbox(
        "Study",
        list(titles),
        format_func=lambda name: titles[name],
        key="choose_study",
        on_change=study_changed,
    )
    st.session_state["choose_encoder_set"] = session.current().encoder_set or encoder_sets[0]
    st.selectbox(
        "Encoders",
        encoder_sets,
        format_func=lambda encoder_set: encoder_set.replace("+", " + "),
        key="choose_encoder_set",
        on_change=encoder_set_changed,
        disabled=len(encoder_sets) == 1,
    )
    if n_splits > 1:
        st.selectbox(
            "Split",
            list(range(n_splits)),
            format_func=lambda split: f"{split + 1} of {n_splits}",
            help="Which random split's subsets, predictions and confusions are shown; "
            "scores are means over all splits",
            **session.bound("split"),
        )
    st.segmented_control(
        "Figures are saved as",
        ["png", "svg"],
        format_func=str.upper,
        required=True,
        **session.bound("picture"),
    )


def reads_words() -> bool:
    """Whether a study of the workspace embeds words with a network."""
    try:
        records = data.records(data.workspace())
        names = {name for record in records for name in record["config"].get("text") or ()}
        return any(not encoders.card(name).fitted for name in names - {ready_name("text")})
    except UserError:
        return False  # the page has said why


if __name__ == "__main__":  # in a server
    main()
    if reads_words():
        neighbours.import_ahead()
