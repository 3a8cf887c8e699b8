"""Workspaces shared by all tests of the dashboard, and pages opened without a browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.retrieval.retriever import Retriever
from core.store import Store
from core.study import open_study
from dashboard import data
from dashboard.shared import map_panel
from tests.conftest import MadeOnce
from tests.dashboard import embedded, tagged, workspace

Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def tiny(made_once: MadeOnce) -> Path:
    """A workspace with one finished study."""
    return made_once("tiny", workspace.build)


@pytest.fixture(scope="session")
def begun(made_once: MadeOnce) -> Path:
    """A workspace whose study has only been ingested."""
    return made_once("begun", lambda folder: workspace.build(folder, stages="ingest"))


@pytest.fixture(scope="session")
def embedded_root(made_once: MadeOnce) -> Path:
    """A workspace in which new sounds and pictures can be embedded."""
    return made_once("embedded", embedded.build)


@pytest.fixture(scope="session")
def tagged_root(made_once: MadeOnce) -> Path:
    """A workspace in which words can be embedded too, with zero-shot rows."""
    return made_once("tagged", lambda folder: tagged.build(folder, n_splits=2))


def retriever_of(root: Path) -> Retriever:
    """A new retriever, not the one that the pages share."""
    return Retriever(open_study(Store(root)))


@pytest.fixture(autouse=True)
def _forget_retrievers() -> None:
    """Every test loads its own encoders, so that none gets those that another replaced."""
    data.retriever.clear()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """`open_page("map", root, dims="3", cls=["banjo"])`: the page, drawn once.

    `webgl=False` is a browser that has said that it cannot draw with WebGL.
    """

    def opened(name: str, root: Path, webgl: bool = True, **params: str | list[str]) -> AppTest:
        monkeypatch.setenv("JEE_WORKSPACE", str(root))
        page = AppTest.from_string(f"from dashboard.app import main\nmain({name!r})")
        page.session_state[map_panel.MISSING] = not webgl
        for key, value in params.items():
            page.query_params["class" if key == "cls" else key] = value
        return page.run(timeout=60)

    return opened


def text_of(page: AppTest) -> str:
    """All texts of a page, with its HTML."""
    bodies = [element.proto.body for element in page.get("html")]
    parts = [body for body in bodies if not body.lstrip().startswith("<style")]
    for kind in ("title", "subheader", "markdown", "caption", "code"):
        parts += [element.value for element in page.get(kind)]
    return "\n".join(parts)
