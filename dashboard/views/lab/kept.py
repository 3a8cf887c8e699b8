"""The runs of this workspace: who keeps them, their numbers; rename, pin, delete, export."""

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import theme
from core.lab.recipe import Settings, in_words
from core.lab.runs import Kept
from dashboard import data, session
from dashboard.data import Handle
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.lab import form

TABLE = "lab_runs"


def show(page: Page, handle: Handle, own: Settings) -> None:
    """The table, and what can be done with the chosen run."""
    st.subheader("Runs", anchor=False)
    runs = [one for one in data.lab_runs(handle.root) if one.study == handle.digest]
    if not runs:
        widgets.small("No run yet. Every run that ends stands here, for everybody.")
        return
    table = as_table(runs)
    event = st.dataframe(
        table,
        hide_index=True,
        key=TABLE,
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        column_config={
            name: st.column_config.NumberColumn(format="%.3f")
            for name in table.columns
            if "," in name
        },
    )
    widgets.csv_button(table, page, "lab_runs")
    rows = event["selection"]["rows"] if event else []
    if not rows or rows[0] >= len(runs):
        widgets.small(
            "Choose a row to keep, open or delete a run. Runs without a name go when there are 40 "
            "newer ones."
        )
        return
    chosen(handle, own, runs[rows[0]])


def as_table(runs: list[Kept]) -> pd.DataFrame:
    """One row for each run."""
    return pd.DataFrame(
        [
            {
                "": "📌" if one.pinned else "",
                "name": one.name,
                "kept by": one.keeper,
                "changes": in_words(one.changes),
                **{named(name): value for name, value in one.numbers.items()},
                "seconds": round(one.seconds, 1),
                "made": one.created.replace("T", " ").rstrip("Z"),
                "run": one.id[:8],
            }
            for one in runs
        ]
    )


def named(number: str) -> str:
    """A headline number's name in words: `precision@10, sound to picture`."""
    what, _, of = number.partition(", ")
    return f"{what}, {theme.DIRECTION_NAMES.get(of) or theme.MODALITY_PLURALS.get(of, of)}"


def chosen(handle: Handle, own: Settings, one: Kept) -> None:
    """What can be done with a run."""
    root, settings = handle.root, Settings.from_dict(one.settings)
    with st.container(border=True):
        widgets.kicker(f"run {one.id[:8]}: {in_words(one.changes)}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name", one.name, key=f"lab_name_{one.id}")
            keeper = st.text_input("Kept by", one.keeper, key=f"lab_keeper_{one.id}")
            st.button(
                "Keep" if not one.name else "Rename",
                key="lab_keep",
                icon=":material/bookmark:",
                on_click=_try,
                args=(data.keep_run, root, one.id, name, keeper),
            )
        with st.container(horizontal=True):
            widgets.quiet_button(
                "Show",
                "lab_show",
                session.change,
                icon="visibility",
                lab=form.in_address(own, settings),
            )
            widgets.quiet_button(
                "Compare with it",
                "lab_compare",
                session.change,
                icon="compare_arrows",
                lab_base=one.id,
            )
            widgets.quiet_button(
                "Unpin" if one.pinned else "Pin",
                "lab_pin",
                _try,
                data.pin_run,
                root,
                one.id,
                not one.pinned,
                icon="push_pin",
            )
            widgets.quiet_button(
                "Delete", "lab_delete", _try, data.delete_run, root, one.id, icon="delete"
            )
            st.download_button(
                "Study file",
                lambda: data.study_file(handle, settings),
                file_name=f"run_{one.id[:8]}.yaml",
                key="lab_study_file",
                type="tertiary",
                icon=":material/download:",
                on_click="ignore",
                help="`python -m precompute all --study FILE` computes the run in full",
            )


def _try(action: object, *args: object) -> None:
    try:
        action(*args)  # type: ignore[operator]
        st.session_state.pop("lab_wrong", None)
    except UserError as error:
        st.session_state["lab_wrong"] = str(error)
