"""The tour: it runs from start to end, and shows what it keeps."""

import os
from pathlib import Path

import pytest

from tests.precompute_runs import REPO

TOUR = REPO / "notebooks" / "tour.ipynb"
PLOTLY = "application/vnd.plotly.v1+json"
nbformat = pytest.importorskip("nbformat", reason="nbformat is missing: requirements-dev.txt")


def kinds(notebook: dict) -> list[set[str]]:
    """The MIME types of each code cell's outputs; the pictures of figures are made afterwards."""
    return [
        {kind for output in cell.outputs for kind in output.get("data", {})} - {"image/png"}
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_kept_outputs_are_small_and_show_without_a_server() -> None:
    assert TOUR.stat().st_size <= 1024**2
    kept = nbformat.read(TOUR, as_version=4)
    assert all(kinds(kept))
    shown = [output.get("data", {}) for cell in kept.cells for output in cell.get("outputs", [])]
    assert sum(PLOTLY in data for data in shown) == 4
    assert all("image/png" in data for data in shown if PLOTLY in data)
    text = TOUR.read_text(encoding="utf-8")
    assert "data:audio/mpeg;base64," in text
    assert "data:image/jpeg;base64," in text
    assert str(REPO) not in text


@pytest.mark.slow
def test_every_cell_runs(demo_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is missing: requirements-dev.txt")
    monkeypatch.setenv("JEE_WORKSPACE", str(demo_workspace))
    monkeypatch.setenv("PLOTLY_RENDERER", "plotly_mimetype")
    paths = [str(REPO), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    kept = nbformat.read(TOUR, as_version=4)
    ran = nbformat.read(TOUR, as_version=4)
    folder = {"metadata": {"path": str(TOUR.parent)}}
    nbclient.NotebookClient(ran, timeout=300, resources=folder).execute()
    assert kinds(ran) == kinds(kept)
