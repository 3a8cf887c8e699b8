"""The best and the worst queries of a ranking, as media cards."""

import streamlit as st

from core.errors import UserError
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import cards, controls, open_items, widgets

N_QUERIES = 6


def show(page: Page) -> None:
    st.subheader("Best and worst queries", anchor=False)
    try:
        found = data.queries(page.handle, page.encoder_set, page.selection.split)
    except UserError as error:
        widgets.notice(str(error))
        return
    with controls.row():
        controls.direction(found["direction"].unique())
        controls.space(found["space"].unique())
    chosen = session.current()
    found = found[(found["direction"] == chosen.direction) & (found["space"] == chosen.space)]
    found = found.dropna(subset=["average_precision"])
    if found.empty:
        widgets.small("No query is stored for this direction and space.")
        return
    ranked = found.sort_values(["average_precision", "item_id"], ascending=[False, True])
    for which, rows in (
        ("best", ranked.head(N_QUERIES)),
        ("worst", ranked.tail(N_QUERIES).iloc[::-1]),
    ):
        widgets.kicker(f"{which} by average precision")
        notes = [
            f"AP {row.average_precision:.2f}, precision@10 {row.precision_at_10:.2f}, "
            f"NDCG {row.ndcg:.2f}"
            for row in rows.itertuples()
        ]
        cards.grid(
            page.handle,
            list(rows["item_id"]),
            key=f"query_{which}",
            notes=notes,
            columns=N_QUERIES,
            on_open=cards.open_item,
        )
    widgets.small(
        f"{len(found):,} queries of split {chosen.split + 1}. Open one to see its neighbours."
    )
    open_items.show(page, key="queries", title="open")
    widgets.csv_button(ranked, page, "queries")
