"""Who may import whom (precompute -> core <- dashboard), import circles, and the size of files."""

import ast
import subprocess
import sys
from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "precompute", "dashboard")
FORBIDDEN = {
    "core": {"streamlit", "precompute", "dashboard"},
    "precompute": {"streamlit", "dashboard"},
    "dashboard": {"precompute"},
}
# Modules of the dashboard that hold logic and must not need a running page.
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
MAX_LINES = 400
DATA_FILES: set[str] = set()  # of tables, which may be longer


def modules(*packages: str) -> dict[str, str]:
    """`{module: source}` of some packages of the project."""
    paths = [path for package in packages for path in sorted((REPO / package).rglob("*.py"))]
    return {module_name(path): path.read_text("utf-8") for path in paths}


def module_name(path: Path) -> str:
    parts = path.relative_to(REPO).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source: str, known: Collection[str] = ()) -> set[str]:
    """Everything that a module's text imports, wherever in it.

    `from package import name` imports `package.name` if that is one of the `known` modules, and
    `package` if not.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in names}
    return found


def top_level(source: str) -> set[str]:
    return {name.split(".")[0] for name in imported(source)}


def circle(sources: Mapping[str, str]) -> list[str]:
    """The modules of one import circle, imports in functions included; empty without any."""
    graph = {
        name: (imported(source, sources) & set(sources)) - {name}
        for name, source in sources.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def too_long(files: Mapping[str, int]) -> list[str]:
    return [f"{name}: {n}" for name, n in files.items() if n > MAX_LINES and name not in DATA_FILES]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_import_crosses_a_boundary(package: str) -> None:
    crossings = [
        f"{name} imports {other}"
        for name, source in modules(package).items()
        for other in sorted(top_level(source) & FORBIDDEN[package])
    ]
    assert crossings == []


def test_a_crossing_would_be_found() -> None:
    assert "streamlit" in top_level("def f():\n    import streamlit as st\n")
    assert "dashboard" in top_level("from dashboard.data import Handle\n")


def test_there_is_no_import_circle() -> None:
    assert circle(modules(*PACKAGES)) == []


def test_a_circle_would_be_found() -> None:
    sources = {
        "a": "",
        "a.one": "from a import two\n",
        "a.two": "def f():\n    from a.three import name\n",
        "a.three": "import a.one\n",
    }
    assert set(circle(sources)) == {"a.one", "a.two", "a.three"}
    assert circle(sources | {"a.three": "from a import four\n"}) == []


def test_no_file_is_too_long() -> None:
    paths = [path for name in (*PACKAGES, "tests") for path in (REPO / name).rglob("*.py")]
    lines = {
        path.relative_to(REPO).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in sorted(paths)
    }
    assert too_long(lines) == []


def test_a_long_file_would_be_found() -> None:
    assert too_long({"core/short.py": 400, "core/long.py": 401}) == ["core/long.py: 401"]


@pytest.mark.parametrize("place", WITHOUT_STREAMLIT)
def test_state_and_summaries_need_no_page(place: str) -> None:
    assert "streamlit" not in top_level((REPO / place).read_text("utf-8"))


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
