"""More about a query: predicted classes, its place on the map, milliseconds per step."""

import streamlit as st

from core.clock import Clock
from core.errors import MissingArtefact, UserError
from core.figures import bars, query_map, theme
from core.retrieval.retriever import Answer, Retriever
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import cards, widgets
from dashboard.shared.widgets import esc
from dashboard.views.retrieve.query_state import QueryEntry

MAX_BACKGROUND = 2_000  # points of the map behind the star
STEPS = ("decode", "embed", "project", "search", "score", "classify", "place")
CHART = "place_map"


def show(
    page: Page, retriever: Retriever, entries: list[QueryEntry], answer: Answer, clock: Clock
) -> None:
    left, middle, right = st.columns([1.15, 1.45, 0.62], gap="medium")
    with left:
        class_scores(page, retriever, entries, clock)
    with middle:
        place(page, retriever, entries, answer, clock)
    with right:
        milliseconds(clock)


def class_scores(page: Page, retriever: Retriever, entries: list[QueryEntry], clock: Clock) -> None:
    st.subheader("Predicted classes", anchor=False)
    inputs = [(entry.name, weighted) for entry in entries for weighted in entry.weighted]
    number = 0
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
            scores = retriever.class_scores(inputs[number][1])
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


def place(
    page: Page, retriever: Retriever, entries: list[QueryEntry], answer: Answer, clock: Clock
) -> None:
    st.subheader("Place on the map", anchor=False)
    space = "pca" if session.current().within == "pca" else "translation"
    query = [weighted for entry in entries for weighted in entry.weighted]
    try:
        with clock.time("place"):
            star = retriever.place(query, space, "umap", 2)
        all_points = data.map_points(page.handle, page.encoder_set, space, "umap", 2, 0)
    except UserError as error:
        widgets.notice(str(error))
        return
    found = list(answer.results["item_id"])
    points = all_points.sample(MAX_BACKGROUND, keep=found)
    widgets.show(
        query_map.figure(points, page.study.classes, star, dark=widgets.dark(), found=found),
        page,
        "place",
        "The query on the map",
        key=CHART,
        on_select=open_clicked,
    )
    n, n_all = len(points), len(all_points)
    drawn = "" if n == n_all else f" {n:,} of {n_all:,} points are drawn."
    widgets.small(
        f"The star marks the query, placed by its nearest neighbours in the full space "
        f"({theme.SPACE_NAMES[space]} of the study split). Do not read distances off this "
        f"picture. Rings mark the results.{drawn}"
    )


def open_clicked() -> None:
    """A click on a point of the map opens its item."""
    if item_id := session.clicked(CHART):
        cards.open_item(item_id)


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
