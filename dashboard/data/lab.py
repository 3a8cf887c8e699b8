"""Runs of the lab: the server's queue, the workspace's table, and the numbers of a run."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.lab import differences, export, queue, recipe, run, runs, sweep
from core.lab.plan import plan
from core.lab.queue import Job
from core.lab.recipe import Settings
from core.lab.run import Step
from core.lab.runs import Kept
from core.store import Store
from dashboard.data.studies import Handle, open_study, records, study


@st.cache_resource(show_spinner=False)
def lab_queue() -> queue.Queue:
    """The runs of this server, one at a time."""
    return queue.Queue()


def lab_study(handle: Handle) -> Handle:
    """The study that runs are made of: the one that is shown, or that of the run that is."""
    of = (study(handle).record.get("run") or {}).get("of")
    return open_study(handle.root, of) if of else handle


def need_evaluated(handle: Handle, encoder_set: str) -> None:
    """Check that the study is evaluated, which a run is compared with.

    Raises
    ------
    MissingArtefact
        It is not; the message names the command.
    """
    study(handle).artefact(f"evaluate:{encoder_set}:0")


def has_windows(handle: Handle, encoder_set: str) -> bool:
    """Whether the study has embedded other seconds of its recordings."""
    names = study(handle).modalities(encoder_set).values()
    return any(study(handle).has(f"extract:{name}:windows") for name in names)


def own_settings(handle: Handle, encoder_set: str) -> Settings:
    """The settings that a study itself has."""
    return recipe.settings_of(study(handle), encoder_set)


def swept(settings: Settings, name: str, texts: Sequence[str]) -> list[tuple[Any, Settings]]:
    """See `core.lab.sweep.settings_of`."""
    return sweep.settings_of(settings, name, texts)


def start(
    handle: Handle, asked: Sequence[tuple[Any, Settings]], setting: str = "", base: str = ""
) -> Job:
    """Check the settings and put their runs into the queue.

    Raises
    ------
    UserError
        The settings are impossible.
    """
    for _, settings in asked:
        plan(study(handle), settings)
    return lab_queue().submit(Job(handle.root, handle.digest, asked, setting, base))


def start_exchange(handle: Handle, digest: str, target: str) -> Job:
    """Put the exchange rates of a study or run into the queue."""
    return lab_queue().submit(Job(handle.root, digest, [], exchange=target))


def run_id(handle: Handle, settings: Settings) -> str:
    """The id of the run with these settings."""
    return run.id_of(study(handle), settings)


def usual_base(handle: Handle, settings: Settings) -> str:
    """The digest of what a run is compared with where nobody has chosen: see `run.what_if`."""
    return run.usual_base(study(handle), settings)


def lab_runs(root: str) -> list[Kept]:
    """All runs of a workspace."""
    return runs.runs(Store(root))


def kept_run(root: str, id: str) -> Kept | None:
    return runs.find(Store(root), id)


def keep_run(root: str, id: str, name: str, keeper: str) -> None:
    runs.keep(Store(root), id, name, keeper)
    records.clear()


def pin_run(root: str, id: str, pinned: bool) -> None:
    runs.pin(Store(root), id, pinned)


def delete_run(root: str, id: str) -> None:
    runs.delete(Store(root), id)
    records.clear()


def study_file(handle: Handle, settings: Settings) -> str:
    """The study file of a run: see `core.lab.export`."""
    return export.study_file(study(handle), settings)


def finished_steps(handle: Handle, id: str, base: str, settings: Settings) -> list[Step]:
    """The steps of a finished run, compared with a study or another run."""
    records.clear()
    opened, other = (study(open_study(handle.root, one)) for one in (id, base))
    return list(run.replayed(opened, run.Compared(other, settings)))


def scores(handle: Handle, digest: str, encoder_set: str) -> pd.DataFrame:
    """`target, n_target, seed, value`: macro F1 of a run, or of MMT of a study."""
    opened = study(open_study(handle.root, digest))
    is_run = "run" in opened.record
    return differences.scores_of(opened, opened.default_encoder_set if is_run else encoder_set)
