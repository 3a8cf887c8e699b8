"""The sidebar of every page: which study, which encoders, which split, how pictures are saved."""

from dataclasses import replace

import streamlit as st

from core.encoder_sets import spaced
from core.errors import MissingArtefact, UserError
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import controls, widgets

OWN_DATASET = ("lab",)  # pages that train, and so show the study's own dataset alone


def sidebar(selection: state.Selection) -> Page:
    """Draw the sidebar and make the page of its choices.

    Raises
    ------
    MissingArtefact
        The workspace has no study; the message names the command.
    """
    root = data.workspace()
    with st.sidebar:
        titles = data.study_titles(root)
        if not titles:
            widgets.small(f"Workspace {root}: no study yet.")
            data.open_study(root)  # raises, naming the command
        handle, notes = _open(root, selection.study)
        test_sets = data.test_sets(handle)
        shows_them = session.page() not in OWN_DATASET
        if selection.tested_on in test_sets and shows_them:
            handle = handle._replace(test_set=selection.tested_on)
        study = data.study(handle)
        encoder_sets = data.encoder_set_names(handle)
        known = state.Known(
            studies=list(titles),
            encoder_sets=encoder_sets,
            n_splits=study.n_splits,
            classes=study.classes,
            modalities=data.modalities(handle),
            subsets=data.subsets(handle, 0),
            item_ids=data.items(handle).index,
            test_sets=test_sets,
        )
        fitted, dropped = state.fit(replace(selection, study=handle.digest), known)
        session.write(replace(fitted, study=handle.digest if selection.study else ""))
        offered = test_sets if shows_them else []
        _choices(titles, handle.digest, offered, encoder_sets, study.n_splits)
        dropped += _selections(handle)
    for sentence in data.damaged_studies(root):
        widgets.notice(sentence)
    for note in [*notes, *dropped]:
        st.html(f'<p class="jee-small" role="status">{widgets.esc(note)}</p>')
    return Page(handle, fitted.encoder_set or encoder_sets[0], session.current())


def _open(root: str, digest: str) -> tuple[data.Handle, list[str]]:
    """The study of the address; or the newest one, with a sentence that says so."""
    try:
        return data.open_study(root, digest), []
    except MissingArtefact:
        if not digest:
            raise
        return data.open_study(root), [
            f"The address names the study “{digest[:40]}”, which this workspace does not have: "
            "the newest one is shown."
        ]


def _selections(handle: data.Handle) -> list[str]:
    """The saved selection that filters all pages; a sentence where the address names no such."""
    number = session.current().only
    try:
        known = {one.number: one for one in data.saved(handle)}
    except UserError:
        known = {}
    if number and (number not in known or not data.kept_items(handle, number)):
        session.change(only=0)
        return [
            f"The address names the saved selection {number}, which has no items of this study: "
            "ignored."
        ]
    if known:
        controls.choose(
            "Only the selection",
            ["", *map(str, known)],
            str(number or ""),
            "choose_selection",
            lambda chosen: session.change(only=int(chosen or 0), items=()),
            {"": "all items"}
            | {str(n): f"{one.name} ({one.n_items:,})" for n, one in known.items()},
        )
    if number:
        widgets.small(
            "Maps, searches, tags and confusions show only the items of this selection. Stored "
            "scores and intervals are over all items."
        )
    return []


def _choices(
    titles: dict[str, str],
    digest: str,
    test_sets: list[str],
    encoder_sets: list[str],
    n_splits: int,
) -> None:
    controls.choose("Study", list(titles), digest, "choose_study", session.open_study, titles)
    if test_sets:
        controls.choose(
            "Tested on",
            ["", *test_sets],
            session.current().tested_on,
            "choose_test_set",
            session.test_on,
            {"": "its own dataset"} | {name: name for name in test_sets},
        )
        if name := session.current().tested_on:
            widgets.small(
                f"All items are of {name}, which nothing was trained on. Spaces and classifiers "
                "are the study's."
            )
    controls.choose(
        "Encoders",
        encoder_sets,
        session.current().encoder_set or encoder_sets[0],
        "choose_encoder_set",
        lambda name: session.change(encoder_set=name),
        spaced,
        disabled=len(encoder_sets) == 1,
    )
    if n_splits > 1:
        st.selectbox(
            "Split",
            list(range(n_splits)),
            format_func=lambda split: f"{split + 1} of {n_splits}",
            help="The random split whose subsets, predictions and confusions are shown. Scores "
            "are means over all splits.",
            **session.bound("split"),
        )
    controls.one("Figures are saved as", "picture", names=str.upper)
