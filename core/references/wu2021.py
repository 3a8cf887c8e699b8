"""Findings of W: Wu, Fuentes, Bello 2021, Exploring modality-agnostic representations for music
classification. Figures 2 to 6.

The text of W gives few numbers: "almost 70%" for the zero-shot share, and sizes. The range of NDCG
is read off figure 2. Figures 4, 5 and 6 come with findings in words; the paper gives no distance,
count or F1 for them.
"""

from dataclasses import asdict, replace
from typing import Any

from core.references.reference import READ_OFF, Reference, Setting
from core.spaces.translation import TranslationConfig
from core.studies.forests import W_FOREST

PAPER = "Wu et al. 2021"
NINE = {
    "audio": ("yamnet", "vggish", "openl3_audio"),
    "image": ("resnet50", "vgg16", "openl3_image"),
}
BEST = {"audio": ("yamnet",), "image": ("resnet50",)}
UNTRANSLATED = ("openl3_audio_512", "openl3_image_512")  # the blue line of figure 2
# Table 2, and §3.1: pairs to train on and to rank, items to train and to test classifiers.
N_TRANSLATION, N_CROSSMODAL, N_TRAIN, N_TEST, N_CLASSES = 130_000, 10_000, 16_200, 1_800, 18

# §4.3: classes that the MMT classifier confuses, and in which modality.
CONFUSED = (
    ("cymbals", "drums", "both modalities"),
    ("trombone", "trumpet", "both modalities"),
    ("guitar", "mandolin", "mostly of pictures"),
    ("organ", "piano", "mostly of pictures"),
)
# §4.3: classes that the translation wrongly brings together.
BLENDED = ("accordion", "clarinet", "flute", "organ", "saxophone")
# §4.3: classes whose picture centroids are far from all others after PCA.
FAR_PICTURES = ("voice", "cymbals", "synthesizer")

_WHERE = {2: "§4.1", 3: "§4.2", 4: "§4.3", 5: "§4.3", 6: "§4.3"}  # by figure

# (key, figure, what is reported, the finding); BLENDED and CONFUSED add their own.
_FINDINGS = (
    ("ndcg_range", 2, "NDCG@30 of the translations", "0.79 to 0.815"),
    ("best_encoder_set", 2, "Best encoder set", "yamnet + resnet50"),
    ("weakest_image_encoder", 2, "Weakest image encoder", "openl3_image, by a big gap"),
    (
        "random_beats_untranslated",
        2,
        "Random order over OpenL3-512 untranslated, sound to picture",
        "random is better",
    ),
    ("zero_shot_share", 3, "Zero-shot MMT, share of the best system", "almost 70%"),
    ("zero_shot_pca", 3, "Zero-shot MMP, macro F1", "guesses very little right"),
    ("pca_with_all", 3, "MMP with all data, share of the single modality's F1", "almost the same"),
    ("translation_with_all", 3, "MMT with all data, share of MMP's F1", "falls behind"),
    (
        "distances_shrink",
        4,
        "Mean distance of two centroids over the scale of the space",
        "smaller after translation",
    ),
    (
        "classes_come_together",
        4,
        "Same class over other classes across modalities, translation",
        "brought together",
    ),
    (
        "sounds_are_closer",
        4,
        "Mean distance in PCA, sounds over pictures",
        "sounds closer to each other",
    ),
    (
        "far_pictures",
        4,
        "Pictures farthest from all other centroids in PCA",
        ", ".join(FAR_PICTURES),
    ),
    (
        "blended_classes",
        4,
        f"Distance among {', '.join(BLENDED)} over that of all classes, translation",
        "wrongly close",
    ),
    *(
        (f"confused_{a}_{b}", 5, f"{a} and {b}, confused by MMT", f"a common mistake, {where}")
        for a, b, where in CONFUSED
    ),
    (
        "pca_confuses_less",
        5,
        "These confusions of MMP over those of MMT",
        "alike, to a lesser extent",
    ),
    (
        "rare_classes_suffer",
        6,
        "Rank correlation of labels in the translation subset and F1 of MMT",
        "rarer classes are confused more; no number",
    ),
)
_TRAINED = Setting(
    dataset="audioset",
    encoders=BEST,
    recipe=asdict(TranslationConfig()),
    n_pairs=N_TRANSLATION,
)
_RANKED = replace(_TRAINED, encoders=NINE, gallery_size=N_CROSSMODAL)
_UNTRANSLATED = Setting(dataset="audioset", gallery_size=N_CROSSMODAL)
_CENTROIDS = replace(_TRAINED, n_test=N_TEST, n_classes=N_CLASSES)
_CLASSIFIED = replace(_CENTROIDS, forest=asdict(W_FOREST), n_train=N_TRAIN)
_SETTINGS = {2: _RANKED, 3: _CLASSIFIED, 4: _CENTROIDS, 5: _CLASSIFIED, 6: _CLASSIFIED}  # by figure
_NDCG = {"metric": "ndcg@30"}
_FURTHER: dict[str, dict[str, Any]] = {
    "ndcg_range": {
        **_NDCG,
        "where": "figure 2",
        "low": 0.79,
        "high": 0.815,
        "how": READ_OFF,
    },
    "best_encoder_set": _NDCG,
    "weakest_image_encoder": _NDCG,
    "random_beats_untranslated": {
        "setting": _UNTRANSLATED,
        "metric": "ndcg@30",
        "direction": "audio_to_image",
    },
    "zero_shot_share": {
        "where": "§4.2 and abstract",
        "low": 0.7,
        "high": 0.7,
        "metric": "macro_f1",
    },
}

REPORTED = tuple(
    Reference(
        key=key,
        paper=PAPER,
        figure=f"figure {figure}",
        says=says,
        reported=reported,
        **{"where": _WHERE[figure], "setting": _SETTINGS[figure], **_FURTHER.get(key, {})},
    )
    for key, figure, says, reported in _FINDINGS
)
