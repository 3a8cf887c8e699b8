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
from core.studies import zero_shot
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
    """

    encoder: Encoder
    spaces: Mapping[str, Space | None]
    tags: Sequence[str]
    wordings: Mapping[str, Sequence[str]]
    tuned: Mapping[str, Encoder] = field(default_factory=dict)

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
                    measured = measure(scored, frame, self.tags, target)
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


def measure(scored: np.ndarray, frame: pd.DataFrame, tags: Sequence[str], target: str) -> list[Row]:
    """The rows of one set of scores (n, t): areas by tag and by item, accuracy, confusion."""
    truth = _truth(frame, tags)
    rows: list[Row] = []
    by_tag = zero_shot.areas(scored.T, truth.T)
    by_item = zero_shot.areas(scored, truth)
    for direction, found in ((RETRIEVAL, by_tag), (ANNOTATION, by_item)):
        head = {"direction": direction.format(target=target)}
        kept = ~np.isnan(found.roc_auc)
        if not kept.any():
            continue
        for metric, values, chance in (
            ("roc_auc", found.roc_auc, np.full(len(kept), 0.5)),
            ("pr_auc", found.pr_auc, found.prevalence),
        ):
            common = {**head, "metric": metric, "gallery_size": truth.shape[0]}
            value, guess = float(values[kept].mean()), float(chance[kept].mean())
            rows.append({**common, "value": value, "chance": guess, "n": int(kept.sum())})
            if found is by_tag:
                rows += [
                    {
                        **common,
                        "class": tags[row],
                        "value": float(values[row]),
                        "chance": float(chance[row]),
                        "n": int(truth[:, row].sum()),
                    }
                    for row in np.flatnonzero(kept).tolist()
                ]
    return rows + _classified(scored, frame, tags)


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
