"""What a person asks with: uploads, kept in their session alone; items and words, in the address.

An upload's bytes and vectors live in `st.session_state` and nowhere else, so they are gone with
the session and never meet another person's. How many and how large is bounded; the oldest give
way. Every function runs within a page; nothing is drawn here.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from core import media
from core.clock import Clock
from core.errors import UserError
from core.media import formats
from core.retrieval.query_inputs import QueryInput, WeightedInput
from dashboard import data, session, state

MAX_SESSION_BYTES = 256 * 2**20  # of all uploads of one session together
MAX_READ = 24  # typed words whose vectors a session keeps
UPLOADS, PENDING, NOTICES, BLEND, ROUND, READ = (
    f"tray_{name}" for name in ("uploads", "pending", "notices", "blend", "round", "read")
)
USES = ("both", "sound", "frames")  # what of a video asks


@dataclass
class Upload:
    """A file that a person brought. `second` is where it asks, None for the whole.

    `seen` keeps what was made of it to be shown; `embedded` its things and the milliseconds
    that took, by (study, encoder set).
    """

    key: str
    name: str
    kind: str
    content: bytes
    weight: float = 1.0
    second: float | None = None
    use: str = "both"
    embedded: dict[tuple[str, ...], tuple[list[QueryInput], dict[str, float]]] = field(
        default_factory=dict
    )
    seen: dict[tuple[Any, ...], Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One thing of the query, embedded: an upload, an item of the collection, or typed words."""

    key: str
    name: str
    things: Sequence[QueryInput]
    weight: float
    timings_ms: dict[str, float]
    upload: Upload | None = None
    item_id: str = ""
    words: str = ""

    @property
    def modality(self) -> str:
        return self.things[0].modality

    def parts(self) -> list[WeightedInput]:
        """Its things as parts of the blend."""
        second = self.upload.second if self.upload else None
        return [
            WeightedInput(thing, self.weight, window_at(thing, second)) for thing in self.things
        ]


def window_at(thing: QueryInput, second: float | None) -> int | None:
    """The window of a thing at a second; None for the whole, or where there is one window."""
    if second is None or len(thing.starts_s) < 2:
        return None
    return int(np.argmin(np.abs(thing.starts_s - second)))


# -- coming in -----------------------------------------------------------------------------------


def bring(files: Sequence[tuple[str, bytes]]) -> None:
    """Lay files before the next drawing of the page, which takes them in. For callbacks."""
    st.session_state[PENDING] = list(files)


def take_in(handle: data.Handle, encoder_set: str) -> None:
    """Embed what was brought; what cannot be taken in leaves a sentence and changes nothing."""
    pending = st.session_state.pop(PENDING, [])
    if not pending:
        return
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1  # empties the input widgets
    st.session_state[NOTICES] = []
    fresh: list[Upload] = []
    for name, content in pending:
        try:
            upload = Upload(
                key=hashlib.sha256(content).hexdigest()[:16],
                name=formats.shown(name),
                kind=media.kind_of(content, name),
                content=content,
            )
            things_of(upload, handle, encoder_set)
        except UserError as error:
            notices().append(str(error))
        else:
            fresh = [other for other in fresh if other.key != upload.key] + [upload]
    if not fresh:
        return
    blend = blending() or len(fresh) > 1
    st.session_state[BLEND] = blend
    kept = [one for one in uploads() if one.key not in {each.key for each in fresh}]
    if not blend:
        kept = []
        session.change(query=(), words=())
    session.change(items=())
    st.session_state[UPLOADS] = _bounded([*kept, *fresh])


def _bounded(whole: list[Upload]) -> list[Upload]:
    """The newest that fit, at least one; a sentence when others had to go."""
    room = state.MAX_PARTS - len(session.current().query) - len(session.current().words)
    kept: list[Upload] = []
    n_bytes = 0
    for upload in reversed(whole):
        n_bytes += len(upload.content)
        if kept and (len(kept) >= room or n_bytes > MAX_SESSION_BYTES):
            break
        kept.insert(0, upload)
    if len(kept) < len(whole):
        notices().append(
            f"A query holds at most {state.MAX_PARTS} things and {MAX_SESSION_BYTES >> 20} MB: "
            "the oldest gave way."
        )
    return kept


def things_of(
    upload: Upload, handle: data.Handle, encoder_set: str
) -> tuple[list[QueryInput], dict[str, float]]:
    """An upload's things and the milliseconds they took, embedded once in this session.

    Raises
    ------
    UserError
        It cannot be taken in, or there is no encoder for it.
    """
    key = (handle.root, handle.digest, encoder_set)
    if key not in upload.embedded:
        clock = Clock()
        things = data.retriever(handle, encoder_set).embed(upload.content, upload.name, clock)
        if len(upload.embedded) > 3:
            upload.embedded.clear()
        upload.embedded[key] = (things, dict(clock.ms))
    return upload.embedded[key]


# -- what there is -------------------------------------------------------------------------------


def uploads() -> list[Upload]:
    found: list[Upload] = st.session_state.setdefault(UPLOADS, [])
    return found


def notices() -> list[str]:
    """What went wrong when files came in last."""
    found: list[str] = st.session_state.setdefault(NOTICES, [])
    return found


def blending() -> bool:
    """Whether something new joins the query instead of replacing it."""
    return bool(st.session_state.get(BLEND)) or n_parts() > 1


def n_parts() -> int:
    return len(session.current().query) + len(session.current().words) + len(uploads())


def asked(handle: data.Handle, encoder_set: str) -> tuple[list[Asked], list[str]]:
    """Everything of the query, and a sentence for each part that has no vector here."""
    found: list[Asked] = []
    missing: list[str] = []
    for text in session.current().query:
        item_id, weight = state.split_weight(text)
        try:
            thing = data.retriever(handle, encoder_set).embed_item(item_id)
        except UserError as error:
            missing.append(str(error))
        else:
            found.append(Asked(f"item_{item_id}", item_id, [thing], weight, {}, item_id=item_id))
    for upload in uploads():
        try:
            things, timings = things_of(upload, handle, encoder_set)
        except UserError as error:
            missing.append(str(error))
        else:
            used = [thing for thing in things if _used(thing, upload.use)] or things
            found.append(Asked(upload.key, upload.name, used, upload.weight, timings, upload))
    for text in session.current().words:
        words, weight = state.split_weight(text)
        try:
            thing, timings = read(words, handle, encoder_set)
        except UserError as error:
            missing.append(str(error))
        else:
            found.append(Asked(key_of(words), words, [thing], weight, timings, words=words))
    return found, missing


def read(words: str, handle: data.Handle, encoder_set: str) -> tuple[QueryInput, dict[str, float]]:
    """Typed words as a thing and the milliseconds that took, read once in this session.

    Raises
    ------
    UserError
        None of the words is known, or there is no encoder of text.
    """
    kept: dict[tuple[str, ...], tuple[QueryInput, dict[str, float]]]
    kept = st.session_state.setdefault(READ, {})
    key = (handle.root, handle.digest, encoder_set, words)
    if key not in kept:
        clock = Clock()
        thing = data.retriever(handle, encoder_set).embed_text(words, clock)
        while len(kept) >= MAX_READ:
            del kept[next(iter(kept))]
        kept[key] = (thing, dict(clock.ms))
    return kept[key]


def key_of(words: str) -> str:
    """What typed words are called among the widgets."""
    return f"words_{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _used(thing: QueryInput, use: str) -> bool:
    return use == "both" or thing.modality == ("audio" if use == "sound" else "image")


# -- changes, for callbacks ----------------------------------------------------------------------


def ask_item(item_id: str) -> None:
    """Ask with an item of the collection: instead of what was there, or beside it."""
    if not blending():
        st.session_state[UPLOADS] = []
        session.change(query=(state.with_weight(item_id),), words=(), items=())
        return
    kept = [text for text in session.current().query if state.split_weight(text)[0] != item_id]
    room = state.MAX_PARTS - len(uploads()) - len(session.current().words) - 1
    session.change(query=(*kept[max(0, len(kept) - room) :], state.with_weight(item_id)), items=())


def ask_words(text: str, weight: float = 1.0, join: bool | None = None) -> None:
    """Ask with typed words: instead of what was there, or beside it (`join`; by default as the
    page is set to). What cannot ask leaves a sentence and changes nothing.
    """
    words = " ".join("".join(c if c.isprintable() or ord(c) > 159 else " " for c in text).split())
    if not words:
        return
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1  # empties the input widgets
    st.session_state[NOTICES] = []
    if len(words) > state.MAX_WORDS:
        notices().append(
            f"The text has {len(words):,} characters: expected {state.MAX_WORDS:,} at most, a few "
            "sentences."
        )
        return
    join = blending() if join is None else join
    if not (join and n_parts()):
        st.session_state[UPLOADS] = []
        session.change(query=(), words=(state.with_weight(words, weight),), items=())
        return
    st.session_state[BLEND] = True
    kept = [one for one in session.current().words if state.split_weight(one)[0] != words]
    room = state.MAX_PARTS - len(uploads()) - len(session.current().query) - 1
    if room < 0 or len(kept) > room:
        notices().append(f"A query holds at most {state.MAX_PARTS} things: remove one first.")
        return
    session.change(words=(*kept, state.with_weight(words, weight)), items=())


def remove(key: str) -> None:
    st.session_state[UPLOADS] = [upload for upload in uploads() if upload.key != key]
    kept = [
        text for text in session.current().query if f"item_{state.split_weight(text)[0]}" != key
    ]
    words = [text for text in session.current().words if key_of(state.split_weight(text)[0]) != key]
    session.change(query=tuple(kept), words=tuple(words))


def clear() -> None:
    for name in (UPLOADS, NOTICES, BLEND):
        st.session_state.pop(name, None)
    session.change(query=(), words=(), items=())


def set_weight(key: str, weight: float) -> None:
    for upload in uploads():
        if upload.key == key:
            upload.weight = weight
    texts = []
    for text in session.current().query:
        item_id, old = state.split_weight(text)
        texts.append(state.with_weight(item_id, weight if f"item_{item_id}" == key else old))
    read_ones = []
    for text in session.current().words:
        words, old = state.split_weight(text)
        read_ones.append(state.with_weight(words, weight if key_of(words) == key else old))
    session.change(query=tuple(texts), words=tuple(read_ones))


def set_blend(on: bool) -> None:
    """Blend from now on; off keeps the newest thing alone."""
    st.session_state[BLEND] = on
    if on or n_parts() < 2:
        return
    if uploads():
        st.session_state[UPLOADS] = [uploads()[-1]]
        uploads()[0].weight = 1.0
        session.change(query=(), words=())
    elif session.current().words:
        words, _ = state.split_weight(session.current().words[-1])
        session.change(query=(), words=(state.with_weight(words),))
    else:
        item_id, _ = state.split_weight(session.current().query[-1])
        session.change(query=(state.with_weight(item_id),))


# -- to be heard and seen ------------------------------------------------------------------------

_SOUND_MIMES = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "matroska": "audio/webm",
}
PLAYED_S = 120.0  # of a sound that a browser cannot play as it came


def playable(upload: Upload) -> tuple[bytes, str]:
    """Its sound for a player and the MIME type: the chosen second, or all as it came.

    Raises
    ------
    MediaError
        It cannot be decoded.
    """
    if upload.second is not None:
        return media.wav_bytes(sound(upload, upload.second, 1.0)), "audio/wav"
    mime = _SOUND_MIMES.get(formats.sniff(io.BytesIO(upload.content), upload.name), "")
    if mime:
        return upload.content, mime
    return media.wav_bytes(sound(upload, 0.0, PLAYED_S)), "audio/wav"


def sound(upload: Upload, start_s: float, duration_s: float) -> media.Audio:
    """A part of its sound at 22,050 Hz, decoded once."""
    key = ("sound", start_s, duration_s)
    if key not in upload.seen:
        if len(upload.seen) > 40:
            upload.seen.clear()
        upload.seen[key] = media.read_audio(
            upload.content, upload.name, rate_hz=22_050, start_s=start_s, duration_s=duration_s
        )
    found: media.Audio = upload.seen[key]
    return found


def picture(upload: Upload, at_s: float | None = None, side_px: int = 480) -> bytes:
    """The picture, or a video's frame, as a small JPEG, decoded once.

    Raises
    ------
    MediaError
        It cannot be decoded.
    """
    key = ("picture", at_s, side_px)
    if key not in upload.seen:
        if len(upload.seen) > 40:
            upload.seen.clear()
        if upload.kind == "video":
            pixels = media.read_frame(upload.content, upload.name, at_s or 0.0)
        else:
            pixels = media.read_image(upload.content, upload.name)
        upload.seen[key] = media.picture_bytes(pixels, side_px)
    found: bytes = upload.seen[key]
    return found
