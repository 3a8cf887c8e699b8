"""Typed tags on the page Tags: which there are, and what they score over a collection.

What a person types and what was made of it stay in their session, as uploads do; the collection's
own vectors are shared by everybody, read-only. A short list of tags stands in the address, a longer
one in the session alone.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.retrieval import tags
from core.studies import zero_shot
from core.vectors import Vectors
from dashboard import data, session, state

TYPED = "tags_typed"  # a list that is too long for the address
KEPT = "tags_kept"  # what was made of the last few lists
MAX_KEPT = 6
ADDRESS_TAGS, ADDRESS_LETTERS = 60, 1_500


@dataclass(frozen=True)
class Where:
    """One gallery: short strings, so a cache key."""

    handle: data.Handle
    encoder_set: str
    space: str
    modality: str
    split: int


@dataclass(frozen=True)
class Tagged:
    """Typed tags, scored over a gallery.

    `tags` (t,) as typed and `texts` as put into words; `known (t,) bool`; `vectors (t, d)`
    and `gallery (n, d)` unit float32; `table`: one row a tag (see `summary`); `ms` is how
    long it took.
    """

    where: Where
    wording: str
    tags: tuple[str, ...]
    texts: tuple[str, ...]
    known: np.ndarray
    vectors: np.ndarray
    gallery: Vectors
    table: pd.DataFrame
    ms: float

    def row(self, tag: str) -> int:
        return self.tags.index(tag)

    def scores(self, tag: str) -> np.ndarray:
        """`(n,) float32`: the cosine of every item with one tag."""
        return np.asarray(self.gallery.array @ self.vectors[self.row(tag)])


# -- what is typed ---------------------------------------------------------------------------------


def typed() -> str:
    """The text of the tags' field, from the address or the session."""
    chosen = session.current().tags
    return "\n".join(chosen) if chosen else str(st.session_state.get(TYPED, ""))


def keep(text: str) -> None:
    """Make this the typed tags: in the address where they fit. For callbacks."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lines = list(dict.fromkeys(line for line in lines if line))
    short = all(len(line) <= state.MAX_LENGTH and line.isprintable() for line in lines)
    letters = sum(len(line) for line in lines)
    fits = short and len(lines) <= ADDRESS_TAGS and letters <= ADDRESS_LETTERS
    st.session_state[TYPED] = "" if fits else text
    session.change(tags=tuple(lines) if fits else ())


def in_address() -> bool:
    """Whether the typed tags stand in the address, so that a colleague sees them too."""
    return not st.session_state.get(TYPED) or bool(session.current().tags)


# -- what they score -------------------------------------------------------------------------------


def gallery(where: Where) -> Vectors:
    """Every item of a modality in a space, rows of unit length."""
    return data.tag_gallery(
        where.handle, where.encoder_set, where.space, where.modality, where.split
    )


@st.cache_resource(show_spinner=False, max_entries=8)
def facts(where: Where) -> pd.DataFrame:
    """The items of a gallery, in its order: `labels, class, subset, clip_id`, by `item_id`."""
    frame = data.items(where.handle, where.split)
    return frame.loc[gallery(where).item_ids, ["labels", "class", "subset", "clip_id"]]


def tested(where: Where) -> np.ndarray:
    """`(n,) bool`: the held-out items, on which scores are measured."""
    return (facts(where)["subset"] == "test").to_numpy()


def bearing(where: Where, label: str) -> np.ndarray:
    """`(n,) bool`: the items that bear a label."""
    return np.array([label in labels for labels in facts(where)["labels"]], dtype=bool)


def tagged(where: Where, wanted: Sequence[str], wording: str) -> Tagged:
    """Tags scored over a gallery, once for as long as the session asks for them.

    Raises
    ------
    UserError
        The wording has no place for the tag, or the study has no encoder of text.
    """
    study = data.study(where.handle)
    texts = tags.texts(wanted, wording, study.dataset.get("descriptions"))
    kept: dict[tuple[Any, ...], Tagged] = st.session_state.setdefault(KEPT, {})
    key = (where, tuple(wanted), tuple(texts))
    if key not in kept:
        retriever = data.retriever(where.handle, where.encoder_set)
        retriever.encoder("text")  # loaded once, and no part of the time that is shown
        started = time.perf_counter()
        found = tags.embed(retriever, texts, where.space, where.split)
        table = summary(where, wanted, texts, found)
        ms = (time.perf_counter() - started) * 1_000
        while len(kept) >= MAX_KEPT:
            del kept[next(iter(kept))]
        kept[key] = Tagged(
            where,
            wording,
            tuple(wanted),
            tuple(texts),
            found.known,
            found.vectors,
            gallery(where),
            table,
            ms,
        )
    return kept[key]


def summary(
    where: Where, wanted: Sequence[str], texts: Sequence[str], found: tags.TagVectors
) -> pd.DataFrame:
    """One row a tag: `tag, text, known, best, best_item, label, n, roc_auc, pr_auc, prevalence`.

    `best` is the highest cosine in the gallery. The areas are over the held-out items, and NaN
    for a tag that is no label of the collection or that none of them bears, or all.
    """
    items = gallery(where)
    rows, best = tags.best(items.array, found.vectors)
    labels = data.study(where.handle).classes
    named = [tags.label_of(tag, labels) for tag in wanted]
    table = pd.DataFrame(
        {
            "tag": list(wanted),
            "text": list(texts),
            "known": found.known,
            "best": np.where(found.known, best, np.nan),
            "best_item": items.item_ids[rows] if len(items.item_ids) else "",
            "label": named,
        }
    )
    held_out = tested(where)
    of_label = np.array([row for row, label in enumerate(named) if label], dtype=int)
    areas: dict[str, Any] = {name: np.full(len(table), np.nan) for name in _AREAS}
    counts = np.zeros(len(table), dtype=int)
    if len(of_label) and held_out.any():
        scored = found.vectors[of_label] @ items.array[held_out].T
        truth = np.stack([bearing(where, named[row])[held_out] for row in of_label])
        measured = zero_shot.areas(scored, truth)
        for name in _AREAS:
            areas[name][of_label] = getattr(measured, name)
        counts[of_label] = truth.sum(axis=1)
    return table.assign(n=counts, **areas)


_AREAS = ("roc_auc", "pr_auc", "prevalence")


def class_means(asked: Tagged) -> np.ndarray:
    """`(C, t)`: the mean cosine of each class's items with each tag, in the fixed class order."""
    classes = data.study(asked.where.handle).classes
    number = {name: row for row, name in enumerate(classes)}
    rows = facts(asked.where)["class"].map(lambda name: number.get(name, -1)).to_numpy()
    return tags.class_means(asked.gallery.array, rows, len(classes), asked.vectors)
