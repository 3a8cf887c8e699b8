"""Media cards: what an item looks and sounds like, what it is, what lies near it."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st

from core.errors import UserError
from core.figures import spectrogram, theme
from dashboard import data, session, state
from dashboard.shared import media, neighbours
from dashboard.shared.widgets import esc, kicker, label_html, small

MAX_WORDS = 280  # letters of a text on its card


@st.cache_data(show_spinner=False, max_entries=1024)
def _spectrogram(handle: data.Handle, item_id: str, dark: bool) -> bytes:
    heard = media.sound(handle, item_id)
    return spectrogram.to_jpeg(heard.samples, heard.rate_hz, dark)


def _image_html(content: bytes, mime: str, alt: str, kind: str = "") -> str:
    encoded = base64.b64encode(content).decode()
    return f'<img class="jee-thumb {kind}" alt="{esc(alt)}" src="data:{mime};base64,{encoded}">'


def thumbnail_html(handle: data.Handle, item_id: str, modality: str, alt: str) -> str:
    """The picture, or the spectrogram of the sound; a sentence when it cannot be read."""
    try:
        if modality == "image":
            content = media.picture(handle, item_id)
            return _image_html(content, "image/jpeg", alt, "contain")
        if modality == "audio":
            dark = st.context.theme.type == "dark"
            content = _spectrogram(handle, item_id, dark)
            return _image_html(content, "image/jpeg", f"spectrogram: {alt}")
        return words_html(str(data.items(handle).loc[item_id, "text"]))
    except UserError as error:
        return f'<div class="jee-none">{esc(error)}</div>'


def words_html(text: str, most: int = MAX_WORDS) -> str:
    """The words of a text item, letter by letter; a long text is cut and says so."""
    plain = " ".join(text.split())
    if not plain:
        return '<div class="jee-none">This text is empty.</div>'
    shown = plain if len(plain) <= most else plain[:most].rstrip() + " …"
    size = "short" if len(shown) <= 60 else "middle" if len(shown) <= 150 else "long"
    title = esc(plain[:2000])
    return f'<div class="jee-words {size}" title="{title}"><p dir="auto">{esc(shown)}</p></div>'


def player(handle: data.Handle, item_id: str) -> None:
    """A player of the item's second of sound; nothing when it cannot be read."""
    try:
        st.audio(media.sound(handle, item_id).wav, format="audio/wav")
    except UserError:
        return  # the thumbnail beside it says why


def card(
    handle: data.Handle,
    item_id: str,
    *,
    key: str,
    note: str = "",
    on_open: Callable[[str], None] | None = None,
    opens: str = "Open",
) -> None:
    """A small card: thumbnail, player, labels, one line of text, and a button that opens it."""
    row = data.items(handle).loc[item_id]
    labels, modality = list(row["labels"]), str(row["modality"])
    with st.container(key=f"card_{key}", gap="xsmall"):
        st.html(thumbnail_html(handle, item_id, modality, ", ".join(labels) or item_id))
        if modality == "audio":
            player(handle, item_id)
        names = label_html(labels, data.study(handle).classes, modality)
        line = f'<div class="jee-small">{esc(note)}</div>' if note else ""
        st.html(f'<div class="jee-label" title="{esc(item_id)}">{names}</div>{line}')
        if on_open is not None:
            st.button(
                opens,
                key=f"open_{key}",
                type="tertiary",
                icon=":material/open_in_full:" if opens == "Open" else ":material/search:",
                on_click=on_open,
                args=(item_id,),
            )


def grid(
    handle: data.Handle,
    item_ids: Sequence[str],
    *,
    key: str,
    notes: Sequence[str] = (),
    columns: int = 6,
    on_open: Callable[[str], None] | None = None,
    opens: str = "Open",
) -> None:
    """Small cards in rows of `columns`."""
    for start in range(0, len(item_ids), columns):
        places = st.columns(columns, gap="small")
        for place, item_id in zip(places, item_ids[start : start + columns], strict=False):
            number = start + places.index(place)
            with place:
                card(
                    handle,
                    item_id,
                    key=f"{key}_{number}",
                    note=notes[number] if number < len(notes) else "",
                    on_open=on_open,
                    opens=opens,
                )


def open_item(item_id: str) -> None:
    """Make an item the one that is open, the others after it."""
    others = [name for name in session.current().items if name != item_id]
    session.change(items=(item_id, *others)[: state.MAX_ITEMS])


def close_items() -> None:
    session.change(items=())


def detail(
    handle: data.Handle, encoder_set: str, item_id: str, *, key: str, split: int = 0
) -> None:
    """A large card: the item, what the systems say, its other half, its neighbours."""
    frame = data.items(handle, split)
    row = frame.loc[item_id]
    labels, modality = list(row["labels"]), str(row["modality"])
    with st.container(border=True, key=f"detail_{key}"):
        left, middle, right = st.columns([1.15, 1.0, 2.1], gap="medium")
        with left:
            st.html(thumbnail_html(handle, item_id, modality, ", ".join(labels) or item_id))
            if modality == "audio":
                player(handle, item_id)
        with middle:
            names = label_html(labels, data.study(handle).classes, modality)
            st.html(
                f'<div class="jee-label">{names}</div>'
                f'<div class="jee-small">{esc(theme.MODALITY_NAMES[modality])} '
                f"{esc(item_id)}<br>clip {esc(row['clip_id'])}, subset {esc(row['subset'])}"
                f"{_facts(str(row['facts']))}</div>"
                f"{_predictions(handle, encoder_set, item_id, split)}"
            )
            find_neighbours(item_id)
        with right:
            _around(handle, encoder_set, item_id, modality, key, split)


def find_neighbours(item_id: str) -> None:
    """A link to the page Retrieve that asks with this item."""
    asking = replace(session.current(), query=(state.asking(item_id),), items=())
    st.page_link(
        st.Page(lambda: None, title="Retrieve", url_path="retrieve"),
        label="Find its neighbours",
        icon=":material/search:",
        query_params=state.to_params(asking),
    )


def _facts(text: str) -> str:
    """What else is known of an item, in one escaped line: plain values, true ones by name."""
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
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [] if value is None or isinstance(value, bool) or value == "" else [str(value)]


def _predictions(handle: data.Handle, encoder_set: str, item_id: str, split: int) -> str:
    found = data.predictions_of(handle, encoder_set, item_id, split)
    if found.empty:
        return '<p class="jee-small">Not among the test items: no prediction is stored.</p>'
    rows = ""
    for one in found.itertuples():
        right = one.truth == one.predicted
        mark, kind = ("✓", "jee-right") if right else ("✗", "jee-wrong")
        rows += (
            f"<tr><td>{esc(one.system)}</td><td><span class='{kind}'>{mark}</span> "
            f"{esc(one.predicted)}</td><td class='n'>{one.confidence:.2f}</td></tr>"
        )
    return (
        "<table class='jee-table'><tr><th>system</th><th>predicts</th><th>votes</th></tr>"
        f"{rows}</table>"
    )


def _around(
    handle: data.Handle, encoder_set: str, item_id: str, modality: str, key: str, split: int
) -> None:
    """The item's other half, and its nearest items across and within modalities."""
    kinds = tuple(data.study(handle).modalities(encoder_set))
    if modality not in kinds:
        small(f"This encoder set reads no {theme.MODALITY_PLURALS[modality]}.")
        return
    frame = data.items(handle)
    mates = set(data.other_half(handle, item_id))
    mine = set(frame.loc[item_id, "labels"])
    across = [name for name in kinds if name != modality]
    for kind in [*across, modality]:
        try:
            found = neighbours.neighbours(
                handle, encoder_set, "translation", item_id, kind, 4, split
            )
        except (UserError, KeyError) as error:
            small(str(error) if isinstance(error, UserError) else "This item has no vector.")
            return
        kicker(f"nearest {theme.MODALITY_PLURALS[kind]} in the translated space")
        places = st.columns(4, gap="small")
        for place, near in zip(places, found, strict=False):
            same = bool(mine & set(frame.loc[near.item_id, "labels"]))
            note = f"{near.score:.2f}, above {near.percentile:.1f}%"
            if near.item_id in mates:
                note += ", its own half"
            elif same:
                note += ", same class"
            with place:
                card(
                    handle,
                    near.item_id,
                    key=f"{key}_{kind}_{found.index(near)}",
                    note=note,
                    on_open=open_item,
                )


def picked(handle: data.Handle, encoder_set: str, item_ids: Sequence[str], *, key: str) -> None:
    """The open items: the first in full, the rest as small cards."""
    if not item_ids:
        return
    detail(handle, encoder_set, item_ids[0], key=f"{key}_0", split=session.current().split)
    if len(item_ids) > 1:
        grid(handle, item_ids[1:], key=key, on_open=open_item)
