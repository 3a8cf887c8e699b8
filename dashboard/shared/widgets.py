"""Pieces of a page: heading, notices, provenance, exports. Everything from the data is escaped."""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.figures import common, theme
from dashboard import data, session

STYLE = Path(__file__).with_name("style.css")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^&])")


def esc(text: object) -> str:
    """A text inside HTML."""
    return html.escape(str(text), quote=True)


def md(text: object) -> str:
    """A text inside Markdown (labels of widgets, captions), letter by letter."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def dark() -> bool:
    """Whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"


def heading(title: str, lead: str) -> None:
    """A page's title and the one sentence that says what it shows."""
    st.title(md(title), anchor=False)
    st.html(f'<p class="jee-lead">{esc(lead)}</p>')


def kicker(text: str) -> None:
    """A small heading over a group."""
    st.html(f'<p class="jee-kicker">{esc(text)}</p>')


def small(text: str) -> None:
    """A quiet line of plain text."""
    st.html(f'<p class="jee-small">{esc(text)}</p>')


def notice(sentence: str) -> None:
    """What is missing or wrong, in its own words; commands in backticks can be copied."""
    plain, commands = split_commands(sentence)
    st.html(f'<div class="jee-notice" role="status"><p>{esc(plain)}</p></div>')
    for command in commands:
        st.code(command, language="bash")


def split_commands(sentence: str) -> tuple[str, list[str]]:
    """The sentence without backticks, and the commands that stood between them."""
    commands = [found for found in re.findall(r"`([^`]+)`", sentence) if " " in found]
    plain = sentence
    for command in commands:
        plain = plain.replace(f"`{command}`", "the command below")
    return plain.replace("`", ""), commands


def footer(handle: data.Handle, encoder_set: str = "", **more: str) -> None:
    """The provenance of everything on the page."""
    facts = {**data.provenance(handle, encoder_set), **more}
    rows = "".join(f"<dt>{esc(name)}</dt><dd>{esc(value)}</dd>" for name, value in facts.items())
    st.html(f'<dl class="jee-footer" data-testid="provenance">{rows}</dl>')


def numbers(figures: Iterable[tuple[str, str, str, str]], narrow: bool = False) -> None:
    """Headline numbers: `(what, value, spread, scale)` each; `narrow` fits six in a row."""
    cards = "".join(
        f'<div class="jee-figure"><p class="jee-kicker">{esc(what)}</p>'
        f"<b>{esc(value)} <small>{esc(spread)}</small></b>"
        f'<p class="jee-small">{esc(scale)}</p></div>'
        for what, value, spread, scale in figures
    )
    kind = "jee-figures narrow" if narrow else "jee-figures"
    st.html(f'<div class="{kind}" data-testid="headline">{cards}</div>')


def label_html(labels: Sequence[str], classes: Sequence[str], modality: str) -> str:
    """Class names, each with its dot: colour = class, shape = modality."""
    colours = theme.class_colours(classes)
    names = labels or ["unlabelled"]
    return " ".join(
        f'<span><span class="jee-dot {esc(modality)}" '
        f'style="background:{colours.get(name, theme.UNLABELLED)}"></span>{esc(name)}</span>'
        for name in names
    )


# -- figures and tables --------------------------------------------------------------------------


def show(
    made: go.Figure,
    handle: data.Handle,
    name: str,
    title: str,
    *,
    encoder_set: str = "",
    key: str = "",
    on_select: Callable[[], None] | None = None,
    modes: tuple[str, ...] = ("points",),
    table: pd.DataFrame | Callable[[], pd.DataFrame] | None = None,
    signature: str = "",
    more: Mapping[str, str] | None = None,
) -> None:
    """A figure with its exports: picture by its camera button, HTML and CSV below it.

    `name` is what files are called; `title` describes it to a screen reader and heads the
    HTML; `table` is the numbers behind it, or what makes them when they are asked for; `more`
    are further facts for both exports.
    """
    file = file_of(handle, name, encoder_set)
    common.sign(made, signature or data.short_provenance(handle, encoder_set), dark())
    chosen: dict[str, Any] = {"on_select": on_select, "selection_mode": modes} if on_select else {}
    st.plotly_chart(
        made,
        theme=None,
        width="stretch",
        key=key or f"figure_{name}",
        config=common.config(file, session.current().picture, lasso="lasso" in modes),
        alt=title,
        **chosen,
    )
    facts = {**data.provenance(handle, encoder_set), **(more or {})}
    is_dark = dark()
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        st.download_button(
            "HTML",
            lambda: common.to_html(made, title, facts, is_dark),
            file_name=f"{file}.html",
            mime="text/html",
            key=f"html_{name}",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
            help="The figure as a page of its own, with its provenance; opens without a network",
        )
        if table is not None:
            csv_button(table, handle, name, encoder_set=encoder_set, more=more)


def file_of(handle: data.Handle, name: str, encoder_set: str) -> str:
    """What an export is called: the dataset, what it is, the encoders, the study."""
    return common.file_name(
        data.study(handle).dataset["name"], name, encoder_set, handle.digest[:8]
    )


def csv_button(
    table: pd.DataFrame | Callable[[], pd.DataFrame],
    handle: data.Handle,
    name: str,
    *,
    encoder_set: str = "",
    key: str = "",
    more: Mapping[str, str] | None = None,
) -> None:
    """A table, or what makes it when it is asked for, as CSV; its provenance (and `more`)
    stands in `#` lines above the header.
    """
    file = file_of(handle, name, encoder_set)
    facts = {**data.provenance(handle, encoder_set), **(more or {})}
    st.download_button(
        "CSV",
        lambda: csv_bytes(table() if callable(table) else table, facts),
        file_name=f"{file}.csv",
        mime="text/csv",
        key=key or f"csv_{name}",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        help="The numbers, with their provenance in lines that start with #",
    )


def csv_bytes(table: pd.DataFrame, facts: dict[str, str]) -> bytes:
    """`table` as CSV under `# name: value` lines. Texts that a spreadsheet would run as a
    formula get an apostrophe in front.
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
    """The legend that is also the filter: one chip a class in its colour."""
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
            help="Choose some classes; none chosen shows all",
            **session.bound("classes"),
        )
