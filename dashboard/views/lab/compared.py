"""What a run is compared with: its study, or a run that somebody keeps."""

import streamlit as st

from core.lab.recipe import Settings, in_words
from dashboard import data, session
from dashboard.data import Handle
from dashboard.shared import controls


def choose(handle: Handle, settings: Settings) -> str:
    """The digest of what the run is compared with: that of the study by default."""
    runs = [one for one in data.lab_runs(handle.root) if one.study == handle.digest]
    names, mine = {"": "the study"}, data.run_id(handle, settings)
    for one in runs:
        if one.id != mine:
            names[one.id] = f"Run “{one.name}”" if one.name else f"Run {in_words(one.changes)}"
    chosen = session.current().lab_base
    chosen = chosen if chosen in names else ""
    if len(names) > 1:
        controls.choose(
            "Compared with",
            list(names),
            chosen,
            "lab_compared",
            lambda id: session.change(lab_base=id),
            names,
        )
    elif session.current().lab_base:
        session.change(lab_base="")
    st.session_state["lab_base_name"] = names[chosen]
    return chosen
