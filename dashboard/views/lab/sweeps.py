"""Sweeps: one control over a list of values; and the exchange rate of two modalities."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import lab, theme
from core.lab.queue import Job
from core.lab.recipe import Settings
from dashboard import data, session
from dashboard.data import Handle
from dashboard.page import Page
from dashboard.shared import charts, widgets
from dashboard.views.lab.results import covered_text, named, value_text

JOB = "lab_job"
USUAL = {
    "share": "0.03,0.1,0.3,1",
    "mismatched": "0,0.1,0.2,0.3,0.5",
    "n_dims": "8,16,32,64,128,256",
    "margin": "0.1,0.3,1",
    "temperature": "0.05,0.1,0.2,0.5",
    "loss": "margin,symmetric_margin,info_nce,siglip",
    "sampler": "uniform,balanced",
    "trainings": "1,3",
    "translation.seed": "0,1,2",
}
LINES = (
    ("macro_f1", "image", "zero-shot F1 on pictures", theme.SYSTEM_COLOURS["MMT"]),
    ("macro_f1", "audio", "zero-shot F1 on sounds", theme.SYSTEM_COLOURS["SMA"]),
    ("precision@10", "audio_to_image", "precision@10, sound to picture", "#3AA089"),
    ("precision@10", "image_to_audio", "precision@10, picture to sound", "#9B7BE9"),
)


def form(handle: Handle, settings: Settings) -> None:
    """The controls of a sweep, and of the exchange rate."""
    name, _, values = session.current().lab_sweep.partition("=")
    with st.expander("Sweep", expanded=bool(name)):
        chosen = name if name in USUAL else "share"
        st.session_state["lab_sweep_name"] = chosen
        st.selectbox(
            "Over",
            list(USUAL),
            format_func=lambda one: one.rpartition(".")[2].replace("_", " "),
            key="lab_sweep_name",
            on_change=lambda: session.change(
                lab_sweep=f"{st.session_state['lab_sweep_name']}="
                f"{USUAL[st.session_state['lab_sweep_name']]}"
            ),
        )
        st.session_state["lab_sweep_values"] = values or USUAL[chosen]
        st.text_input(
            "Values",
            key="lab_sweep_values",
            on_change=lambda: session.change(
                lab_sweep=f"{chosen}={st.session_state['lab_sweep_values']}"
            ),
        )
        widgets.small("A run for each value, with commas between them; runs that exist are reused.")
        st.button(
            "Run the sweep",
            key="lab_run_sweep",
            icon=":material/stacked_line_chart:",
            on_click=run,
            args=(handle, settings, chosen, values or USUAL[chosen]),
        )
    with st.expander("Exchange rate"):
        widgets.small(
            "How many pictures is a second of sound worth? As many as alone give the F1 that so "
            "many sounds give without any picture."
        )
        digest = data.run_id(handle, settings)
        there = data.kept_run(handle.root, digest) is not None
        for target, source in (("image", "audio"), ("audio", "image")):
            names = theme.MODALITY_PLURALS
            st.button(
                f"{names[source].capitalize()} in {names[target]}",
                key=f"lab_exchange_{target}",
                on_click=exchange,
                args=(handle, digest if there else handle.digest, target),
            )


def run(handle: Handle, settings: Settings, name: str, values: str) -> None:
    """Put the runs of a sweep into the queue."""
    try:
        asked = data.swept(settings, name, values.split(","))
        base = session.current().lab_base
        st.session_state[JOB] = data.start(handle, asked, name, base)
        session.change(lab_sweep=f"{name}={values}")
        st.session_state.pop("lab_wrong", None)
    except UserError as error:
        st.session_state["lab_wrong"] = str(error)


def exchange(handle: Handle, digest: str, target: str) -> None:
    st.session_state[JOB] = data.start_exchange(handle, digest, target)


def show(page: Page, job: Job) -> None:
    """The curve of a finished sweep, or the exchange rates."""
    if job.exchange:
        show_exchange(page, job)
        return
    rows: list[dict[str, Any]] = [
        {"setting_value": value_text(job.runs[number][0]), **row, "measure": named(row)}
        for number, step in job.steps
        for row in step.differences
    ]
    table = pd.DataFrame(rows)
    parts = []
    for metric, of, line, _ in LINES:
        is_f1 = metric == "macro_f1"
        mine = table[
            (table["metric"] == metric) & (table["target" if is_f1 else "direction"] == of)
        ]
        parts.append((mine[mine["n_target"] == 0] if is_f1 else mine).assign(line=line))
    shown = pd.concat(parts)
    # The interval is that of the difference, drawn around the value.
    shown["low"] = shown["base"] + shown["low"].astype(float)
    shown["high"] = shown["base"] + shown["high"].astype(float)
    there = set(shown["line"])
    colours = {line: colour for _, _, line, colour in LINES if line in there}
    note = (
        "Bars are the 95 % interval of the difference to the dashed line of the same colour; "
        "chance is dotted. "
        f"{covered_text(table.to_dict('records'))}"
    )
    figure = partial(lab.sweep, shown, job.setting, colours, widgets.dark())
    title = f"Sweep over {job.setting.rpartition('.')[2].replace('_', ' ')}"
    _figure(page, figure, title, f"lab_sweep_{job.setting}", table, note)


def show_exchange(page: Page, job: Job) -> None:
    table = pd.DataFrame(job.table)
    source = "audio" if job.exchange == "image" else "image"
    names = theme.MODALITY_PLURALS
    beyond = int(table["n_target"].isna().sum())
    note = "Mean, lowest and highest of three draws."
    note += f" {beyond} points are beyond all {names[job.exchange]} there are." if beyond else ""
    figure = partial(lab.exchange, table, job.exchange, source, widgets.dark())
    title = f"What {names[source]} are worth in {names[job.exchange]}"
    _figure(page, figure, title, f"lab_exchange_{job.exchange}", table, note)


def _figure(
    page: Page,
    figure: charts.Undrawn,
    title: str,
    name: str,
    table: pd.DataFrame,
    note: str,
) -> None:
    """A figure under its title, with a note on what it shows."""
    st.subheader(title, anchor=False)
    widgets.show(figure, page, name, title, table=table)
    widgets.small(note)
