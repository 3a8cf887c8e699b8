"""A sweep: one setting over several values, a run each, as one table.

Runs that are there already are not made again.
"""

from collections.abc import Iterator, Sequence
from typing import Any, get_origin

import pandas as pd

from core.errors import UserError
from core.lab.plan import plan
from core.lab.recipe import Settings, read
from core.lab.run import Step, what_if
from core.lab.spaces import OnEpoch
from core.study import Study

MOST = 20  # values of a sweep


def settings_of(settings: Settings, name: str, texts: Sequence[str]) -> list[tuple[Any, Settings]]:
    """Each value with its settings, in their order; a list has its parts joined by +.

    Raises
    ------
    UserError
        The setting is unknown, a value unusable, or there are none or too many.
    """
    full = settings.full_name(name)
    texts = [text.strip() for text in texts if text.strip()]
    if not 1 <= len(texts) <= MOST:
        raise UserError(f"A sweep needs 1 to {MOST} values, and {len(texts)} are given for {name}.")
    hint = settings.hint(full)
    if get_origin(hint) is tuple:
        texts = [text.replace("+", ",") for text in texts]
    values = [read(full, text, hint) for text in texts]
    return [(value, settings.changed({full: value})) for value in values]


def sweep(
    study: Study,
    runs: Sequence[tuple[Any, Settings]],
    on_epoch: OnEpoch | None = None,
    n_threads: int | None = None,
    base: Study | None = None,
) -> Iterator[tuple[Any, Step]]:
    """Every step of every run, with the run's value; the arguments are those of `what_if`.

    Raises
    ------
    UserError
        One of the runs is impossible; nothing has been started.
    """
    for _, settings in runs if len(runs) > 1 else ():  # a single run checks itself
        plan(study, settings)
    for value, settings in runs:
        for step in what_if(study, settings, base, on_epoch, n_threads):
            yield value, step


def table(name: str, found: Sequence[tuple[Any, Step]]) -> pd.DataFrame:
    """The numbers of a sweep: a row for each value and measure, with its difference.

    Columns: `setting, setting_value` and those of `core.lab.differences`.
    """
    rows = [
        {"setting": name, "setting_value": _shown(value), **row}
        for value, step in found
        for row in step.differences
    ]
    return pd.DataFrame(rows)


def _shown(value: Any) -> Any:
    return "+".join(map(str, value)) if isinstance(value, tuple) else value
