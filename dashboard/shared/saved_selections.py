"""Saved selections on a page: save the selected items, list the saved ones, reopen, export."""

import functools
import io
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.errors import UserError
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import map_selection, widgets
from dashboard.shared.map_selection import Chosen

MOST_LISTED = 50
PARAMETER = "saved"


def save_form(page: Page, item_ids: Sequence[str]) -> None:
    """A form that saves the selected items under a name."""
    with st.popover("Save the selection", icon=":material/bookmark_add:"):
        with st.form("save_selection", border=False, clear_on_submit=True):
            name = st.text_input("Name", max_chars=200)
            note = st.text_area("Note", max_chars=2_000, height=68)
            tags = st.text_input("Tags, separated by commas", max_chars=300)
            wanted = st.form_submit_button("Save")
        if not wanted:
            return
        try:
            number = data.save_selection(page.handle, name, item_ids, note, tags.split(","))
        except UserError as error:
            widgets.notice(str(error))
            return
        widgets.small(f"Saved as number {number}.")


def show(page: Page) -> None:
    """The saved selections of the study; nothing where there are none."""
    open_linked(page)
    try:
        known = data.saved(page.handle)
    except UserError:
        return  # the form says why nothing can be saved
    if not known:
        return
    with st.expander(f"Saved selections ({len(known):,})", icon=":material/bookmarks:"):
        for one in known[:MOST_LISTED]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                facts = [f"{one.n_items:,} items", *one.tags, one.saved]
                st.html(
                    f'<div><b>{widgets.esc(one.name)}</b> <span class="jee-small">'
                    f"{widgets.esc(', '.join(facts))}</span>"
                    f'<div class="jee-small">{widgets.esc(one.note)}</div></div>'
                )
                number = one.number
                widgets.quiet_button(
                    "Open", f"saved_{number}", reopen, page, number, icon="open_in_new"
                )
                widgets.quiet_button(
                    "Use as filter", f"saved_only_{number}", use, number, icon="filter_alt"
                )
                exports(page, number)
                widgets.quiet_button(
                    "Delete",
                    f"saved_delete_{number}",
                    data.delete_selection,
                    page.handle,
                    number,
                    icon="delete",
                )


def exports(page: Page, number: int) -> None:
    """Buttons that save the item ids as CSV and as Parquet."""
    for kind, mime in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")):
        st.download_button(
            kind.capitalize() if kind == "parquet" else "CSV",
            functools.partial(table_bytes, page, number, kind),
            file_name=f"selection_{number}.{kind}",
            mime=mime,
            key=f"saved_{kind}_{number}",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )


def table_bytes(page: Page, number: int, kind: str) -> bytes:
    """`item_id` of a saved selection as a file."""
    one = data.saved_selection(page.handle, number)
    table = pd.DataFrame({"item_id": list(one.item_ids)})
    if kind == "parquet":
        out = io.BytesIO()
        table.to_parquet(out, index=False)
        return out.getvalue()
    facts = {
        **data.provenance(page.handle, page.encoder_set),
        "selection": one.name,
        "note": one.note,
        "tags": ", ".join(one.tags),
    }
    return widgets.csv_bytes(table, facts)


def reopen(page: Page, number: int) -> None:
    """Mark a saved selection on the maps, and open its items; its link is in the address."""
    one = data.saved_selection(page.handle, number)
    known = data.items(page.handle).index
    ids = [item_id for item_id in one.item_ids if item_id in known]
    st.session_state[map_selection.REOPENED] = Chosen(f"saved {number}", ids)
    st.session_state[map_selection.LASSO] = ids
    session.change(items=map_selection.evenly(ids), saved=number)


def use(number: int) -> None:
    """Show only this selection on all pages."""
    session.change(only=number)


def open_linked(page: Page) -> None:
    """Mark the selection that the address names, in a session that has not yet opened it."""
    number = session.current().saved
    if not number or st.session_state.get(map_selection.REOPENED, Chosen("", [])).name == (
        f"saved {number}"
    ):
        return
    try:
        reopen(page, number)
    except UserError as error:
        session.change(saved=0)
        widgets.notice(str(error))
        return
    st.rerun()
