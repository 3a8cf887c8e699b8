"""The zero-shot part of `evaluate`: sounds and pictures are tagged with the classes' names.

S §IV–VI. Every wording of the tags (a name, a prompt around it, a description) is a system, so
that the effect of the wording can be seen. Items with several labels are scored tag by tag; the
class of a single-label item is the tag with the best score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.encoders.base import Encoder
from core.studies import seen_tags, zero_shot
from core.studies.zero_shot import Areas
from core.study import Space
from core.vectors import Vectors

Row = dict[str, Any]
STUDY = "zero_shot"
TAGGED = ("item_id", "target", "space", "system", "truth", "predicted", "score")
# S's two tasks: find the items of a tag, and the tags of an item.
RETRIEVAL, ANNOTATION = "text_to_{target}", "{target}_to_text"


@dataclass(frozen=True)
class Tagger:
    """Tags as texts, and how texts are mapped into each space.

    Parameters
    ----------
    encoder : the text encoder
    spaces : space -> its fit, or None where native vectors are compared as they are
    tags : labels of the items
    wordings : wording -> one text per tag
    tuned : space -> the text encoder that was fine-tuned for it
    seen : of each tag, whether the texts of the training name it; () if that is not known
    """

    encoder: Encoder
    spaces: Mapping[str, Space | None]
    tags: Sequence[str]
    wordings: Mapping[str, Sequence[str]]
    tuned: Mapping[str, Encoder] = field(default_factory=dict)
    seen: Sequence[bool] = ()

    def study(
        self, frames: Mapping[str, pd.DataFrame], vectors: Mapping[str, Mapping[str, Vectors]]
    ) -> tuple[list[Row], pd.DataFrame]:
        """Measurements, and the best tag of each item.

        Parameters
        ----------
        frames : the items to tag, by modality
        vectors : space -> modality -> vectors of every item

        Returns
        -------
        Rows, and a table `item_id, target, space, system, truth, predicted, score`. `system` is
        the wording; `truth` is "" for items without exactly one tag.
        """
        rows: list[Row] = []
        tagged = [pd.DataFrame([], columns=list(TAGGED))]
        for wording, texts in self.wordings.items():
            common = self.encoder.embed(list(texts))
            for space, fit in self.spaces.items():
                native = self.tuned[space].embed(list(texts)) if space in self.tuned else common
                words = native if fit is None else fit.project("text", native)
                for target, frame in frames.items():
                    if frame.empty or target not in vectors[space]:
                        continue
                    scored = zero_shot.scores(vectors[space][target].take(frame["item_id"]), words)
                    head = {"study": STUDY, "space": space, "target": target, "system": wording}
                    measured = measure(scored, frame, self.tags, target, self.seen)
                    rows += [{**head, **row} for row in measured]
                    best = _best(scored, frame, self.tags)
                    tagged.append(best.assign(target=target, space=space, system=wording))
        return rows, pd.concat(tagged, ignore_index=True)[list(TAGGED)]


def _best(scored: np.ndarray, frame: pd.DataFrame, tags: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id": frame["item_id"],
            "truth": items.single_labels(frame),
            "predicted": np.asarray(tags)[scored.argmax(axis=1)],
            "score": scored.max(axis=1),
        }
    )


def measure(
    scored: np.ndarray,
    frame: pd.DataFrame,
    tags: Sequence[str],
    target: str,
    seen: Sequence[bool] = (),
) -> list[Row]:
    """The rows of one set of scores (n, t): areas by tag and by item, accuracy, confusion.

    Where some tags are seen in training and others are not, the means are given of each group too,
    as metrics with the end `_seen` or `_unseen`: an item is annotated with, and classified among,
    tags of the group alone. `other` says of each tag which it is.
    """
    truth = _truth(frame, tags)
    rows = _areas(scored, truth, target) + _classified(scored, frame, tags)
    by_tag = zero_shot.areas(scored.T, truth.T)
    groups = seen_tags.groups(seen)
    for metric, values, chance in _of(by_tag):
        rows += [
            {
                "metric": metric,
                "direction": RETRIEVAL.format(target=target),
                "gallery_size": truth.shape[0],
                "class": tags[row],
                "other": next((name for name, mask in groups.items() if mask[row]), ""),
                "value": float(values[row]),
                "chance": float(chance[row]),
                "n": int(truth[:, row].sum()),
            }
            for row in np.flatnonzero(~np.isnan(by_tag.roc_auc)).tolist()
        ]
    for name, mask in groups.items():
        mine = [tag for tag, chosen in zip(tags, mask, strict=True) if chosen]
        part = _areas(scored[:, mask], truth[:, mask], target)
        part += _classified(scored[:, mask], frame, mine)[:1]
        rows += [{**row, "metric": f"{row['metric']}_{name}"} for row in part]
    if len(seen):
        rows.append({"metric": "tags_seen", "value": float(sum(seen)), "n": len(tags)})
    return rows


def _of(found: Areas) -> list[tuple[str, np.ndarray, np.ndarray]]:
    half = np.full(len(found.roc_auc), 0.5)
    return [("roc_auc", found.roc_auc, half), ("pr_auc", found.pr_auc, found.prevalence)]


def _areas(scored: np.ndarray, truth: np.ndarray, target: str) -> list[Row]:
    """The mean areas by tag and by item."""
    rows: list[Row] = []
    for direction, found in (
        (RETRIEVAL, zero_shot.areas(scored.T, truth.T)),
        (ANNOTATION, zero_shot.areas(scored, truth)),
    ):
        kept = ~np.isnan(found.roc_auc)
        rows += [
            {
                "direction": direction.format(target=target),
                "metric": metric,
                "gallery_size": truth.shape[0],
                "value": float(values[kept].mean()),
                "chance": float(chance[kept].mean()),
                "n": int(kept.sum()),
            }
            for metric, values, chance in _of(found)
            if kept.any()
        ]
    return rows


def _classified(scored: np.ndarray, frame: pd.DataFrame, tags: Sequence[str]) -> list[Row]:
    """Accuracy and confusion of the items that have exactly one tag."""
    numbers = items.class_numbers(frame, tags)
    single = numbers >= 0
    if not single.any():
        return []
    counts = zero_shot.confusion(scored[single], numbers[single], len(tags))
    n = int(single.sum())
    head = {"n": n, "chance": 1.0 / len(tags)}
    rows: list[Row] = [{**head, "metric": "accuracy", "value": float(np.trace(counts)) / n}]
    rows += [
        {
            "metric": "confusion",
            "class": tags[i],
            "other": tags[j],
            "value": float(counts[i, j]),
            "n": n,
        }
        for i, j in np.argwhere(counts).tolist()
    ]
    return rows


def _truth(frame: pd.DataFrame, tags: Sequence[str]) -> np.ndarray:
    """(n, t) bool: which tags each item has."""
    number = {tag: column for column, tag in enumerate(tags)}
    truth = np.zeros((len(frame), len(tags)), dtype=bool)
    for row, labels in enumerate(frame["labels"]):
        truth[row, [number[label] for label in labels if label in number]] = True
    return truth
