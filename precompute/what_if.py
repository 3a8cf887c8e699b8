"""The command `what-if`: runs of the lab, their differences to the study, and their study files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from core.errors import UserError
from core.lab import export, runs, sweep
from core.lab.recipe import Settings, in_words, settings_of
from core.lab.run import Step, what_if
from core.study import Study, open_study


def pairs_of(texts: Sequence[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` texts by name. Raises UserError for one without a name or a value."""
    found = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not (name and mark):
            raise UserError(
                f"{option} {text!r} is not NAME=VALUE, such as translation.loss=siglip."
            )
        found[name.strip()] = value.strip()
    return found


def run(
    study: Study,
    changes: Sequence[str],
    swept: str | None,
    compare: str | None,
    keep: str | None,
    keeper: str,
    study_file: Path | None,
    as_json: bool,
    console: Console,
) -> None:
    """Make the runs and print them; see the command's help for the options."""
    settings = settings_of(study).changed(pairs_of(changes, "--set"))
    name, asked = "", [("", settings)]
    if swept:
        ((name, text),) = pairs_of([swept], "--sweep").items()
        asked = sweep.settings_of(settings, name, text.split(","))
    if study_file:
        study_file.write_text(export.study_file(study, asked[-1][1]), encoding="utf-8")
    base = open_study(study.store, compare) if compare else None
    found: list[tuple[Any, Settings, list[Step]]] = []

    def tell(sentence: str) -> None:
        if not as_json:
            console.print(sentence, style="dim", highlight=False)

    with runs.turn(study.store, tell):
        for value, one in asked:
            steps = []
            for step in what_if(study, one, base):
                steps.append(step)
                tell(f"{f'{name} {value}: ' if swept else ''}{step.title}")
            found.append((value, one, steps))
            if keep:
                id = steps[-1].facts["id"]
                runs.keep(study.store, id, f"{keep} {value}".strip(), keeper)
    if as_json:
        print(json.dumps([_plain(study, name, *one) for one in found]))
        return
    for value, one, steps in found:
        _show(study, f"{name} {value}".strip(), one, steps, console)


def _plain(
    study: Study, name: str, value: Any, settings: Settings, steps: list[Step]
) -> dict[str, Any]:
    finished = steps[-1].facts
    own = settings_of(study, settings.recipe.encoder_set)
    return {
        "run": finished["id"],
        "study": study.digest,
        "setting": name,
        "value": value if not isinstance(value, tuple) else list(value),
        "changes": settings.differences(own),
        "numbers": finished["numbers"],
        "sample": finished["sample"],
        "differences": [row for step in steps for row in step.differences],
        "scores": [
            row for step in steps if step.name in ("zero_shot", "mix_in") for row in step.rows
        ],
    }


def _show(study: Study, name: str, settings: Settings, steps: list[Step], console: Console) -> None:
    own = settings_of(study, settings.recipe.encoder_set)
    title = in_words(settings.differences(own))
    id = steps[-1].facts["id"]
    table = Table(title=f"Run {id}{f', {name}' if name else ''}: {title}")
    for column in ("measure", "of", "run", "study", "chance", "difference", "95 %"):
        table.add_column(column, justify="left" if column in ("measure", "of") else "right")
    for row in (row for step in steps for row in step.differences):
        of = row["direction"] or f"{row['target']}, {row['n_target']} items"
        known = row["low"] is not None
        table.add_row(
            row["metric"],
            of,
            f"{row['value']:.3f}",
            f"{row['base']:.3f}",
            "–" if row["chance"] is None else f"{row['chance']:.3f}",
            f"{row['difference']:+.3f}",
            f"{row['low']:+.3f} to {row['high']:+.3f}" if known else "–",
        )
    console.print(table)
    if steps[-1].facts["sample"]:
        console.print(f"Measured on {steps[-1].facts['sample']}.")
