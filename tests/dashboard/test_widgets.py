"""Pieces of a page: CSV with provenance, commands in sentences, escaped Markdown."""

import pandas as pd

from dashboard.shared import widgets


def test_csv_has_provenance_and_no_formula() -> None:
    table = pd.DataFrame({"name": ["=1+1", "ok"], "value": [1.5, -2.0]})
    lines = widgets.csv_bytes(table, {"study": "abc\ndef"}).decode().splitlines()
    assert lines == ["# study: abc def", "name,value", "'=1+1,1.5", "ok,-2.0"]


def test_commands_are_separated_from_their_sentence() -> None:
    text, commands = widgets.split_commands("Nothing yet: run `python -m x --y z`.")
    assert commands == ["python -m x --y z"]
    assert text == "Nothing yet: run the command below."


def test_markdown_is_escaped() -> None:
    assert widgets.md("a *b* [c](d) :red[e] $f$") == r"a \*b\* \[c\]\(d\) \:red\[e\] \$f\$"
