"""Who may import whom: precompute -> core <- dashboard; core and figures stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "core": {"streamlit", "precompute", "dashboard"},
    "precompute": {"streamlit", "plotly", "dashboard"},
    "dashboard": {"precompute"},
}
# Modules that hold logic or drawing and must not need a running page.
WITHOUT_STREAMLIT = ("dashboard/state.py", "dashboard/shared/summaries.py")
HEAVY = {
    "torch",
    "librosa",
    "umap",
    "plotly",
    "openTSNE",
    "faiss",
    "sklearn",
    "skimage",
    "ai_edge_litert",
    "ray",
    "s3fs",
    "tensorflow",
    "transformers",
    "av",
}


def imported(source: str) -> set[str]:
    """The top-level packages that a module's text imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def crossings(package: str) -> list[str]:
    """Every import of a package that crosses a line."""
    return [
        f"{path.relative_to(REPO)} imports {name}"
        for path in sorted((REPO / package).rglob("*.py"))
        for name in sorted(imported(path.read_text("utf-8")) & FORBIDDEN[package])
    ]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_import_crosses_a_line(package: str) -> None:
    assert crossings(package) == []


def test_a_crossing_would_be_seen() -> None:
    assert "streamlit" in imported("def f():\n    import streamlit as st\n")
    assert "dashboard" in imported("from dashboard.data import Handle\n")


@pytest.mark.parametrize("place", WITHOUT_STREAMLIT)
def test_drawing_and_state_need_no_page(place: str) -> None:
    path = REPO / place
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    assert files
    for file in files:
        assert "streamlit" not in imported(file.read_text("utf-8")), file


@pytest.mark.parametrize(
    "module",
    ["core", "core.retrieval.retriever", "core.config", "core.study", "precompute.__main__"],
)
def test_importing_is_light(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(ran.stdout.split())
