"""What a pointer on a map shows and plays: the server answers with an item's picture and sound.

An invisible component in a fragment of its own: an answer draws nothing else of the page anew. The
map asks by an event of the document, and hears the answer as one.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core import media
from core.errors import UserError
from dashboard import data
from dashboard.map_component.mount import url_of
from dashboard.shared import thumbnails, widgets

SCRIPT = """
const answered = new WeakMap();  // element -> the answer that was passed on last
export default function ({ data, parentElement, setTriggerValue }) {
  if (data.answer && answered.get(parentElement) !== data.answer.number) {
    answered.set(parentElement, data.answer.number);
    document.dispatchEvent(new CustomEvent("jee-preview", { detail: data.answer }));
  }
  const ask = ({ detail }) => { if (detail.key === data.key) setTriggerValue("asked", detail); };
  parentElement.stopAsking?.();
  parentElement.stopAsking = () => document.removeEventListener("jee-preview-wanted", ask);
  document.addEventListener("jee-preview-wanted", ask);
  return () => parentElement.stopAsking();
}
"""
WORDS = 160  # letters of a text on the card
MOST_SHEETS = 80
MOST_TILES = 200  # pictures of one answer


@st.fragment
def answer(key: str, maps: Sequence[data.MapKey], sets: Sequence[int]) -> None:
    """Answer what the pointer asks on the maps of this key."""
    name = f"{key}_preview"
    event: Any = st.session_state.get(name)
    asked = event.get("asked") if event else None
    told = None
    if asked:
        number = st.session_state[f"{name}_n"] = st.session_state.get(f"{name}_n", 0) + 1
        told = preview(maps, sets, asked)
        if told is not None:
            told |= {"key": key, "number": number}
    component = st.components.v2.component("item_preview", js=SCRIPT)
    component(key=name, data={"key": key, "answer": told}, height=1, on_asked_change=lambda: None)


def preview(
    maps: Sequence[data.MapKey], sets: Sequence[int], asked: dict[str, Any]
) -> dict[str, Any] | None:
    """The item of a row, with the addresses of its picture and sound; or the pictures of `rows`."""
    place = int(asked["set"])
    if place not in sets:
        return None
    shown = maps[list(sets).index(place)]
    if "sheets" in asked:
        return {"set": place, "sheets": sheets(shown.handle, asked["sheets"])}
    ids = data.row_ids(shown)
    rows = [int(row) for row in asked.get("rows", [asked.get("row")])[:MOST_TILES]]
    if not rows or not all(0 <= row < len(ids) for row in rows):
        return None
    if "rows" in asked:
        return {"set": place, "tiles": [seen(shown, str(ids[row]), row) for row in rows]}
    item_id = str(ids[rows[0]])
    told = {"set": place, "item": item_id, **seen(shown, item_id, rows[0])}
    if asked.get("sound") and data.items(shown.handle).loc[item_id, "modality"] == "audio":
        with contextlib.suppress(UserError):  # the card then has no sound
            wav = media.wav_bytes(data.sound(shown.handle, item_id))
            told["sound"] = url_of(wav, "audio/wav", "preview sound")
    return told


def sheets(handle: data.Handle, asked: Sequence[Any]) -> list[dict[str, Any]]:
    """The addresses of sheets of the study's atlas, of those that there are."""
    found = {int(number): data.sheet(handle, int(number)) for number in asked[:MOST_SHEETS]}
    return [
        {"number": number, "url": url_of(content, "image/jpeg", f"sheet {number}")}
        for number, content in found.items()
        if content
    ]


def seen(shown: data.MapKey, item_id: str, row: int) -> dict[str, Any]:
    """The address of an item's picture or spectrogram, or its words; a sentence if unreadable."""
    facts = data.items(shown.handle).loc[item_id]
    if facts["modality"] == "text":
        return {"row": row, "words": " ".join(str(facts["text"]).split())[:WORDS]}
    try:
        picture = thumbnails.jpeg(shown.handle, item_id, widgets.dark())
    except UserError as error:
        return {"row": row, "words": str(error)}
    return {"row": row, "image": url_of(picture, "image/jpeg", f"picture {item_id}")}
