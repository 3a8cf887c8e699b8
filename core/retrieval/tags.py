"""Typed tags against a collection, live: lines of words -> texts -> a space -> cosines.

What `core.stages.zero_shot` stores for a study's own classes, asked of any words (S §IV–VI): the
same texts, the same saved fits, the same cosines, so that a class gets its stored score. Nothing is
trained or refitted for a tag.

    tagged = tags.tag_scores(retriever, tags.texts(["banjo", "slow strings"]), "audio")
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.retrieval.query_inputs import Embedder
from core.studies import zero_shot
from core.study import Study
from core.vectors import Vectors

MAX_TAGS = 1_000  # scored at once
MAX_CHARACTERS = 500  # of one tag
NATIVE, DESCRIPTION = "native", "description"
PLACE = "{tag}"  # where a wording holds the tag
BLOCK_SCORES = 1 << 24  # cosines held at once: 64 MB


@dataclass(frozen=True)
class Embedded:
    """Tags in a space: `vectors (t, d) float32`, unit rows, zeros where `known (t,) bool` is
    False: none of the words is one that the encoder knows.
    """

    vectors: np.ndarray
    known: np.ndarray


def lines(typed: str) -> tuple[list[str], list[str]]:
    """The tags of a typed text, one a line, each once; and what was left out, in words.

    Raises
    ------
    UserError
        There are more than `MAX_TAGS`.
    """
    found: dict[str, None] = {}
    n_long = n_again = longest = 0
    for line in typed.splitlines():
        tag = " ".join(_plain(line).split())
        if len(tag) > MAX_CHARACTERS:
            n_long, longest = n_long + 1, max(longest, len(tag))
        elif tag in found:
            n_again += 1
        elif tag:
            found[tag] = None
    if len(found) > MAX_TAGS:
        raise UserError(
            f"There are {len(found):,} tags, one a line: expected {MAX_TAGS:,} at most, so type "
            "fewer lines."
        )
    notes = []
    if n_long:
        what = "1 line is" if n_long == 1 else f"{n_long:,} lines are"
        notes.append(
            f"{what} left out, of up to {longest:,} characters: a tag has {MAX_CHARACTERS} at most."
        )
    if n_again:
        what = "1 line stands" if n_again == 1 else f"{n_again:,} lines stand"
        notes.append(f"{what} there already: each tag counts once.")
    return list(found), notes


def _plain(text: str) -> str:
    """Without control characters; emoji and marks of direction stay."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(one) == "Cc" else one for one in text)


def texts(
    tags: Sequence[str], wording: str = PLACE, descriptions: Mapping[str, str] | None = None
) -> list[str]:
    """Tags put into words: as `core.studies.zero_shot.wordings` does for the stored study.

    `wording` holds `{tag}`, or is "description": a tag's own, where it has one, else itself.

    Raises
    ------
    UserError
        The wording has no place for the tag.
    """
    if wording == DESCRIPTION:
        given = descriptions or {}
        plain = zero_shot.wordings(tags, [PLACE])[PLACE]
        return [given.get(tag, text) for tag, text in zip(tags, plain, strict=True)]
    if PLACE not in wording:
        shown = wording if len(wording) <= 60 else wording[:60] + "…"
        raise UserError(f"The wording “{shown}” has no {PLACE}: put it where the tag belongs.")
    return zero_shot.wordings(tags, [wording])[wording]


def gallery(study: Study, encoder_set: str, space: str, modality: str, split: int = 0) -> Vectors:
    """Every item of a modality in a space; `native`: as its encoder gives it."""
    if space == NATIVE:
        return study.native(study.modalities(encoder_set)[modality])
    return study.shared(encoder_set, space, modality, split)


def embed(embedder: Embedder, words: Sequence[str], space: str, split: int = 0) -> Embedded:
    """Texts in a space of a study's encoder set, all in one batch.

    The generation space uses the text encoder that was fine-tuned for it, if there is one.

    Raises
    ------
    UserError
        The study has no encoder of text, or its weights are absent.
    """
    encoder = embedder.tuned_encoder(space, split) or embedder.encoder("text")
    native = encoder.embed(list(words))
    known = np.any(native != 0, axis=1)
    if space == NATIVE:
        return Embedded(_unit(native), known)
    made = embedder.study.space(embedder.encoder_set, space, split).project("text", native)
    return Embedded(_unit(made) * known[:, None].astype(np.float32), known)


def tag_scores(
    embedder: Embedder,
    words: Sequence[str],
    modality: str,
    space: str = "translation",
    split: int = 0,
) -> np.ndarray:
    """`(n, t) float32`: the cosine of every item of a modality with every text.

    Rows are those of `gallery`; a text of which the encoder knows no word scores 0 with all.
    """
    items = gallery(embedder.study, embedder.encoder_set, space, modality, split)
    return zero_shot.scores(items.array, embed(embedder, words, space, split).vectors)


def best(items: np.ndarray, tags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For unit vectors of items (n, d) and tags (t, d): the best item's row of each tag (t,) int64
    and its cosine (t,) float32, no more than `BLOCK_SCORES` cosines at once.
    """
    rows = np.zeros(len(tags), dtype=np.int64)
    found = np.full(len(tags), np.nan, dtype=np.float32)
    step = max(1, BLOCK_SCORES // max(1, len(items)))
    for start in range(0, len(tags) if len(items) else 0, step):
        scored = tags[start : start + step] @ items.T
        rows[start : start + step] = scored.argmax(axis=1)
        found[start : start + step] = scored.max(axis=1)
    return rows, found


def class_means(
    items: np.ndarray, classes: np.ndarray, n_classes: int, tags: np.ndarray
) -> np.ndarray:
    """`(n_classes, t) float32`: the mean cosine of each class's items (unit vectors (n, d), class
    (n,) int, -1 for none) with each tag; NaN for a class without items.
    """
    sums = np.zeros((n_classes, items.shape[1]), dtype=np.float64)
    mine = classes >= 0
    np.add.at(sums, classes[mine], items[mine])
    counts = np.bincount(classes[mine], minlength=n_classes)[:, None]
    with np.errstate(invalid="ignore"):
        means = sums / np.where(counts > 0, counts, np.nan)
    return np.asarray(means @ tags.T, dtype=np.float32)


def with_new_classes(
    predicted: np.ndarray, class_scores: np.ndarray, new_scores: np.ndarray
) -> np.ndarray:
    """`(n,) int64`: predictions once classes made of words alone stand beside the trained ones.

    An item goes to a new class (numbered k, k + 1, … after the k trained ones) where its cosine
    with that class's text is higher than with the text of any trained class; else it stays where
    the system had put it. For a zero-shot system, whose `predicted` is the best-scoring class,
    that is zero-shot classification over all k + m classes.

    Parameters
    ----------
    predicted : (n,) int, the system's own classes
    class_scores : (n, k), cosines with the texts of the trained classes
    new_scores : (n, m), cosines with the texts of the new ones
    """
    predicted = np.asarray(predicted, dtype=np.int64)
    if new_scores.shape[1] == 0:
        return predicted.copy()
    moved = new_scores.max(axis=1) > class_scores.max(axis=1)
    return np.where(moved, class_scores.shape[1] + new_scores.argmax(axis=1), predicted)


def label_of(tag: str, labels: Sequence[str]) -> str:
    """The label of the collection that a typed tag names, whatever its case; "" for none."""
    return {_key(label): label for label in reversed(labels)}.get(_key(tag), "")


def _key(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).casefold()


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
