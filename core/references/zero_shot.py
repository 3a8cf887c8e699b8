"""S's results (tables III to VI) beside a study's own zero-shot numbers.

On one of S's datasets the dataset's own rows are the counterparts; on others its simplest ones are
landmarks.

    zero_shot.counterparts(rows, "gtzan")
    zero_shot.counterparts(rows, "jamendo", "moodtheme")
"""

from collections.abc import Sequence

import pandas as pd

from core.references import seth2022
from core.references.counterparts import SCORE, Counterpart
from core.references.reference import Reference
from core.studies import zero_shot
from core.studies.headlines import summary

LANDMARKS = (
    "gtzan_name",
    "magnatagatune_roc_auc_retrieval",
    "magnatagatune_pr_auc_retrieval",
    "magnatagatune_roc_auc_annotation",
    "magnatagatune_pr_auc_annotation",
)
DIRECTIONS = {"retrieval": "text_to_audio", "annotation": "audio_to_text"}
DESCRIPTION = "description"


def counterparts(rows: pd.DataFrame, dataset: str, tag_list: str = "") -> list[Counterpart]:
    """S's numbers for audio beside this study's for the same wording.

    `rows` are those of one encoder set and one space. `tag_list` selects Jamendo's subset; S has
    no numbers for other lists. A number of S without a row of the same kind has no counterpart.
    """
    overall = rows[(rows["target"] == "audio") & (rows["class"] == "")]
    found = []
    for one in _chosen(dataset, tag_list):
        metric, _, rest = one.metric.partition("_")
        if metric == "accuracy":
            mine = overall[
                (overall["metric"] == "accuracy") & (overall["system"] == (rest or zero_shot.NAMES))
            ]
        else:
            name, task = one.metric.rsplit("_", 1)
            mine = overall[
                (overall["metric"] == name)
                & (overall["direction"] == DIRECTIONS[task])
                & (overall["system"] == zero_shot.NAMES)
            ]
        if mine.empty:
            continue
        value = float(summary(mine, ["metric"])["mean"].iloc[0])
        found.append(Counterpart(one, (("", value),), SCORE))
    return found


def _chosen(dataset: str, tag_list: str) -> Sequence[Reference]:
    subset = seth2022.JAMENDO.get(tag_list, "") if dataset == "jamendo" else ""
    own = [
        one for one in seth2022.REPORTED if dataset == one.setting.dataset and one.class_ == subset
    ]
    return own or [one for one in seth2022.REPORTED if one.key in LANDMARKS]


def said_of_sizes(dataset: str) -> str:
    """What is to be known about S's table II, "" for other data than MTG-Jamendo."""
    return seth2022.TABLE_II if dataset == "jamendo" else ""


def said_of_tags(dataset: str) -> str:
    """S's best and worst tags (tables VII and VIII) in a sentence, by default MagnaTagATune's."""
    where = "table VIII" if dataset == "jamendo" else "table VII"
    name = dataset if dataset in seth2022.BEST_TAGS else "magnatagatune"
    best, worst = seth2022.BEST_TAGS[name], seth2022.WORST_TAGS[name]
    title = {"magnatagatune": "MagnaTagATune", "jamendo": "Jamendo"}[name]
    return (
        f"{seth2022.PAPER}, {where}, on {title}: best {', '.join(best)}; worst {', '.join(worst)}."
    )
