"""`report`: all measurements as rows, or the headline numbers as tables."""

import math
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from core.studies import headlines
from core.study import Study
from core.tested_study import names, open_tested


def rows(study: Study) -> list[dict[str, Any]]:
    """Every measurement as a dict; fields that do not apply are None."""
    found = []
    for row in all_measurements(study).to_dict("records"):
        plain: dict[str, Any] = {}
        for name, value in row.items():
            absent = value in ("", -1) or (isinstance(value, float) and math.isnan(value))
            keeps = name in ("study", "split", "value") and not isinstance(value, float)
            plain[str(name)] = None if absent and not keeps else value
        found.append(plain)
    return found


def all_measurements(study: Study) -> pd.DataFrame:
    """The measurements of the study's own dataset, then those of its test datasets."""
    tested = [open_tested(study, name).measurements() for name in names(study)]
    return pd.concat([study.measurements(), *tested], ignore_index=True)


def show(study: Study, console: Console) -> None:
    """Print the headline numbers of every encoder set with std, what it covers, and chance."""
    console.print(f"Study {study.digest}: {study.dataset['title']}", style="bold")
    _show(headlines.table(study.measurements()), console)
    for name in names(study):
        console.print(f"Tested on {name}, which nothing was trained on", style="bold")
        _show(headlines.table(open_tested(study, name).measurements()), console)


def _show(found: pd.DataFrame, console: Console) -> None:
    for encoders, rows in found.groupby(["audio", "image", "text"], sort=False):
        table = Table(title=" × ".join(name for name in encoders if name), title_justify="left")
        for column in ("what", "value", "std", "over", "chance", "n"):
            table.add_column(column, justify="left" if column == "what" else "right")
        for row in rows.itertuples():
            table.add_row(
                row.what,
                f"{row.mean:.3f}",
                "" if pd.isna(row.sd) else f"± {row.sd:.3f}",
                row.over,
                "" if pd.isna(row.chance) else f"{row.chance:.3f}",
                f"{row.n}",
            )
        console.print(table)
