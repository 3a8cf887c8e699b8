"""The open items of a page: the first in full, with its predictions and neighbours."""

import json
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.errors import MissingArtefact, UserError
from core.figures import theme
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import cards, thumbnails
from dashboard.shared.widgets import esc, kicker, quiet_button, small

N_NEIGHBOURS = 4


def show(page: Page, *, key: str, title: str, n_shown: int = state.MAX_ITEMS) -> None:
    """The open items: the first in full, the others as small cards; a button closes them all."""
    items = session.current().items[:n_shown]
    if not items:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        kicker(title)
        quiet_button("Close", f"close_{key}", session.change, icon="close", items=())
    _detail(page, items[0], key=f"{key}_0")
    cards.grid(page.handle, items[1:], key=key, on_open=cards.open_item)


def _detail(page: Page, item_id: str, key: str) -> None:
    """A large card: the item, the systems' predictions, its nearest items in each modality."""
    row = data.items(page.handle, page.selection.split).loc[item_id]
    modality = str(row["modality"])
    with st.container(border=True, key=f"detail_{key}"):
        left, middle, right = st.columns([1.15, 1.0, 2.1], gap="medium")
        with left:
            thumbnails.show(page.handle, item_id)
        with middle:
            st.html(
                f'<div class="jee-label">{thumbnails.labels_html(page.handle, item_id)}</div>'
                f'<div class="jee-small">{esc(theme.MODALITY_NAMES[modality])} '
                f"{esc(item_id)}<br>clip {esc(row['clip_id'])}, subset {esc(row['subset'])}"
                f"{_facts(str(row['facts']))}</div>"
                f"{_predictions(page, item_id)}"
            )
            _retrieve_link(item_id)
        with right:
            _neighbours(page, item_id, modality, key)


def _retrieve_link(item_id: str) -> None:
    """A link to the page Retrieve with this item as the query."""
    query = replace(session.current(), query=(state.with_weight(item_id),), items=())
    st.page_link(
        st.Page(lambda: None, title="Retrieve", url_path="retrieve"),
        label="Find its neighbours",
        icon=":material/search:",
        query_params=state.to_params(query),
    )


def _facts(text: str) -> str:
    """The dataset's further facts about an item in one escaped line; true ones by their name."""
    try:
        facts = json.loads(text or "{}")
    except json.JSONDecodeError:
        return ""
    if not isinstance(facts, dict):
        return ""
    shown = []
    for name, value in facts.items():
        words = name.replace("_", " ")
        if isinstance(value, bool):
            shown += [words] if value else []
        elif leaves := _leaves(value):
            shown.append(f"{words}: {', '.join(leaves[:6])}")
    return "<br>" + esc("; ".join(shown)[:260]) if shown else ""


def _leaves(value: object) -> list[str]:
    """The plain values inside a nested one, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [] if value is None or isinstance(value, bool) or value == "" else [str(value)]


def _predictions(page: Page, item_id: str) -> str:
    split = page.selection.split
    try:
        found = data.predictions(page.handle, page.encoder_set, split, item_id=item_id)
    except MissingArtefact:
        found = pd.DataFrame()
    if found.empty:
        return '<p class="jee-small">No prediction is stored for this item.</p>'
    rows = ""
    for one in found.itertuples():
        right = one.truth == one.predicted
        mark, kind = ("✓", "jee-right") if right else ("✗", "jee-wrong")
        rows += (
            f"<tr><td>{esc(one.system)}</td><td><span class='{kind}'>{mark}</span> "
            f"{esc(one.predicted)}</td><td class='n'>{one.confidence:.2f}</td></tr>"
        )
    return (
        "<table class='jee-table'><tr><th>system</th><th>predicts</th><th>probability</th></tr>"
        f"{rows}</table>"
    )


def _neighbours(page: Page, item_id: str, modality: str, key: str) -> None:
    """The item's nearest items across and within modalities."""
    if modality not in page.modalities:
        small(f"This encoder set has no encoder of {theme.MODALITY_PLURALS[modality]}.")
        return
    same_clip = data.same_clip(page.handle, item_id)
    labels = set(data.items(page.handle).loc[item_id, "labels"])
    others = [name for name in page.modalities if name != modality]
    for kind in [*others, modality]:
        try:
            found = data.neighbours(
                page.handle, page.encoder_set, item_id, kind, N_NEIGHBOURS, page.selection.split
            )
        except (UserError, KeyError) as error:
            small(str(error) if isinstance(error, UserError) else "This item has no vector.")
            return
        kicker(f"nearest {theme.MODALITY_PLURALS[kind]} in the translated space")
        cards.grid(
            page.handle,
            list(found["item_id"]),
            key=f"{key}_{kind}",
            notes=cards.match_notes(page.handle, found, same_clip, labels),
            columns=N_NEIGHBOURS,
            on_open=cards.open_item,
        )
    small(f"Scores are cosines. {cards.PERCENTILE}")
