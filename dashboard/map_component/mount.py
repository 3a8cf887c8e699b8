"""The map in a page: its files get addresses on the server, its events become calls.

The thin adapter to `st.components.v2`. The points are no part of the component's data, because
Streamlit sends that with every run of the page: they are files among the server's media, and the
browser fetches each once and keeps it by its digest.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import streamlit as st
from streamlit.runtime import Runtime

from core.figures.map_files import MapFile
from dashboard.map_component import bundle

BYTES, SCRIPT = "application/octet-stream", "text/javascript"
LOADER = """
// The map's own script is a file of the server too: it is fetched once, not with every run.
export default async function (component) {
  const { default: show } = await import(new URL(component.data.script, document.baseURI).href);
  // Streamlit sends the address that the server wrote last: the filters of the map are not in it.
  const setTriggerValue = (name, value) =>
    component.setTriggerValue(name, { value, address: location.search.slice(1) });
  return show({ ...component, setTriggerValue });
}
"""


def address(file: MapFile, mime: str = BYTES) -> dict[str, str]:
    """Where a browser finds a file, for as long as pages of this session use it, and its digest."""
    return {"url": url_of(file.content, mime, file.digest), "digest": file.digest}


def url_of(content: bytes, mime: str, name: str) -> str:
    """The address of some bytes on this server; "" where no server runs (in tests of pages)."""
    if not Runtime.exists():
        return ""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    path = Runtime.instance().media_file_mgr.add(content, mime, f"map {name}")
    return f"/{base}{path}" if base else path


def take_address(query: str) -> None:
    """Make the parameters of the browser's address those of the server."""
    params = parse_qs(query, keep_blank_values=True)
    embedding = ("embed", "embed_options")  # Streamlit's own
    st.query_params.from_dict({name: params[name] for name in params if name not in embedding})


def mount(
    key: str, data: Mapping[str, Any], events: Mapping[str, Callable[[dict[str, Any]], None]]
) -> None:
    """Show the map; `events` are called with what the browser sends under their names."""

    def hear(name: str) -> None:
        sent: Any = st.session_state.get(key)
        event = sent.get(name) if sent else None
        if event is not None:
            take_address(str(event["address"]))
            events[name](event["value"])

    script = url_of(bundle.script().encode(), SCRIPT, "script")
    component = st.components.v2.component("embedding_map", js=LOADER, css=bundle.style())
    heard: dict[str, Any] = {f"on_{name}_change": functools.partial(hear, name) for name in events}
    component(key=key, data={**data, "script": script}, **heard)
