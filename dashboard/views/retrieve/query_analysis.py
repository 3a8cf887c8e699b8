"""What else is known of a query: class scores, its place on the map, where the time went."""

import streamlit as st

from core.clock import Clock
from core.errors import MissingArtefact, UserError
from core.figures import bars, query_map, theme
from core.retrieval.query_inputs import WeightedInput
from core.retrieval.retriever import Answer, Retriever
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import cards, widgets
from dashboard.shared.widgets import esc
from dashboard.views.retrieve import query_state

MAX_BACKGROUND = 2_000  # points behind the star


def show(
    page: Page,
    retriever: Retriever,
    asked: list[WeightedInput],
    parts: list[query_state.Asked],
    answer: Answer,
    clock: Clock,
) -> None:
    """Class scores, the place on the map, the milliseconds."""
    left, middle, right = st.columns([1.15, 1.45, 0.62], gap="medium")
    with left:
        class_scores(page, retriever, parts, clock)
    with middle:
        placed(page, retriever, asked, answer, clock)
    with right:
        milliseconds(clock)


def class_scores(
    page: Page, retriever: Retriever, parts: list[query_state.Asked], clock: Clock
) -> None:
    st.subheader("What the systems say", anchor=False)
    things = [(one, part) for one in parts for part in one.parts()]
    number = 0
    if len(things) > 1:
        names = [
            f"{one.name} ({theme.MODALITY_NAMES[part.query_input.modality]})"
            for one, part in things
        ]
        number = st.selectbox(
            "Of",
            range(len(things)),
            format_func=lambda row: names[row],
            key="ask_scores_of",
            label_visibility="collapsed",
        )
    try:
        with clock.time("classify"):
            scores = retriever.class_scores(things[number][1])
    except MissingArtefact as error:
        widgets.notice(str(error))
        return
    n_classes = max(1, len(page.study.paired_classes))
    widgets.show(
        bars.class_scores(scores, 1 / n_classes, widgets.dark()),
        page.handle,
        "class_scores",
        "Class scores of the query",
        encoder_set=page.encoder_set,
        table=scores,
    )
    widgets.small(
        f"Votes of random forests that learned {n_classes} classes from the first split; the "
        f"dotted line is an even vote, {1 / n_classes:.1%}."
    )


def placed(
    page: Page, retriever: Retriever, asked: list[WeightedInput], answer: Answer, clock: Clock
) -> None:
    st.subheader("Its place on the map", anchor=False)
    space = "pca" if session.current().within == "pca" else "translation"
    try:
        with clock.time("place"):
            star = retriever.place(asked, space, "umap", 2)
        points = data.map_points(page.handle, page.encoder_set, space, "umap", 2, 0)
    except UserError as error:
        widgets.notice(str(error))
        return
    found = list(answer.results["item_id"])
    n_whole = len(points)
    points = points.sample(MAX_BACKGROUND, keep=found)
    made = query_map.figure(points, page.study.classes, star, dark=widgets.dark(), found=found)
    widgets.show(
        made,
        page.handle,
        "place",
        "The query on the map",
        encoder_set=page.encoder_set,
        key="place_map",
        on_select=take_point,
    )
    shown = "" if len(points) == n_whole else f" {len(points):,} of {n_whole:,} points are drawn."
    widgets.small(
        f"The star was placed by its nearest neighbours in the full space "
        f"({theme.SPACE_NAMES[space]} of the study split), not by this picture: distances are "
        f"not to be read off it. Rings are the results.{shown}"
    )


def take_point() -> None:
    """A click on a point of the small map opens its item."""
    if item_id := session.clicked("place_map"):
        cards.open_item(item_id)


def milliseconds(clock: Clock) -> None:
    st.subheader("Where the time went", anchor=False)
    steps = ["decode", "embed", "project", "search", "score", "classify", "place"]
    rows = "".join(
        f"<tr><td>{esc(step)}</td><td class='n'>{clock.ms[step]:,.1f}</td></tr>"
        for step in steps
        if step in clock.ms
    )
    total = sum(clock.ms.get(step, 0.0) for step in steps)
    st.html(
        '<table class="jee-table" data-testid="milliseconds"><tr><th>step</th>'
        f'<th style="text-align:right">ms</th></tr>{rows}'
        f"<tr><td><b>total</b></td><td class='n'><b>{total:,.1f}</b></td></tr></table>"
    )
    widgets.small("In the server; decode and embed when the file came in.")
