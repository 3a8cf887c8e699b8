"""Typed tags scored over a collection: lines of words -> texts -> a space -> cosines.

`core.stages.zero_shot` stores the same scores for a study's own classes (S §IV–VI); texts and fits
are the same here, so a class gets its stored score. Nothing is trained or refitted for a tag.

    texts = tags.texts(["banjo", "slow strings"], "the sound of {tag}")
    vectors = tags.embed(retriever, texts, "translation").vectors
    scores = tags.gallery(study, encoder_set, "translation", "audio").array @ vectors.T
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.retrieval.embedder import Embedder
from core.retrieval.slices import in_slices
from core.studies import zero_shot
from core.study import Study
from core.vectors import Vectors, unit_rows

MAX_TAGS = 1_000  # scored at once
MAX_CHARACTERS = 500  # of one tag
NATIVE, DESCRIPTION = "native", "description"
TAG = "{tag}"  # stands for the tag in a wording
N_TEXTS = 32  # embedded in one slice
BLOCK_SCORES = 1 << 24  # cosines held at once: 64 MB


@dataclass(frozen=True)
class TagVectors:
    """Tags in a space.

    Parameters
    ----------
    vectors : (t, d) float32, unit rows; zeros where `known` is False
    known : (t,) bool, whether the encoder knows a word of the tag
    """

    vectors: np.ndarray
    known: np.ndarray


def lines(typed: str) -> tuple[list[str], list[str]]:
    """The tags of a typed text, one per line, and sentences about lines that are left out.

    Raises
    ------
    UserError
        There are more than `MAX_TAGS`.
    """
    tags: dict[str, None] = {}
    n_long = n_repeated = longest = 0
    for line in typed.splitlines():
        tag = " ".join(_without_controls(line).split())
        if len(tag) > MAX_CHARACTERS:
            n_long, longest = n_long + 1, max(longest, len(tag))
        elif tag in tags:
            n_repeated += 1
        elif tag:
            tags[tag] = None
    if len(tags) > MAX_TAGS:
        raise UserError(
            f"There are {len(tags):,} tags, one per line: expected {MAX_TAGS:,} at most, so type "
            "fewer lines."
        )
    notes = []
    if n_long:
        notes.append(
            f"{_n_lines(n_long)} left out, of up to {longest:,} characters: a tag has "
            f"{MAX_CHARACTERS} at most."
        )
    if n_repeated:
        notes.append(f"{_n_lines(n_repeated)} repeated: each tag counts once.")
    return list(tags), notes


def _n_lines(n: int) -> str:
    return "1 line is" if n == 1 else f"{n:,} lines are"


def _without_controls(text: str) -> str:
    """Control characters become blanks; emoji and direction marks stay."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)


def texts(
    tags: Sequence[str], wording: str = TAG, descriptions: Mapping[str, str] | None = None
) -> list[str]:
    """One text per tag, made as `core.studies.zero_shot.wordings` makes those of a study.

    `wording` contains `{tag}`, or is "description": the tag's description, or the tag if it has
    none.

    Raises
    ------
    UserError
        The wording does not contain `{tag}`.
    """
    if wording == DESCRIPTION:
        plain = zero_shot.wordings(tags, [TAG])[TAG]
        return [(descriptions or {}).get(tag, text) for tag, text in zip(tags, plain, strict=True)]
    if TAG not in wording:
        shown = wording if len(wording) <= 60 else wording[:60] + "…"
        raise UserError(f"The wording “{shown}” has no {TAG}: add it where the tag belongs.")
    return zero_shot.wordings(tags, [wording])[wording]


def gallery(study: Study, encoder_set: str, space: str, modality: str, split: int = 0) -> Vectors:
    """Every item of a modality in a space, unit rows; "native" is the encoder's own space."""
    if space == NATIVE:
        found = study.native(study.modalities(encoder_set)[modality])
    else:
        found = study.shared(encoder_set, space, modality, split)
    return Vectors(found.item_ids, unit_rows(found.array))


def embed(embedder: Embedder, texts: Sequence[str], space: str, split: int = 0) -> TagVectors:
    """Texts in a space; many of them in slices.

    A generation space uses the text encoder that was fine-tuned for it, if there is one.

    Raises
    ------
    UserError
        The encoder set has no text encoder, or its weights are absent.
    """
    encoder = embedder.tuned_encoder(space, split) or embedder.encoder("text")
    vectors = in_slices(encoder.embed, texts, N_TEXTS)
    known = np.any(vectors != 0, axis=1)
    if space != NATIVE:
        fit = embedder.study.space(embedder.encoder_set, space, split)
        vectors = fit.project("text", vectors) * known[:, None]
    return TagVectors(unit_rows(vectors), known)


def best(items: np.ndarray, tags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best item of each tag: its row (t,) int64 and cosine (t,) float32.

    `items (n, d)` and `tags (t, d)` are unit vectors; at most `BLOCK_SCORES` cosines are held at
    once. Without items, cosines are NaN.
    """
    rows = np.zeros(len(tags), dtype=np.int64)
    cosines = np.full(len(tags), np.nan, dtype=np.float32)
    step = max(1, BLOCK_SCORES // max(1, len(items)))
    for start in range(0, len(tags) if len(items) else 0, step):
        scored = tags[start : start + step] @ items.T
        rows[start : start + step] = scored.argmax(axis=1)
        cosines[start : start + step] = scored.max(axis=1)
    return rows, cosines


def class_means(
    items: np.ndarray, classes: np.ndarray, n_classes: int, tags: np.ndarray
) -> np.ndarray:
    """The mean cosine of each class's items with each tag.

    Parameters
    ----------
    items : (n, d) unit vectors
    classes : (n,) int, -1 for no class
    tags : (t, d) unit vectors

    Returns
    -------
    (n_classes, t) float32; NaN for a class without items
    """
    sums = np.zeros((n_classes, items.shape[1]), dtype=np.float64)
    labelled = classes >= 0
    np.add.at(sums, classes[labelled], items[labelled])
    counts = np.bincount(classes[labelled], minlength=n_classes)[:, None]
    means = sums / np.where(counts > 0, counts, np.nan)
    return np.asarray(means @ tags.T, dtype=np.float32)


def with_new_classes(
    predicted: np.ndarray, class_scores: np.ndarray, new_scores: np.ndarray
) -> np.ndarray:
    """`(n,) int64`: predictions after m classes made of words are added to the k trained ones.

    An item moves to a new class (numbered k, k + 1, …) where its cosine with that class's text is
    higher than with the text of any trained class; other items keep their prediction. If
    `predicted` is the best-scoring class, this is zero-shot classification over all k + m classes.

    Parameters
    ----------
    predicted : (n,) int, classes that a system predicted
    class_scores : (n, k), cosines with the texts of the trained classes
    new_scores : (n, m), cosines with the texts of the new classes
    """
    predicted = np.asarray(predicted, dtype=np.int64)
    if new_scores.shape[1] == 0:
        return predicted.copy()
    moved = new_scores.max(axis=1) > class_scores.max(axis=1)
    return np.where(moved, class_scores.shape[1] + new_scores.argmax(axis=1), predicted)


def label_of(tag: str, labels: Sequence[str]) -> str:
    """The first label that a typed tag names, ignoring case; "" for none."""
    wanted = _normalised(tag)
    return next((label for label in labels if _normalised(label) == wanted), "")


def _normalised(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).casefold()
