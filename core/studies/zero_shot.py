"""Zero-shot tagging: audio (or images) against words, without a trained classifier.

S §IV–VI: the text of a tag and an item are vectors of one space; their cosine is the score of the
tag. The scores (n items × t tags) are measured in two ways:

* *retrieval*, per tag: are the tag's own items ranked first? (`text_to_audio`)
* *annotation*, per item: are the item's own tags ranked first? (`audio_to_text`)

Each is measured with the area under the ROC curve (chance 0.5) and under the precision-recall
curve, as average precision (chance: the share of positives). For a tag without positives, or with
positives only, both are NaN and left out of means. If every item has exactly one tag, the tag with
the highest score is its predicted class, and accuracy is defined too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.studies.confusion import confusion as confusion_matrix
from core.vectors import unit_rows

PROMPTS = ("{tag}", "the sound of {tag}", "a recording of {tag}", "{tag} music")
NAMES = PROMPTS[0]


@dataclass(frozen=True)
class Areas:
    """One float64 value per row of the scores: `roc_auc`, `pr_auc` and `prevalence`."""

    roc_auc: np.ndarray
    pr_auc: np.ndarray
    prevalence: np.ndarray


@dataclass(frozen=True)
class Curves:
    """The two curves of one tag: false and true positive rate; recall and precision."""

    fpr: np.ndarray
    tpr: np.ndarray
    recall: np.ndarray
    precision: np.ndarray


def wordings(
    tags: Sequence[str],
    prompts: Sequence[str] = PROMPTS,
    described: Mapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """The texts of the tags: `{wording: one text per tag}`.

    `prompts` contain `{tag}`. `described` maps tags to longer descriptions; if it has every tag,
    it is one more wording (S table I). "_" in a tag becomes a space.
    """
    plain = [" ".join(tag.replace("_", " ").split()) for tag in tags]
    found = {prompt: [prompt.replace("{tag}", tag) for tag in plain] for prompt in prompts}
    if described and all(tag in described for tag in tags):
        found["description"] = [described[tag] for tag in tags]
    return found


def scores(vectors: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """Cosines of items (n, d) and tags (t, d): (n, t) float32; a zero vector scores 0."""
    return unit_rows(vectors) @ unit_rows(tags).T


def areas(scored: np.ndarray, truth: np.ndarray) -> Areas:
    """ROC-AUC and average precision of every row of `scored` (r, c) against `truth` bool.

    As `sklearn.metrics.roc_auc_score` and `average_precision_score`, ties included, for all
    rows in one sort.
    """
    scored, truth = np.asarray(scored), np.asarray(truth, dtype=bool)
    n_rows, n = scored.shape
    order = np.argsort(-scored, axis=1, kind="stable")
    ranked = np.take_along_axis(scored, order, axis=1)
    hits = np.take_along_axis(truth, order, axis=1)
    found = np.cumsum(hits, axis=1, dtype=np.int64)
    n_true = found[:, -1] if n else np.zeros(n_rows, dtype=np.int64)
    last = np.ones((n_rows, n), dtype=bool)  # the last of a run of equal scores: a threshold
    last[:, :-1] = ranked[:, 1:] != ranked[:, :-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.arange(1, n + 1)
        recall = np.where(last, found, 0) / n_true[:, None]
        before = np.maximum.accumulate(np.roll(recall, 1, axis=1) * (place > 1), axis=1)
        steps = np.where(last, recall - before, 0.0)
        pr_auc = (steps * found / place).sum(axis=1)
        missed = np.where(last, place - found, 0)
        missed_before = np.maximum.accumulate(np.roll(missed, 1, axis=1) * (place > 1), axis=1)
        height = (recall + before) / 2
        width = np.where(last, missed - missed_before, 0) / (n - n_true)[:, None]
        roc_auc = (height * width).sum(axis=1)
    undefined = (n_true == 0) | (n_true == n)
    nan = np.float64("nan")
    return Areas(
        np.where(undefined, nan, roc_auc),
        np.where(undefined, nan, pr_auc),
        n_true / max(n, 1),
    )


def curves(scored: np.ndarray, truth: np.ndarray) -> Curves:
    """The ROC and precision-recall curves of one tag: `scored` (n,), `truth` (n,) bool.

    Raises
    ------
    ValueError
        All items are positive, or none are.
    """
    scored, truth = np.asarray(scored), np.asarray(truth, dtype=bool)
    n_true = int(truth.sum())
    if not 0 < n_true < len(truth):
        raise ValueError(f"{n_true} of {len(truth)} items are positive: a curve needs both kinds")
    order = np.argsort(-scored, kind="stable")
    ranked, found = scored[order], np.cumsum(truth[order])
    at = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    hits, seen = found[at], at + 1
    return Curves(
        fpr=np.concatenate([[0.0], (seen - hits) / (len(truth) - n_true)]),
        tpr=np.concatenate([[0.0], hits / n_true]),
        recall=np.concatenate([[0.0], hits / n_true]),
        precision=np.concatenate([[1.0], hits / seen]),
    )


def confusion(scored: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts (k, k) int64 of true class (row) and best-scoring tag; `classes` (n,) int."""
    return confusion_matrix(classes, np.asarray(scored).argmax(axis=1), n_classes)
