"""Results of S: Seth 2022, Multi-Modal Zero-Shot Learning for Music, tables II to VIII.

All are with the fine-tuned text encoder. "Retrieval" is over the clips of a tag, "annotation" over
the tags of a clip (§VI).
"""

from dataclasses import asdict

from core.references.reference import TABLE, Reference, Setting
from core.spaces.generation import GenerationConfig

PAPER = "Seth 2022"
ENCODERS = {"audio": ("hcnn",), "text": ("bert",)}
CAPTIONS = "captions of a private library"
N_CAPTIONS, TRAINED_SHARE = 115_000, 0.9  # §III.D: training and validation are 75 and 15 per cent
TEST_SIZES = {  # §V.A, §V.C and table II
    "gtzan": 1_000,
    "magnatagatune": 4_331,
    "jamendo genre": 11_479,
    "jamendo mood": 4_231,
    "jamendo instrument": 5_115,
    "jamendo top50": 11_356,
}
N_TAGS = {
    "gtzan": 10,
    "magnatagatune": 50,
    "jamendo genre": 87,
    "jamendo mood": 56,
    "jamendo instrument": 40,
    "jamendo top50": 50,
}
RECIPE = {
    name: value
    for name, value in asdict(GenerationConfig(text="finetuned")).items()
    if not name.startswith("snapshot")
}

# Table I's genre descriptions are the paper's own words and are not repeated; a study has its own.
# MTG-Jamendo's lists of tags -> the subsets of tables II, IV and V.
JAMENDO = {"top50tags": "top50", "moodtheme": "mood", "genre": "genre", "instrument": "instrument"}
TABLE_II = (
    "S's table II exchanges the numbers of tags of mood/theme (it says 41) and instrument (59): "
    "MTG-Jamendo has 59 and 41, of which its splits use 56 and 40. The list is told by its name."
)
BEST_TAGS = {  # tables VII and VIII
    "magnatagatune": (
        "metal", "rock", "choral", "dance", "country", "techno", "opera", "harpsichord", "piano",
        "choir", "classical", "beat", "electronic", "violin",
    ),
    "jamendo": (
        "metal", "rock", "classical", "house", "orchestral", "techno", "popfolk", "folk", "indie",
        "hiphop", "dance", "reggae", "film",
    ),
}  # fmt: skip
WORST_TAGS = {
    "magnatagatune": (
        "male voice", "no vocals", "female voice", "no vocal", "new age", "voice", "vocals",
        "no voice", "vocal", "female vocal", "female", "man", "woman",
    ),
    "jamendo": (
        "world", "drummachine", "instrumentalpop", "voice", "newage", "bass", "drums", "keyboard",
    ),
}  # fmt: skip


def _number(
    key: str, dataset: str, where: str, says: str, metric: str, value: float, class_: str = ""
) -> Reference:
    return Reference(
        key=key,
        paper=PAPER,
        figure=where,
        where=where,
        says=says,
        reported=f"{value:.3f}",
        low=value,
        high=value,
        how=TABLE,
        metric=metric,
        class_=class_,
        setting=Setting(
            dataset=dataset,
            trained_on=CAPTIONS,
            encoders=ENCODERS,
            space="generation",
            recipe=RECIPE,
            n_pairs=round(TRAINED_SHARE * N_CAPTIONS),
            n_test=TEST_SIZES[f"{dataset} {class_}".strip()],
            n_classes=N_TAGS[f"{dataset} {class_}".strip()],
        ),
    )


def _msd_glove(
    key: str, dataset: str, where: str, says: str, metric: str, value: float
) -> Reference:
    """A result of Choi and Nam (2019), which S reports for comparison.

    Their space of sounds and GloVe word vectors was trained on the Million Song Dataset, whose tags
    include several of GTZAN's genres. S notes that their test split of MagnaTagATune is not known.
    """
    return Reference(
        key=key,
        paper=PAPER,
        figure=where,
        where=where,
        says=f"{says}, MSD-GloVe (Choi and Nam 2019)",
        reported=f"{value:.3f}",
        low=value,
        high=value,
        how=TABLE,
        metric=metric,
        setting=Setting(
            dataset=dataset,
            trained_on="the Million Song Dataset",
            encoders={"text": ("GloVe",)},
            n_test=TEST_SIZES[dataset] if dataset == "gtzan" else None,
            n_classes=N_TAGS[dataset],
        ),
    )


_JAMENDO = {  # (task, subset) -> ROC-AUC, PR-AUC; tables IV and V
    ("retrieval", "top50"): (0.698, 0.149),
    ("retrieval", "mood"): (0.666, 0.068),
    ("retrieval", "genre"): (0.727, 0.077),
    ("retrieval", "instrument"): (0.612, 0.100),
    ("annotation", "top50"): (0.729, 0.217),
    ("annotation", "mood"): (0.674, 0.175),
    ("annotation", "genre"): (0.732, 0.173),
    ("annotation", "instrument"): (0.679, 0.254),
}
_MTAT = {"retrieval": (0.735, 0.227), "annotation": (0.770, 0.360)}  # table VI
_CURVES = (("roc_auc", "ROC-AUC"), ("pr_auc", "PR-AUC"))

REPORTED = (
    _number("gtzan_name", "gtzan", "table III", "Accuracy by genre name", "accuracy", 0.394),
    _number(
        "gtzan_description",
        "gtzan",
        "table III",
        "Accuracy by genre description",
        "accuracy_description",
        0.283,
    ),
    _msd_glove(
        "gtzan_name_msd_glove", "gtzan", "table III", "Accuracy by genre name", "accuracy", 0.731
    ),
    _msd_glove(
        "magnatagatune_msd_glove",
        "magnatagatune",
        "table VI",
        "ROC-AUC of retrieval",
        "roc_auc_retrieval",
        0.739,
    ),
    *(
        _number(
            f"jamendo_{subset}_{metric}_{task}",
            "jamendo",
            "table IV" if task == "retrieval" else "table V",
            f"{name} of {task}, {subset}",
            f"{metric}_{task}",
            value,
            subset,
        )
        for (task, subset), values in _JAMENDO.items()
        for (metric, name), value in zip(_CURVES, values, strict=True)
    ),
    *(
        _number(
            f"magnatagatune_{metric}_{task}",
            "magnatagatune",
            "table VI",
            f"{name} of {task}",
            f"{metric}_{task}",
            value,
        )
        for task, values in _MTAT.items()
        for (metric, name), value in zip(_CURVES, values, strict=True)
    ),
)
