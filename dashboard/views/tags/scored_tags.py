"""Tags scored over a gallery: their vectors, their items, and one table with a row per tag.

The tags that somebody typed stay in the session, as uploads do; the scores of the classes and the
vectors of the collection are shared by all sessions, read-only.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import theme
from core.kept import last_used
from core.retrieval import tags
from core.studies import zero_shot
from core.vectors import Vectors
from dashboard import data, session
from dashboard.page import Page

KEPT = "tags_scored"
MAX_KEPT = 6
OF_CLASSES = last_used(MAX_KEPT)
AREAS = ("roc_auc", "pr_auc", "prevalence")


class Gallery(NamedTuple):
    """Every item of a modality in a space: short strings, so a cache key."""

    handle: data.Handle
    encoder_set: str
    space: str
    modality: str
    split: int
    only: int = 0  # a saved selection, whose items alone are scored

    @property
    def vectors(self) -> Vectors:
        """Rows of unit length."""
        return _vectors(self) if self.only else data.tag_gallery(*self[:5])

    @property
    def items(self) -> pd.DataFrame:
        """`labels, class, subset, clip_id`, by `item_id`, in the order of `vectors`."""
        return _items(self)

    @property
    def held_out(self) -> np.ndarray:
        """`(n,) bool`: the items that scores are measured on."""
        return (self.items["subset"] == "test").to_numpy()

    def has_label(self, label: str) -> np.ndarray:
        """`(n,) bool`: the items with a label."""
        return np.array([label in labels for labels in self.items["labels"]], dtype=bool)

    @property
    def plural(self) -> str:
        return theme.MODALITY_PLURALS[self.modality]


@st.cache_resource(show_spinner=False, max_entries=4)
def _vectors(gallery: Gallery) -> Vectors:
    """The vectors of a selection's items; of all where fewer than two are of this modality, or
    none is held out for scores."""
    whole = data.tag_gallery(*gallery[:5])
    kept = data.kept_items(gallery.handle, gallery.only)
    mask = np.isin(whole.item_ids, np.array(list(kept), dtype=object))
    ids = whole.item_ids[mask]
    subsets = data.items(gallery.handle, gallery.split).loc[ids, "subset"]
    return Vectors(ids, whole.array[mask]) if (subsets == "test").sum() > 1 else whole


@st.cache_resource(show_spinner=False, max_entries=8)
def _items(gallery: Gallery) -> pd.DataFrame:
    frame = data.items(gallery.handle, gallery.split)
    return frame.loc[gallery.vectors.item_ids, ["labels", "class", "subset", "clip_id"]]


@dataclass(frozen=True)
class ScoredTags:
    """Tags, scored over a gallery.

    Parameters
    ----------
    tags : the t tags as typed
    texts : the tags put into words
    known : (t,) bool, whether the encoder knows a word of the tag
    vectors : (t, d) float32, unit rows
    table : one row per tag, see `summary`
    ms : how long embedding and scoring took
    """

    gallery: Gallery
    wording: str
    tags: tuple[str, ...]
    texts: tuple[str, ...]
    known: np.ndarray
    vectors: np.ndarray
    table: pd.DataFrame
    ms: float

    @property
    def own(self) -> bool:
        """Whether somebody typed the tags; otherwise they are the classes of the collection."""
        return list(self.tags) != data.study(self.gallery.handle).classes

    def row(self, tag: str) -> int:
        return self.tags.index(tag)

    def scores(self, tag: str) -> np.ndarray:
        """`(n,) float32`: the cosine of every item with one tag."""
        return np.asarray(self.gallery.vectors.array @ self.vectors[self.row(tag)])

    @property
    def open_tag(self) -> str:
        """The tag whose items are shown: the chosen one, else the first with a known word."""
        chosen = session.current().open_tag
        if chosen in self.tags:
            return chosen
        return self.tags[int(np.argmax(self.known))]

    @property
    def provenance(self) -> dict[str, str]:
        """How the tags were scored, for exports."""
        return {
            "scored": f"{len(self.gallery.vectors.item_ids):,} {self.gallery.plural}",
            "space": self.gallery.space,
            "wording": self.wording,
            "areas": "over the held-out items (subset test)",
        }

    def class_means(self) -> np.ndarray:
        """`(C, t)`: the mean cosine of each class's items with each tag, in the class order."""
        classes = data.study(self.gallery.handle).classes
        rows = pd.Index(classes).get_indexer(self.gallery.items["class"])  # -1 for no class
        return tags.class_means(self.gallery.vectors.array, rows, len(classes), self.vectors)


def score(page: Page, wanted: Sequence[str]) -> ScoredTags:
    """Score tags over the chosen gallery in the chosen wording; the last few are kept.

    Raises
    ------
    UserError
        The wording has no place for the tag, or there is no text encoder.
    """
    chosen = session.current()
    gallery = Gallery(
        page.handle,
        page.encoder_set,
        chosen.tagged_in,
        chosen.tagged,
        chosen.split,
        chosen.only if page.only else 0,
    )
    texts = tags.texts(wanted, chosen.wording, page.study.dataset.get("descriptions"))

    def make() -> ScoredTags:
        retriever = data.retriever(page.handle, page.encoder_set)
        retriever.encoder("text")  # loading it is no part of the time that is shown
        started = time.perf_counter()
        found = tags.embed(retriever, texts, gallery.space, gallery.split)
        table = summary(gallery, wanted, texts, found)
        ms = (time.perf_counter() - started) * 1_000
        typed = (chosen.wording, tuple(wanted), tuple(texts))
        return ScoredTags(gallery, *typed, found.known, found.vectors, table, ms)

    key = (gallery, tuple(wanted), tuple(texts))
    if list(wanted) == page.study.classes:  # nobody's own words: scored once for all visitors
        return OF_CLASSES.get(key, make)
    return session.once(KEPT, key, make, MAX_KEPT)


def summary(
    gallery: Gallery, wanted: Sequence[str], texts: Sequence[str], found: tags.TagVectors
) -> pd.DataFrame:
    """One row per tag: `tag, text, known, best, best_item, label, n, roc_auc, pr_auc, prevalence`.

    `best` is the highest cosine in the gallery. `n` items of the held-out ones have the tag's
    `label`; the areas are NaN if there is no such label, or if no item or every item has it.
    """
    items, classes = gallery.vectors, data.study(gallery.handle).classes
    rows, best = tags.best(items.array, found.vectors)
    labels = [tags.label_of(tag, classes) for tag in wanted]
    table = pd.DataFrame(
        {
            "tag": list(wanted),
            "text": list(texts),
            "known": found.known,
            "best": np.where(found.known, best, np.nan),
            "best_item": items.item_ids[rows] if len(items.item_ids) else "",
            "label": labels,
            "n": 0,
            **dict.fromkeys(AREAS, np.nan),
        }
    )
    held_out = gallery.held_out
    labelled = [row for row, label in enumerate(labels) if label]
    if labelled and held_out.any():
        scores = found.vectors[labelled] @ items.array[held_out].T
        truth = np.stack([gallery.has_label(labels[row])[held_out] for row in labelled])
        measured = zero_shot.areas(scores, truth)
        table.loc[labelled, "n"] = truth.sum(axis=1)
        for name in AREAS:
            table.loc[labelled, name] = getattr(measured, name)
    return table
