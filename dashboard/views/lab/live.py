"""A run while it goes on: its place in the queue, its progress, its first numbers."""

import time
from typing import Any, TypeGuard

import pandas as pd
import streamlit as st

from core.figures import curves
from core.lab.queue import Job
from dashboard import data
from dashboard.data import Handle
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.views.lab import results

REFRESH_S = 0.5


def is_open(job: Any) -> TypeGuard[Job]:
    """Whether a job of this session waits or runs."""
    return isinstance(job, Job) and not job.is_over


def is_sweep(job: Any) -> TypeGuard[Job]:
    """Whether a job of this session was a sweep, or an exchange rate, that is done."""
    return isinstance(job, Job) and job.state == "done" and bool(job.setting or job.exchange)


@st.fragment(run_every=REFRESH_S)
def follow(page: Page, handle: Handle, job: Job) -> None:
    """Show a job twice a second until it is over; then the page is drawn again."""
    if job.is_over:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(job.done, 1.0), text=text_of(job))
        st.button(
            "Cancel",
            icon=":material/stop:",
            key="lab_cancel",
            on_click=lambda: data.lab_queue().cancel(job),
        )
    number = job.steps[-1][0] if job.steps else 0
    steps = [step for of, step in job.steps if of == number]
    if job.history:
        widgets.kicker("loss")
        figure = curves.training(pd.DataFrame(job.history), dark=widgets.dark())
        st.plotly_chart(figure.update_layout(height=230), theme=None, key="lab_live_loss")
    if not job.exchange:
        results.numbers(steps)
        results.curves_of(page, handle, steps, job.base, "live")


def text_of(job: Job) -> str:
    """Where a job is, in one line."""
    before = data.lab_queue().position(job)
    if job.state == "waiting":
        runs = "1 run is" if before == 1 else f"{before} runs are"
        return f"Waiting: {runs} before this one" if before else "Starts now"
    last = job.steps[-1][1].title if job.steps else job.sentence or "Starting"
    if job.history and job.steps and job.steps[-1][1].name == "planned":
        last = f"Training, epoch {len(job.history)}"
    of = ""
    if len(job.runs) > 1 and job.steps:
        number = job.steps[-1][0]
        of = f"{job.setting} {results.value_text(job.runs[number][0])}: "
    left = job.seconds_left
    spent = f"{time.time() - job.started:.0f} s"
    return f"{of}{last} · {spent}" + (f", about {left:.0f} s left" if left is not None else "")
