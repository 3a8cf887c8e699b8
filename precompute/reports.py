"""``report``: every stored number as tidy rows, or the headline ones as tables."""

import math
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from core.studies import headlines
from core.study import Study


def rows(study: Study) -> list[dict[str, Any]]:
    """Every measurement as a plain dict; fields that do not apply are None."""
    found = []
    for row in study.measurements().to_dict("records"):
        plain: dict[str, Any] = {}
        for name, value in row.items():
            absent = value in ("", -1) or (isinstance(value, float) and math.isnan(value))
            keeps = name in ("study", "split", "value") and not isinstance(value, float)
            plain[str(name)] = None if absent and not keeps else value
        found.append(plain)
    return found


def show(study: Study, console: Console) -> None:
    """The headline numbers, with their chance level and spread over splits."""
    table = Table(title=f"Study {study.digest}: {study.dataset['title']}")
    for column in ("encoders", "what", "value", "spread", "chance", "n"):
        table.add_column(column, justify="left" if column in ("encoders", "what") else "right")
    for row in headlines.table(study.measurements()).itertuples():
        table.add_row(
            f"{row.audio} × {row.image}",
            row.what,
            f"{row.mean:.3f}",
            "" if pd.isna(row.sd) else f"± {row.sd:.3f}",
            "" if pd.isna(row.chance) else f"{row.chance:.3f}",
            f"{row.n}",
        )
    console.print(table)
