"""The command what-if: its numbers are those of the function, as a table and as JSON."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from core.errors import UserError
from core.lab import runs
from core.lab.recipe import settings_of
from core.lab.run import what_if as made
from core.store import Store
from core.study import open_study
from precompute import what_if

SMALL = ["max_epochs=2", "points=0", "draws=2", "n_bootstrap=50", "n_trees=5"]


def test_a_sweep_as_json_has_the_numbers_of_its_runs(
    own_demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = open_study(Store(own_demo))
    what_if.run(
        study, SMALL, "share=0.5,1", None, "swept", "Ada", None, True, Console(file=io.StringIO())
    )
    found = json.loads(capsys.readouterr().out)
    assert [one["value"] for one in found] == [0.5, 1.0]
    for one in found:
        changes = dict(text.split("=") for text in SMALL) | {"share": one["value"]}
        steps = list(made(study, settings_of(study).changed(changes)))
        assert one["run"] == steps[-1].facts["id"]
        rows = [row for step in steps for row in step.differences]
        assert one["differences"] == json.loads(json.dumps(rows))
        kept = runs.find(study.store, one["run"])
        assert kept is not None
        assert (kept.name, kept.keeper) == (f"swept {one['value']}", "Ada")


def test_a_run_is_a_table_with_chance_and_a_study_file(own_demo: Path, tmp_path: Path) -> None:
    study, out, file = open_study(Store(own_demo)), io.StringIO(), tmp_path / "study.yaml"
    console = Console(file=out, width=160)
    what_if.run(study, [*SMALL, "margin=0.5"], None, None, None, "", file, False, console)
    text = out.getvalue()
    assert "Ranked" in text
    assert "chance" in text
    assert "0.056" in text
    assert "margin: 0.5" in file.read_text()


def test_a_change_without_a_value_is_one_sentence() -> None:
    with pytest.raises(UserError, match="'loss' is not NAME=VALUE"):
        what_if.pairs_of(["loss"], "--set")
