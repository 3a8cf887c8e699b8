"""Pieces of a page: heading, notices, provenance, figures and tables with their exports.

All of them escape what comes from the data.
"""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.figures import common, theme
from dashboard import data, session
from dashboard.shared import charts

STYLE = Path(__file__).with_name("style.css")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^&])")


class Shown(Protocol):
    """A study and one of its encoder sets, "" for all: a page, or a side of a comparison."""

    @property
    def handle(self) -> data.Handle: ...

    @property
    def encoder_set(self) -> str: ...


def esc(text: object) -> str:
    """Escape a text for HTML."""
    return html.escape(str(text), quote=True)


def md(text: object) -> str:
    """Escape a text for Markdown: labels of widgets and captions."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def dark() -> bool:
    """Whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"


def heading(title: str, lead: str) -> None:
    """A page's title, and one sentence on what it shows."""
    st.title(md(title), anchor=False)
    st.html(f'<p class="jee-lead">{esc(lead)}</p>')


def kicker(text: str) -> None:
    """A small heading over a group."""
    st.html(f'<p class="jee-kicker">{esc(text)}</p>')


def small(text: str) -> None:
    """A line of small text."""
    st.html(f'<p class="jee-small">{esc(text)}</p>')


def quiet_button(
    label: str,
    key: str,
    on_click: Callable[..., None],
    *args: Any,
    icon: str = "",
    help: str | None = None,
    disabled: bool = False,
    **kwargs: Any,
) -> None:
    """A button without a border; `args` and `kwargs` are those of `on_click`."""
    st.button(
        label,
        key=key,
        type="tertiary",
        icon=f":material/{icon}:" if icon else None,
        help=help,
        disabled=disabled,
        on_click=on_click,
        args=args,
        kwargs=kwargs,
    )


def notice(sentence: str) -> None:
    """A boxed sentence on something missing or wrong; commands in backticks can be copied."""
    plain, commands = split_commands(sentence)
    st.html(f'<div class="jee-notice" role="status"><p>{esc(plain)}</p></div>')
    for command in commands:
        st.code(command, language="bash")


def split_commands(sentence: str) -> tuple[str, list[str]]:
    """The sentence without backticks, and the commands that were between them."""
    commands = [found for found in re.findall(r"`([^`]+)`", sentence) if " " in found]
    plain = sentence
    for command in commands:
        plain = plain.replace(f"`{command}`", "the command below")
    return plain.replace("`", ""), commands


def footer(shown: Shown) -> None:
    """The provenance of everything on the page."""
    facts = data.provenance(shown.handle, shown.encoder_set)
    rows = "".join(f"<dt>{esc(name)}</dt><dd>{esc(value)}</dd>" for name, value in facts.items())
    st.html(f'<dl class="jee-footer" data-testid="provenance">{rows}</dl>')


def numbers(figures: Iterable[tuple[str, str, str, str]], narrow: bool = False) -> None:
    """Headline numbers `(what, value, std or interval, scale)`; `narrow` fits six in a row."""
    cards = "".join(
        f'<div class="jee-figure"><p class="jee-kicker">{esc(what)}</p>'
        f"<b>{esc(value)} <small>{esc(interval)}</small></b>"
        f'<p class="jee-small">{esc(scale)}</p></div>'
        for what, value, interval, scale in figures
    )
    kind = "jee-figures narrow" if narrow else "jee-figures"
    st.html(f'<div class="{kind}" data-testid="headline">{cards}</div>')


# -- figures and tables --------------------------------------------------------------------------


def show(
    made: go.Figure | charts.Undrawn,
    shown: Shown,
    name: str,
    title: str,
    *,
    key: str = "",
    on_select: Callable[[], None] | None = None,
    modes: tuple[str, ...] = ("points",),
    table: pd.DataFrame | Callable[[], pd.DataFrame] | None = None,
    signature: str = "",
    more: Mapping[str, str] | None = None,
    own: bool = False,
) -> None:
    """A figure with its exports: a picture by its camera button, HTML and CSV below it.

    Parameters
    ----------
    made : the figure; or a `partial` that draws it, which is then drawn once for all visitors
    name : of the exported files
    title : for screen readers, and the heading of the HTML
    on_select : called when points are selected, in one of the `modes`
    table : the numbers behind the figure, or a function that makes them on demand
    signature : in the corner of the figure; by default its provenance
    more : further facts for the exports
    own : whether it shows what this person brought: it is then kept for nobody
    """
    if own and not isinstance(made, go.Figure):
        made = made()
    signature = signature or data.short_provenance(shown.handle, shown.encoder_set)
    is_dark = dark()
    file = file_of(shown, name)
    chosen: dict[str, Any] = {"on_select": on_select, "selection_mode": modes} if on_select else {}
    charts.plot(
        made,
        signature,
        is_dark,
        key=key or f"figure_{name}",
        config=common.config(file, session.current().picture, lasso="lasso" in modes),
        alt=title,
        **chosen,
    )
    facts = {**data.provenance(shown.handle, shown.encoder_set), **(more or {})}
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        _download(
            "HTML",
            lambda: common.to_html(charts.whole(made, signature, is_dark), title, facts, is_dark),
            file,
            f"html_{name}",
            "The figure as a web page with its provenance; it opens offline",
        )
        if table is not None:
            csv_button(table, shown, name, more=more)


def file_of(shown: Shown, name: str) -> str:
    """The name of an exported file: dataset, content, encoders, study."""
    dataset = data.study(shown.handle).dataset["name"]
    return common.file_name(dataset, name, shown.encoder_set, shown.handle.digest[:8])


def csv_button(
    table: pd.DataFrame | Callable[[], pd.DataFrame],
    shown: Shown,
    name: str,
    *,
    key: str = "",
    more: Mapping[str, str] | None = None,
) -> None:
    """A button that saves a table as CSV, with its provenance and `more` facts in `#` lines.

    `table` may be a function that makes the table on demand.
    """
    facts = {**data.provenance(shown.handle, shown.encoder_set), **(more or {})}
    _download(
        "CSV",
        lambda: csv_bytes(table() if callable(table) else table, facts),
        file_of(shown, name),
        key or f"csv_{name}",
        "The numbers, with their provenance in lines that start with #",
    )


def _download(kind: str, content: Callable[[], bytes], file: str, key: str, help: str) -> None:
    """A button that saves a file of a kind ("CSV"), made when it is clicked."""
    ending = kind.lower()
    st.download_button(
        kind,
        content,
        file_name=f"{file}.{ending}",
        mime=f"text/{ending}",
        key=key,
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        help=help,
    )


def csv_bytes(table: pd.DataFrame, facts: dict[str, str]) -> bytes:
    """A table as CSV under `# name: value` lines.

    Texts that a spreadsheet would run as a formula get an apostrophe in front.
    """
    head = "".join(f"# {name}: {' '.join(value.split())}\n" for name, value in facts.items())
    plain = table.copy()
    for name in plain.columns:
        if not pd.api.types.is_numeric_dtype(plain[name]):
            plain[name] = [_plain_cell(value) for value in plain[name]]
    return (head + plain.to_csv(index=False)).encode()


def _plain_cell(value: Any) -> str:
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def class_chips(classes: Sequence[str]) -> None:
    """The legend of classes, one coloured chip each; clicking them filters."""
    rules = "".join(
        f".st-key-class_chips button:nth-of-type({row + 1})::before{{content:'';width:.7em;"
        f"height:.7em;border-radius:50%;background:{colour};margin-right:.4em;flex:none}}"
        for row, colour in enumerate(theme.class_colours(classes).values())
    )
    st.html(f"<style>{rules}</style>")
    with st.container(key="class_chips"):
        st.pills(
            "Classes",
            classes,
            selection_mode="multi",
            format_func=md,
            label_visibility="collapsed",
            help="Choose classes to show; none chosen shows all",
            **session.bound("classes"),
        )
