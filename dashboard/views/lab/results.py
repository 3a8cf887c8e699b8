"""The numbers of a run beside those that it is compared with, each with its difference."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import curves, lab, matrices, theme
from core.lab.queue import Job
from core.lab.recipe import Settings
from core.lab.run import Step
from dashboard import data, session, state
from dashboard.data import Handle
from dashboard.page import Page
from dashboard.shared import map_panel, summaries, widgets
from dashboard.views.classify.confusions import counts_of

PAGES = ("map", "classify", "centroids", "compare")


def value_text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def show(page: Page, handle: Handle, settings: Settings, base: str, job: Any) -> None:
    """The result of the settings, if it is there; else what to do."""
    if isinstance(job, Job) and job.state == "failed":
        widgets.notice(job.sentence)
    elif isinstance(job, Job) and job.state == "cancelled":
        widgets.notice("The run was cancelled: nothing of it is kept.")
    id = data.run_id(handle, settings)
    if data.kept_run(handle.root, id) is None:
        stored(page, handle, settings)
        return
    steps = _steps(handle, settings, id, base, job)
    if not steps:
        widgets.small("The numbers of this run are compared with others now: press Run.")
        return
    facts = steps[-1].facts
    widgets.small(
        f"Run {id[:8]}, made in {facts.get('seconds', 0):.0f} s"
        + (f", on {facts['sample']}" if facts.get("sample") else "")
        + f". Compared with {st.session_state.get('lab_base_name', 'the study')}."
    )
    numbers(steps)
    curves_of(page, handle, steps, base, "result")
    all_differences(page, steps)
    loss(page, steps)
    confusions(handle, id)
    placed(page, handle, id, settings)


def stored(page: Page, handle: Handle, settings: Settings) -> None:
    """The study's own numbers, before anything was run."""
    widgets.small(
        "These are the numbers of the study. Press Run, or one of the questions: the first numbers "
        "of a run come within a few seconds, each beside the study's."
    )
    encoder_set = settings.recipe.encoder_set
    kind = {"space": "translation", "metric": "precision@10", "encoder_set": encoder_set}
    rows = data.measurements(handle, study="ranking", **kind)
    cards = []
    for direction in ("audio_to_image", "image_to_audio"):
        mine = rows[(rows["direction"] == direction) & (rows["class"] == "") & (rows["split"] == 0)]
        mine = mine[mine["training"] == 0] if "training" in mine else mine
        values = {row["system"]: row for row in mine.to_dict("records")}
        if "" in values:
            chance = values.get("random", {}).get("value")
            scale = f"chance {summaries.number(chance)}; " if chance is not None else ""
            n = f"{scale}{int(values['']['n']):,} queries"
            what = f"precision@10, {theme.DIRECTION_NAMES[direction]}"
            cards.append((what, summaries.number(values[""]["value"]), "", n))
    scores = data.scores(handle, handle.digest, encoder_set)
    for target in ("image", "audio"):
        mine = scores[(scores["target"] == target) & (scores["n_target"] == 0)]
        if len(mine):
            what = f"zero-shot F1, {theme.MODALITY_PLURALS[target]}"
            n = f"chance {summaries.number(mine['chance'].mean())}; {len(mine)} draws"
            cards.append((what, summaries.number(mine["value"].mean()), "", n))
    widgets.numbers(cards, narrow=True)
    for place, target in zip(st.columns(2, gap="medium"), ("image", "audio"), strict=True):
        mine = scores[scores["target"] == target]
        if len(mine):
            with place:
                widgets.kicker(f"tested on {theme.MODALITY_PLURALS[target]}")
                names = ("this run", "the study")
                figure = lab.curves(mine[:0], mine, target, names, widgets.dark())
                st.plotly_chart(figure, theme=None, key=f"lab_stored_{target}")


def _steps(handle: Handle, settings: Settings, id: str, base: str, job: Any) -> list[Step]:
    """Those of the job that has just ended, or of the files."""
    if isinstance(job, Job) and job.state == "done" and job.base == base and not job.exchange:
        for number, (_, asked) in enumerate(job.runs):
            if asked == settings and job.study == handle.digest:
                return [step for of, step in job.steps if of == number]
    key = (handle.digest, id, base)
    steps: list[Step] = session.once(
        "lab_steps", key, lambda: _stored(handle, settings, id, base), 8
    )
    return steps


def _stored(handle: Handle, settings: Settings, id: str, base: str) -> list[Step]:
    try:
        return data.finished_steps(handle, id, base or data.usual_base(handle, settings), settings)
    except UserError:
        return []  # what it is compared with is gone


def numbers(steps: Sequence[Step]) -> None:
    """The headline numbers, each with its difference."""
    rows = [row for step in steps for row in step.differences]
    cards = []
    for row in rows:
        ranked = row["metric"] == "precision@10"
        if ranked or (row["metric"] == "macro_f1" and row["n_target"] == 0):
            cards.append(_card(row, ranked))
    if cards:
        widgets.numbers(cards, narrow=True)


def _card(row: dict[str, Any], ranked: bool) -> tuple[str, str, str, str]:
    names = theme.MODALITY_PLURALS
    what = "precision@10, " + theme.DIRECTION_NAMES.get(row["direction"], "") if ranked else ""
    what = what or f"zero-shot F1, {names[row['target']]}"
    n = f"{row['n']:,} queries" if ranked else f"{row['n']} draws"
    chance = row.get("chance")
    scale = f"before {summaries.number(row['base'])}"
    scale += f", chance {summaries.number(chance)}" if chance is not None else ""
    return (
        what,
        summaries.number(row["value"]),
        f"{row['difference']:+.3f}",
        f"{scale}; {interval_text(row)}, {n}",
    )


def interval_text(row: dict[str, Any]) -> str:
    if row["low"] is None:
        return "one draw: no interval"
    return f"difference {row['low']:+.3f} to {row['high']:+.3f}"


def covered_text(rows: Sequence[dict[str, Any]]) -> str:
    """What the intervals cover, in one sentence for each kind of measure."""
    of_f1 = {row["covers"] for row in rows if row["metric"] == "macro_f1"}
    said = ["95 % intervals from a paired bootstrap: ranking over the queries that both share"]
    if of_f1:
        said.append(f"F1 over the {' or '.join(sorted(of_f1))} that both share")
    return ", ".join(said) + "."


def named(row: dict[str, Any]) -> str:
    """A measure in words."""
    metric = summaries.metric_name(row["metric"])
    if row["direction"]:
        return f"{metric}, {theme.DIRECTION_NAMES.get(row['direction'], row['direction'])}"
    items = "zero-shot" if row["n_target"] == 0 else f"{row['n_target']:,} items"
    return f"F1 on {theme.MODALITY_PLURALS[row['target']]}, {items}"


def all_differences(page: Page, steps: Sequence[Step]) -> None:
    """Every difference with its interval, as a figure and a table."""
    rows = [row for step in steps for row in step.differences]
    table = pd.DataFrame([{"measure": named(row), **row} for row in rows])
    if table.empty:
        return
    st.subheader("Differences", anchor=False)
    table = table.drop_duplicates("measure")
    shown = table.astype({"low": float, "high": float})
    widgets.show(
        partial(lab.differences, shown, widgets.dark()),
        page,
        "lab_differences",
        "Differences of the run, with their intervals",
        table=table,
    )
    widgets.small(covered_text(rows))


def curves_of(page: Page, handle: Handle, steps: Sequence[Step], base: str, key: str) -> None:
    """Macro F1 at each point, beside the study or the other run."""
    rows = [row for step in steps if step.name in ("zero_shot", "mix_in") for row in step.rows]
    if not rows:
        return
    mine = pd.DataFrame(rows)
    digest = base or handle.digest
    other = data.scores(handle, digest, page.encoder_set)
    if mine["system"].iloc[0] != "MMT" and not base:
        other = other.iloc[:0]  # the study's own curve is of another classifier
    targets = [name for name in ("image", "audio") if (mine["target"] == name).any()]
    for place, target in zip(st.columns(len(targets), gap="medium"), targets, strict=True):
        with place:
            widgets.kicker(f"tested on {theme.MODALITY_PLURALS[target]}")
            at = mine[mine["target"] == target]
            beside = other[(other["target"] == target)]
            beside = beside[beside["n_target"].isin(at["n_target"])]
            names = ("this run", st.session_state.get("lab_base_name", "the study"))
            figure = lab.curves(at, beside, target, names, widgets.dark())
            name = f"lab_curve_{target}"
            if key == "live":
                st.plotly_chart(figure, theme=None, key=f"{name}_live")
            else:
                title = f"Mix-in curve on {theme.MODALITY_PLURALS[target]}"
                widgets.show(figure, page, name, title, table=at)


def loss(page: Page, steps: Sequence[Step]) -> None:
    trained = next((step for step in steps if step.name == "trained"), None)
    if trained is None:
        return
    with st.expander("Training"):
        history, best = pd.DataFrame(trained.rows), trained.facts.get("best_epoch")
        figure = curves.training(history, best, widgets.dark())
        widgets.show(figure, page, "lab_loss", "Loss of each epoch", table=history)


def confusions(handle: Handle, id: str) -> None:
    """The run's confusion matrices; a click opens the page Classify."""
    run = data.open_study(handle.root, id)
    rows = data.measurements(run, study="classification", metric="confusion", system="MMT")
    if rows.empty:
        return
    classes = data.study(run).paired_classes
    with st.expander("Confusions with all items"):
        for place, target in zip(st.columns(2), ("image", "audio"), strict=True):
            mine = rows[rows["target"] == target]
            if len(mine):
                with place:
                    widgets.kicker(f"tested on {theme.MODALITY_PLURALS[target]}")
                    figure = matrices.confusion(counts_of(mine, classes), classes, widgets.dark())
                    st.plotly_chart(figure, theme=None, key=f"lab_confusion_{target}")


def placed(page: Page, handle: Handle, id: str, settings: Settings) -> None:
    """The study's map beside the run's, which is placed on it; and the pages that open the run."""
    run = data.open_study(handle.root, id)
    encoder_set = data.encoder_set_names(run)[0]
    if data.has_map(run, encoder_set):
        with st.expander("Map"):
            if st.toggle("Show both maps", key="lab_maps"):
                sides = [
                    map_panel.Side(handle, settings.recipe.encoder_set, "translation", "the study"),
                    map_panel.Side(run, encoder_set, "translation", "this run"),
                ]
                map_panel.show(page, sides, key="lab_map", name="lab_map", title="Two maps")
            widgets.small(
                "Each item stands among its neighbours of the run, on the study's map: an item "
                "that moved has other neighbours now."
            )
    other = (
        ""
        if settings.recipe.space == "translation"
        else (f" Its space ({settings.recipe.space.upper()}) is named translation there.")
    )
    widgets.small(f"The run opens on other pages like a study.{other}")
    with st.container(horizontal=True):
        for name in PAGES:
            chosen = replace(session.current(), study=id, encoder_set="", split=0, items=())
            if name == "compare":
                chosen = replace(chosen, other=handle.digest)
            st.page_link(
                st.Page(lambda: None, title=name.capitalize(), url_path=name),
                label=f"Open on {name.capitalize()}",
                icon=":material/open_in_new:",
                query_params=state.to_params(chosen),
            )
