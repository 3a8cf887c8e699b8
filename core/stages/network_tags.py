"""The tags that a network was trained on, scored on the items: a supervised baseline beside words.

`musicnn` was trained with labels to score 50 tags, so on a tag that it knows its scores are no
zero-shot result. Only labels that match one of its tags are measured, and the rows name the tag.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from core import encoders
from core.encoder_sets import READY
from core.encoders import joined
from core.stages import zero_shot
from core.stages.extract import TAGS
from core.store import Artefact
from core.vectors import read_vectors

SPACE = "supervised"
ALIASES = {"synthesizer": "synth", "synthesiser": "synth", "violin, fiddle": "violin"}
Row = dict[str, Any]


def tagging_networks(encoder: str) -> list[str]:
    """The encoders, of those joined in this one, that score tags of their own."""
    if encoder.startswith(READY):
        return []
    return [part.name for part in joined.parts(encoder) if encoders.card(part.name).tags]


def matched(labels: Sequence[str], tags: Sequence[str]) -> dict[str, str]:
    """`{label: tag}` of the labels that are among the tags, apart from case, "_" and aliases."""
    plain = {label: " ".join(label.lower().replace("_", " ").split()) for label in labels}
    named = {label: ALIASES.get(name, name) for label, name in plain.items()}
    return {label: name for label, name in named.items() if name in tags}


def rows(
    frames: Mapping[str, pd.DataFrame],
    by_modality: Mapping[str, str],
    extracted: Callable[[str], Artefact],
    labels: Sequence[str],
) -> list[Row]:
    """The areas under the curves of every matched label, by network.

    Parameters
    ----------
    frames : the items to tag, by modality
    by_modality : the encoder of each modality
    extracted : gives the artefact with an encoder's vectors and scores

    Returns
    -------
    Rows of the zero-shot study in the space `supervised`; `system` is the network, and in the rows
    of single labels `other` is its tag.
    """
    found: list[Row] = []
    for target, frame in frames.items():
        for name in tagging_networks(by_modality[target]):
            tag_of = matched(labels, encoders.card(name).tags)
            artefact = extracted(name)
            if not tag_of or frame.empty or not artefact.has(TAGS):
                continue
            columns = [encoders.card(name).tags.index(tag) for tag in tag_of.values()]
            scores = read_vectors(artefact, TAGS).take(frame["item_id"])[:, columns]
            head = {"study": zero_shot.STUDY, "space": SPACE, "target": target, "system": name}
            for row in zero_shot.measure(scores, frame, list(tag_of), target):
                if row["metric"] in ("roc_auc", "pr_auc"):
                    tag = tag_of.get(row.get("class", ""), "")
                    found.append({**head, **row, "other": tag})
    return found
