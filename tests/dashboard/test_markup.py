"""Every place that makes HTML, fed with markup: nothing of it reaches a page as markup.

Class names, titles, texts, facts, file names and typed words of these workspaces contain tags. The
places are found in the sources, and each file that has one must be reached.
"""

import ast
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.store import Store
from core.study import open_study
from dashboard import data
from dashboard.shared import map_selection
from tests.dashboard.conftest import Open, text_of
from tests.dashboard.retrieve_page import three_seconds, type_words, upload

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
EVIL = "<img src=x onerror=alert(1)>"
OURS = {  # the tags that the pages themselves write
    "p", "b", "small", "div", "span", "dl", "dt", "dd", "table", "tr", "th", "td", "ul", "li",
    "img", "br", "style",
}  # fmt: skip
ATTRIBUTES = {"class", "data-testid", "role", "style", "title", "alt", "src", "dir", "colspan"}
CALLS = {"html", "iframe"}
TAG = re.compile(r"<(/?)([a-zA-Z][^\s>/]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>")
ATTRIBUTE = re.compile(r"([^\s=\"']+)\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)")


def places() -> dict[str, int]:
    """`{file: calls}` of all calls in the sources that give HTML to the browser."""
    found: dict[str, int] = {}
    for path in sorted(DASHBOARD.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", "")
            unsafe = any(one.arg == "unsafe_allow_html" for one in node.keywords)
            owner = getattr(getattr(node.func, "value", None), "id", "")
            if unsafe or (owner == "st" and name in CALLS):
                file = str(path.relative_to(DASHBOARD))
                found[file] = found.get(file, 0) + 1
    return found


class Seen:
    """What the pages gave to the browser: `(file, HTML)`."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, str]] = []

    def problems(self) -> list[str]:
        return [f"{file}: {found}" for file, body in self.bodies for found in strange(body)]


def strange(body: str) -> list[str]:
    """The tags and attributes of some HTML that are not the pages' own."""
    found = []
    for _, name, rest in TAG.findall(body):
        if name not in OURS:
            found.append(f"<{name}>")
        found += [one for one in ATTRIBUTE.findall(rest) if one not in ATTRIBUTES]
    return found


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    found, plain = Seen(), st.html

    def html(body: Any, **more: Any) -> Any:
        caller = Path(sys._getframe(1).f_code.co_filename)
        if caller.is_relative_to(DASHBOARD):
            text = body if isinstance(body, str) else ""
            found.bodies.append((str(caller.relative_to(DASHBOARD)), text))
        return plain(body, **more)

    monkeypatch.setattr(st, "html", html)
    return found


def test_markup_is_noticed() -> None:
    assert strange("<p class='a'>1 < 2 &lt;b&gt;</p>") == []
    assert strange("<script>alert(1)</script>") == ["<script>", "<script>"]
    assert strange(f'<p title="{EVIL}">') == []
    assert strange(f"<p>{EVIL}</p>") == ["onerror"]
    assert strange('<b onclick="x()">') == ["onclick"]


def test_no_markup_of_anybody_else_is_on_a_page(
    tagged_root: Path, embedded_root: Path, tmp_path: Path, open_page: Open, seen: Seen
) -> None:
    root = tmp_path / "w"  # a selection is saved in it
    shutil.copytree(tagged_root, root)
    frame = open_study(Store(root)).items()
    evil = frame.index[frame["class"].str.contains("<b>")]
    some = [str(item_id) for item_id in evil[:3]]
    handle = data.open_study(str(root))
    data.save_selection(handle, EVIL, some, EVIL, [EVIL])
    opened: list[AppTest] = []
    for name, more in {
        "overview": {"study": EVIL},
        "map": {"item": some},
        "retrieve": {"words": [EVIL, f"-0.5~{EVIL}"], "query": some[:1]},
        "translation": {},
        "centroids": {},
        "classify": {"cell": "cello <b>&amp;~cello <b>&amp;"},
        "lab": {},
        "tags": {"tag": [EVIL, "cello <b>&amp;"], "open_tag": "cello <b>&amp;"},
        "compare": {},
    }.items():
        page = open_page(name, root, **more)
        assert not page.exception, name
        assert "could not be drawn" not in text_of(page), name
        opened.append(page)
    lasso = opened[1]
    lasso.session_state[map_selection.LASSO] = list(evil)
    lasso.query_params["item"] = list(map_selection.evenly([str(one) for one in evil]))
    lasso.run(timeout=60)
    bring = open_page("retrieve", embedded_root)
    upload(bring, (f"{EVIL}.wav", three_seconds(0, 1, 2)), (f"{EVIL}.txt", b"no media"))
    type_words(opened[2], EVIL)
    assert seen.problems() == []
    reached = {file for file, _ in seen.bodies}
    assert set(places()) - reached == set()


def test_escaped_text_is_there_as_text(tiny: Path, open_page: Open, seen: Seen) -> None:
    open_page("overview", tiny)
    everything = "".join(body for _, body in seen.bodies)
    assert "cello &lt;b&gt;&amp;amp;" in everything
    assert "&lt;plain&gt;" in everything


def test_a_page_that_fails_names_what_to_look_for_in_the_log(
    tiny: Path,
    open_page: Open,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"a secret {EVIL}")

    monkeypatch.setattr(data, "counts", fail)
    page = open_page("overview", tiny)
    assert not page.exception
    text = text_of(page)
    assert "a secret" not in text
    (reference,) = re.findall(r"under the reference ([0-9a-f]{8})\.", text)
    (record,) = [one for one in caplog.records if reference in one.getMessage()]
    assert "the page overview failed" in record.getMessage()
    assert "a secret" in str(record.exc_info)
