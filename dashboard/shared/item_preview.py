"""What a pointer on a map shows and plays: the server answers with an item's picture and sound.

An invisible component in a fragment of its own: an answer draws nothing else of the page anew. The
map asks by an event of the document, and hears the answer as one.
"""

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
    """The item of a row, with the addresses of its picture and sound, or its words."""
    place = int(asked["set"])
    if place not in sets:
        return None
    shown = maps[list(sets).index(place)]
    ids, row = data.row_ids(shown), int(asked["row"])
    if not 0 <= row < len(ids):
        return None
    item_id = str(ids[row])
    told: dict[str, Any] = {"set": place, "row": row, "item": item_id}
    facts = data.items(shown.handle).loc[item_id]
    try:
        if facts["modality"] == "text":
            told["words"] = " ".join(str(facts["text"]).split())[:WORDS]
        else:
            picture = thumbnails.jpeg(shown.handle, item_id, widgets.dark())
            told["image"] = url_of(picture, "image/jpeg", "preview picture")
        if facts["modality"] == "audio" and asked.get("sound"):
            wav = media.wav_bytes(data.sound(shown.handle, item_id))
            told["sound"] = url_of(wav, "audio/wav", "preview sound")
    except UserError as error:
        told["words"] = str(error)
    return told
