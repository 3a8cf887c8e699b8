"""The query of a session: uploads in the session alone, items and words in the address too.

The bytes and vectors of an upload stay in `st.session_state`: they are gone with the session and
no other session sees them. Their number and size are limited, and the oldest are removed first.
Nothing is drawn here.
"""

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.clock import Clock
from core.errors import UserError
from core.media import apart, formats
from core.retrieval.query_inputs import QueryInput, WeightedInput
from core.retrieval.retriever import Retriever
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.views.retrieve.upload import Upload

MAX_SESSION_BYTES = 256 * 2**20  # of all uploads of one session together
MAX_EMBEDDED = 24  # typed words whose vectors a session keeps
UPLOADS, PENDING, NOTICES, BLEND, ROUND = (
    f"query_{name}" for name in ("uploads", "pending", "notices", "blend", "round")
)
USES = ("both", "sound", "frames")  # what of a video is searched with


@dataclass(frozen=True)
class QueryEntry:
    """An upload, an item or typed words in the query, embedded.

    `query_inputs` are two for a video, its sound and its frames, else one.
    """

    key: str
    name: str
    query_inputs: Sequence[QueryInput]
    weight: float
    timings_ms: dict[str, float]
    upload: Upload | None = None
    item_id: str = ""
    words: str = ""

    @property
    def modality(self) -> str:
        return self.query_inputs[0].modality

    @property
    def weighted(self) -> list[WeightedInput]:
        return [
            WeightedInput(one, self.weight, self.upload.window(one) if self.upload else None)
            for one in self.query_inputs
        ]


@dataclass(frozen=True)
class Query:
    """All entries of a query, where it is searched, and the modality to `find`."""

    page: Page
    retriever: Retriever
    entries: list[QueryEntry]
    find: str

    @property
    def weighted(self) -> list[WeightedInput]:
        return [one for entry in self.entries for one in entry.weighted]


# -- new files -----------------------------------------------------------------------------------


def bring(files: Sequence[tuple[str, bytes]]) -> None:
    """Keep files for `take_in` in the next run of the page. For callbacks."""
    st.session_state[PENDING] = list(files)


def take_in(handle: data.Handle, encoder_set: str) -> None:
    """Embed the files of `bring`; a file that fails leaves a notice and changes nothing."""
    pending = st.session_state.pop(PENDING, [])
    if not pending:
        return
    _new_round()
    fresh: dict[str, Upload] = {}
    for name, content in pending:
        try:
            key = hashlib.sha256(content).hexdigest()[:16]
            with apart.Decoder() as decoder:
                kind = decoder.kind_of(content, name)
            upload = Upload(key, formats.shown(name), kind, content)
            upload.embedded(handle, encoder_set)
        except UserError as error:
            notices().append(str(error))
        else:
            fresh.pop(key, None)
            fresh[key] = upload
    if not fresh:
        return
    blend = blending() or len(fresh) > 1
    st.session_state[BLEND] = blend
    kept = [one for one in uploads() if blend and one.key not in fresh]
    session.change(items=(), **({} if blend else {"query": (), "words": ()}))
    st.session_state[UPLOADS] = _limited([*kept, *fresh.values()])


def _new_round() -> None:
    """Empty the input widgets, whose keys contain the round, and drop old notices."""
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
    st.session_state[NOTICES] = []


def _limited(all_uploads: list[Upload]) -> list[Upload]:
    """The newest uploads that fit, at least one; a notice if others were removed."""
    room = state.MAX_PARTS - len(session.current().query) - len(session.current().words)
    kept: list[Upload] = []
    n_bytes = 0
    for upload in reversed(all_uploads):
        n_bytes += len(upload.content)
        if kept and (len(kept) >= room or n_bytes > MAX_SESSION_BYTES):
            break
        kept.insert(0, upload)
    if len(kept) < len(all_uploads):
        notices().append(
            f"A query has at most {state.MAX_PARTS} parts and {MAX_SESSION_BYTES >> 20} MB: the "
            "oldest were removed."
        )
    return kept


# -- the query -----------------------------------------------------------------------------------


def uploads() -> list[Upload]:
    found: list[Upload] = st.session_state.setdefault(UPLOADS, [])
    return found


def notices() -> list[str]:
    """What went wrong with the last files or words."""
    found: list[str] = st.session_state.setdefault(NOTICES, [])
    return found


def blending() -> bool:
    """Whether new files, words and items join the query instead of replacing it."""
    return bool(st.session_state.get(BLEND)) or n_entries() > 1


def n_entries() -> int:
    return len(session.current().query) + len(session.current().words) + len(uploads())


def entries(handle: data.Handle, encoder_set: str) -> tuple[list[QueryEntry], list[str]]:
    """The query's entries, and a sentence for each that cannot be embedded.

    What an address names twice counts once.
    """
    chosen = session.current()
    makers: list[Callable[[data.Handle, str], QueryEntry]] = [
        *(functools.partial(_item_entry, text) for text in chosen.query),
        *(functools.partial(_upload_entry, upload) for upload in uploads()),
        *(functools.partial(_words_entry, text) for text in chosen.words),
    ]
    found: dict[str, QueryEntry] = {}
    missing = []
    for make in makers:
        try:
            entry = make(handle, encoder_set)
        except UserError as error:
            missing.append(str(error))
        else:
            found.setdefault(entry.key, entry)
    return list(found.values()), missing


def _item_entry(text: str, handle: data.Handle, encoder_set: str) -> QueryEntry:
    item_id, weight = state.split_weight(text)
    query_input = data.retriever(handle, encoder_set).embed_item(item_id)
    return QueryEntry(item_key(item_id), item_id, [query_input], weight, {}, item_id=item_id)


def _upload_entry(upload: Upload, handle: data.Handle, encoder_set: str) -> QueryEntry:
    inputs, timings_ms = upload.embedded(handle, encoder_set)
    wanted = {"both": ("audio", "image"), "sound": ("audio",), "frames": ("image",)}[upload.use]
    used = [one for one in inputs if one.modality in wanted] or inputs
    return QueryEntry(upload.key, upload.name, used, upload.weight, timings_ms, upload)


def _words_entry(text: str, handle: data.Handle, encoder_set: str) -> QueryEntry:
    words, weight = state.split_weight(text)

    def make() -> tuple[QueryInput, dict[str, float]]:
        clock = Clock()
        return data.retriever(handle, encoder_set).embed_text(words, clock), dict(clock.ms)

    key = (handle.root, handle.digest, encoder_set, words)
    query_input, timings_ms = session.once("query_words_embedded", key, make, MAX_EMBEDDED)
    return QueryEntry(words_key(words), words, [query_input], weight, timings_ms, words=words)


def item_key(item_id: str) -> str:
    """The key of an item among the widgets."""
    return f"item_{item_id}"


def words_key(words: str) -> str:
    """The key of typed words among the widgets."""
    return f"words_{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:12]}"


# -- changes, for callbacks ----------------------------------------------------------------------


def search_item(item_id: str) -> None:
    """Search with an item of the collection: alone, or added to the query."""
    added = state.with_weight(item_id)
    if not blending():
        st.session_state[UPLOADS] = []
        session.change(query=(added,), words=(), items=())
        return
    others = [one for one in session.current().query if state.split_weight(one)[0] != item_id]
    room = state.MAX_PARTS - len(uploads()) - len(session.current().words) - 1
    session.change(query=(*others[max(0, len(others) - room) :], added), items=())


def search_words(text: str, weight: float = 1.0, join: bool | None = None) -> None:
    """Search with typed words: alone, or added to the query (`join`, by default as `blending`).

    Empty words do nothing; too many leave a notice.
    """
    words = " ".join("".join(c if c.isprintable() or ord(c) > 159 else " " for c in text).split())
    if not words:
        return
    _new_round()
    if len(words) > state.MAX_WORDS:
        notices().append(
            f"The text has {len(words):,} characters: expected {state.MAX_WORDS:,} at most, a few "
            "sentences."
        )
        return
    added = state.with_weight(words, weight)
    join = blending() if join is None else join
    if not (join and n_entries()):
        st.session_state[UPLOADS] = []
        session.change(query=(), words=(added,), items=())
        return
    st.session_state[BLEND] = True
    others = [one for one in session.current().words if state.split_weight(one)[0] != words]
    room = state.MAX_PARTS - len(uploads()) - len(session.current().query) - 1
    if room < 0 or len(others) > room:
        notices().append(f"A query has at most {state.MAX_PARTS} parts: remove one first.")
        return
    session.change(words=(*others, added), items=())


def remove(key: str) -> None:
    st.session_state[UPLOADS] = [upload for upload in uploads() if upload.key != key]
    _reweigh(lambda one, weight: None if one == key else weight)


def clear() -> None:
    for name in (UPLOADS, NOTICES, BLEND):
        st.session_state.pop(name, None)
    session.change(query=(), words=(), items=())


def set_weight(key: str, weight: float) -> None:
    for upload in uploads():
        if upload.key == key:
            upload.weight = weight
    _reweigh(lambda one, old: weight if one == key else old)


def _reweigh(new_weight: Callable[[str, float], float | None]) -> None:
    """Give each item and text of the address a new weight, by its key; None removes it."""
    changed = {}
    for field, key_of in (("query", item_key), ("words", words_key)):
        kept = []
        for text in getattr(session.current(), field):
            name, old = state.split_weight(text)
            weight = new_weight(key_of(name), old)
            kept += [] if weight is None else [state.with_weight(name, weight)]
        changed[field] = tuple(kept)
    session.change(**changed)


def set_blend(on: bool) -> None:
    """Blend from now on; off keeps only the newest entry."""
    st.session_state[BLEND] = on
    if on or n_entries() < 2:
        return
    chosen = session.current()
    if uploads():
        st.session_state[UPLOADS] = [uploads()[-1]]
        uploads()[0].weight = 1.0
        session.change(query=(), words=())
    elif chosen.words:
        words, _ = state.split_weight(chosen.words[-1])
        session.change(query=(), words=(state.with_weight(words),))
    else:
        item_id, _ = state.split_weight(chosen.query[-1])
        session.change(query=(state.with_weight(item_id),))
