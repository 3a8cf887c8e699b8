"""More about a query: predicted classes, its place on the map, milliseconds per step."""

import streamlit as st

from core.clock import Clock
from core.errors import MissingArtefact, UserError
from core.figures import bars, theme
from core.retrieval.retriever import Answer
from dashboard import data, session
from dashboard.shared import map_panel, widgets
from dashboard.shared.widgets import esc
from dashboard.views.retrieve.query_state import Query

STEPS = ("decode", "embed", "project", "search", "score", "classify", "place")


def show(query: Query, answer: Answer, clock: Clock) -> None:
    left, middle, right = st.columns([1.15, 1.45, 0.62], gap="medium")
    with left:
        class_scores(query, clock)
    with middle:
        place(query, answer, clock)
    with right:
        milliseconds(clock)


def class_scores(query: Query, clock: Clock) -> None:
    st.subheader("Predicted classes", anchor=False)
    page, number = query.page, 0
    inputs = [(entry.name, weighted) for entry in query.entries for weighted in entry.weighted]
    if len(inputs) > 1:
        names = [
            f"{name} ({theme.MODALITY_NAMES[weighted.query_input.modality]})"
            for name, weighted in inputs
        ]
        number = st.selectbox(
            "Of",
            range(len(inputs)),
            format_func=lambda row: names[row],
            key="query_scores_of",
            label_visibility="collapsed",
        )
    try:
        with clock.time("classify"):
            scores = query.retriever.class_scores(inputs[number][1])
    except MissingArtefact as error:
        widgets.notice(str(error))
        return
    n_classes = max(1, len(page.study.paired_classes))
    widgets.show(
        bars.class_scores(scores, 1 / n_classes, widgets.dark()),
        page,
        "class_scores",
        "Class scores of the query",
        table=scores,
    )
    widgets.small(
        f"Votes of random forests trained on {n_classes} classes of the first split. The dotted "
        f"line is an even vote, {1 / n_classes:.1%}."
    )


def place(query: Query, answer: Answer, clock: Clock) -> None:
    st.subheader("Place on the map", anchor=False)
    page = query.page
    searched = session.current().within.removesuffix("_all")
    mapped = data.mapped_spaces(page.handle, page.encoder_set)
    space = searched if searched in mapped else "translation"
    try:
        with clock.time("place"):
            star = query.retriever.place(query.weighted, space, "umap", 2)
        map_panel.show(
            page,
            [map_panel.Side(page.handle, page.encoder_set, space, theme.SPACE_NAMES[space])],
            key="place_map",
            name="place",
            title="The query on the map",
            height_px=400,
            method="umap",
            found=list(answer.results["item_id"]),
            star=star,
            compact=True,
        )
    except UserError as error:
        widgets.notice(str(error))
        return
    widgets.small(
        "The star marks the query, placed by its nearest neighbours in the full space "
        f"({theme.SPACE_NAMES[space]} of the study split). Do not read distances off this "
        "picture. Rings mark the results."
    )


def milliseconds(clock: Clock) -> None:
    st.subheader("Time per step", anchor=False)
    rows = "".join(
        f"<tr><td>{esc(step)}</td><td class='n'>{clock.ms[step]:,.1f}</td></tr>"
        for step in STEPS
        if step in clock.ms
    )
    total = sum(clock.ms.get(step, 0.0) for step in STEPS)
    st.html(
        '<table class="jee-table" data-testid="milliseconds"><tr><th>step</th>'
        f'<th style="text-align:right">ms</th></tr>{rows}'
        f"<tr><td><b>total</b></td><td class='n'><b>{total:,.1f}</b></td></tr></table>"
    )
    widgets.small("On the server. A file is decoded and embedded once, when it is added.")
