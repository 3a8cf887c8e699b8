"""Lab: train the study's translation by another recipe, and see what changes."""

import streamlit as st

from core.errors import UserError
from core.lab.recipe import Settings, in_words
from dashboard import data, session
from dashboard.data import Handle
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.lab import compared, form, kept, live, questions, results, sweeps

JOB = "lab_job"


def show(page: Page) -> None:
    widgets.heading(
        "Lab",
        "Ask a question, or change the recipe and run it. A run trains the study's space anew, "
        "and each of its numbers stands beside that of the study.",
    )
    handle = data.lab_study(page.handle)
    encoder_set = page.encoder_set if handle == page.handle else ""
    study = data.study(handle)
    known = data.encoder_set_names(handle)
    encoder_set = encoder_set if encoder_set in known else known[0]
    if not study.has_audio_and_image(encoder_set):
        widgets.notice(
            "The lab compares sounds and pictures, and this encoder set lacks one of them: choose "
            "another study or other encoders in the sidebar."
        )
        return
    data.need_evaluated(handle, encoder_set)
    own = data.own_settings(handle, encoder_set)
    settings, notes = form.asked(own)
    wrong = st.session_state.get("lab_wrong")
    data.lab_queue().warm()
    busy = live.is_open(st.session_state.get(JOB))
    questions.show(own, study.paired_classes, lambda asked: ask(handle, own, asked), busy)
    buttons(handle, own, settings)
    for note in [*notes, *([wrong] if wrong else [])]:
        widgets.notice(note)
    with st.container(key="lab_sides"):  # on a narrow screen the results come first
        left, right = st.columns([1.0, 2.6], gap="large")
    with left, st.container(key="lab_recipe"):
        base = compared.choose(handle, settings)
        form.show(own, settings, study.paired_classes, data.has_windows(handle, encoder_set))
        sweeps.form(handle, settings)
    with right:
        job = st.session_state.get(JOB)
        if live.is_open(job):
            live.follow(page, handle, job)
        else:
            if live.is_sweep(job):
                sweeps.show(page, job)
            results.show(page, handle, settings, base, job)
    kept.show(page, handle, own)


def buttons(handle: Handle, own: Settings, settings: Settings) -> None:
    """Run, back to the study's recipe, and what the recipe is now."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Run",
            type="primary",
            icon=":material/play_arrow:",
            key="lab_run",
            on_click=run,
            args=(handle, settings),
            disabled=live.is_open(st.session_state.get(JOB)),
        )
        widgets.quiet_button(
            "As the study",
            "lab_reset",
            session.change,
            icon="undo",
            disabled=settings == own,
            lab=(),
        )
        st.html(f'<div class="jee-label">{widgets.esc(in_words(settings.differences(own)))}</div>')


def ask(handle: Handle, own: Settings, settings: Settings) -> None:
    """Set the recipe of a question, and run it."""
    session.change(lab=form.in_address(own, settings), lab_base="")
    run(handle, settings)


def run(handle: Handle, settings: Settings) -> None:
    """Put the run into the queue."""
    try:
        base = session.current().lab_base
        st.session_state[JOB] = data.start(handle, [("", settings)], base=base)
        st.session_state.pop("lab_wrong", None)
    except UserError as error:
        st.session_state["lab_wrong"] = str(error)
