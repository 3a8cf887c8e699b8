"""`dashboard.data`: the only door of the pages to the store and the encoders."""

import ast
import inspect
from pathlib import Path

import pytest

from core.retrieval.query_inputs import WeightedInput
from core.study import Study
from dashboard import data
from tests.dashboard import workspace

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
CLOSED_MODULES = {
    "core.store",
    "core.study",
    "core.record",
    "core.files",
    "core.encoders",
    "core.stored_encoders",
}
FACTS = {"command", "modalities", "has_audio_and_image", "spaces"}  # these open no artefact
READS = {
    name
    for name, _ in inspect.getmembers(Study, inspect.isfunction)
    if not name.startswith("_") and name not in FACTS
} | {"store", "artefacts", "record"}
FILES = sorted(path for path in DASHBOARD.rglob("*.py") if path.parent.name != "data")


def bypasses(source: str) -> list[str]:
    """What a page's text imports or reads past `dashboard.data`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = []
        closed = (name for name in names if is_closed(name))
        found += [f"imports {name}" for name in closed]
        if isinstance(node, ast.Attribute) and is_read(node):
            found.append(f"reads {ast.unparse(node)}")
    return found


def is_closed(name: str) -> bool:
    return any(name == closed or name.startswith(f"{closed}.") for closed in CLOSED_MODULES)


def is_read(node: ast.Attribute) -> bool:
    """`x.artefact`, `x.manifest`; and `page.study.READ`, `data.study(...).READ`, `study.READ`."""
    if node.attr in {"artefact", "manifest"}:
        return True
    owner = node.value.func if isinstance(node.value, ast.Call) else node.value
    name = getattr(owner, "attr", getattr(owner, "id", ""))
    return name == "study" and node.attr in READS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DASHBOARD)))
def test_a_page_reads_a_study_through_data_alone(path: Path) -> None:
    assert bypasses(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "from core.store import Store",
        "from core import study",
        "import core.encoders.lsa",
        "page.study.artefact('ingest')",
        "data.study(handle).measurements()",
        "retriever.study.shared(a, b, c)",
        "opened.manifest['seed']",
        "page.study.items()",
    ],
)
def test_a_bypass_would_be_seen(line: str) -> None:
    assert bypasses(line)


@pytest.mark.parametrize(
    "line", ["page.study.classes", "data.items(handle)", "facts.items()", "page.study.command()"]
)
def test_facts_and_data_are_open(line: str) -> None:
    assert bypasses(line) == []


@pytest.mark.parametrize("modality", ["audio", "image"])
def test_neighbours_on_a_card_have_the_scale_of_retrieve(tiny: Path, modality: str) -> None:
    handle, item_id = data.open_study(str(tiny)), "clip1_03_a"
    near = data.neighbours(handle, workspace.ENCODER_SET, item_id, modality, 4)
    retriever = data.retriever(handle, workspace.ENCODER_SET)
    query = [WeightedInput(retriever.embed_item(item_id))]
    found = retriever.search(query, modality, 5, "translation").results
    found = found[found["item_id"] != item_id].head(4)
    assert list(near["item_id"]) == list(found["item_id"])
    assert near["score"].to_numpy() == pytest.approx(found["score"].to_numpy(), abs=1e-5)
    assert near["percentile"].to_numpy() == pytest.approx(found["percentile"].to_numpy(), abs=0.05)
