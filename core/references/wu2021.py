"""What W reports: Wu, Fuentes, Bello 2021, Exploring modality-agnostic representations for music
classification. Figures 2 to 6, tables 1 and 2.

The text of W states few numbers: "almost 70%" for the zero-shot share, and sizes. The range of
NDCG is read off figure 2; figures 4, 5 and 6 come with findings in words, and no distance, count
or F1 of theirs is stated.
"""

from core.references.reference import READ_OFF, Reference

PAPER = "Wu et al. 2021"
DATASETS = ("audioset",)
NINE = {
    "audio": ("yamnet", "vggish", "openl3_audio"),
    "image": ("resnet50", "vgg16", "openl3_image"),
}
BEST = {"audio": ("yamnet",), "image": ("resnet50",)}
UNTRANSLATED = ("openl3_audio_512", "openl3_image_512")  # the blue line of figure 2

# Table 1: name -> (millions of parameters, dimensions of the output).
TABLE_1 = {
    "openl3_image": (4.7, 8192),
    "vgg16": (15.0, 512),
    "resnet50": (23.6, 2048),
    "openl3_audio": (9.0, 6144),
    "vggish": (62.0, 128),
    "yamnet": (3.2, 1024),
}
# Table 2: subset -> pairs or items.
TABLE_2 = {"translation": 130_000, "crossmodal": 10_000, "train": 16_200, "test": 1_800}

# §4.3: classes that the MMT classifier takes for one another, and on which modality.
CONFUSED = (
    ("cymbals", "drums", ("audio", "image")),
    ("trombone", "trumpet", ("audio", "image")),
    ("guitar", "mandolin", ("image",)),
    ("organ", "piano", ("image",)),
)
# §4.3: classes that the translation brings together though they should not be.
BLENDED = ("accordion", "clarinet", "flute", "organ", "saxophone")
# §4.3: pictures whose centroids lie far from all others after PCA.
FAR_PICTURES = ("voice", "cymbals", "synthesizer")


def _said(key: str, figure: str, where: str, says: str, reported: str, study: str) -> Reference:
    """A finding in words about YAMNet and ResNet50."""
    return Reference(
        key=key,
        paper=PAPER,
        figure=figure,
        where=where,
        says=says,
        reported=reported,
        study=study,
        datasets=DATASETS,
        encoders=BEST,
    )


REPORTED = (
    Reference(
        key="ndcg_range",
        paper=PAPER,
        figure="figure 2",
        where="figure 2",
        says="NDCG@30 of the translations",
        reported="0.79 to 0.815",
        low=0.79,
        high=0.815,
        how=READ_OFF,
        study="ranking",
        metric="ndcg@30",
        datasets=DATASETS,
        encoders=NINE,
        gallery_size=TABLE_2["crossmodal"],
    ),
    Reference(
        key="best_pair",
        paper=PAPER,
        figure="figure 2",
        where="§4.1",
        says="Best encoder set",
        reported="yamnet + resnet50",
        study="ranking",
        metric="ndcg@30",
        datasets=DATASETS,
        encoders=NINE,
    ),
    Reference(
        key="weakest_image_encoder",
        paper=PAPER,
        figure="figure 2",
        where="§4.1",
        says="Weakest image encoder",
        reported="openl3_image, by a big gap",
        study="ranking",
        metric="ndcg@30",
        datasets=DATASETS,
        encoders=NINE,
    ),
    Reference(
        key="random_beats_untranslated",
        paper=PAPER,
        figure="figure 2",
        where="§4.1",
        says="Random order over OpenL3-512 untranslated, sound to picture",
        reported="random is better",
        study="ranking",
        metric="ndcg@30",
        direction="audio_to_image",
        datasets=DATASETS,
    ),
    Reference(
        key="zero_shot_share",
        paper=PAPER,
        figure="figure 3",
        where="§4.2 and abstract",
        says="Zero-shot MMT, share of the best system",
        reported="almost 70%",
        low=0.7,
        high=0.7,
        study="mix_in",
        metric="macro_f1",
        datasets=DATASETS,
        encoders=BEST,
    ),
    _said(
        "zero_shot_pca",
        "figure 3",
        "§4.2",
        "Zero-shot MMP, macro F1",
        "guesses very little right",
        "mix_in",
    ),
    _said(
        "pca_with_all",
        "figure 3",
        "§4.2",
        "MMP with all data, share of the single modality's F1",
        "almost the same",
        "mix_in",
    ),
    _said(
        "translation_with_all",
        "figure 3",
        "§4.2",
        "MMT with all data, share of MMP's F1",
        "falls behind",
        "mix_in",
    ),
    _said(
        "distances_shrink",
        "figure 4",
        "§4.3",
        "Mean distance of two centroids",
        "smaller after translation",
        "centroids",
    ),
    _said(
        "classes_meet",
        "figure 4",
        "§4.3",
        "Same class over other classes across modalities, translation",
        "brought together",
        "centroids",
    ),
    _said(
        "sounds_huddle",
        "figure 4",
        "§4.3",
        "Mean distance in PCA, sounds over pictures",
        "sounds closer to each other",
        "centroids",
    ),
    _said(
        "far_pictures",
        "figure 4",
        "§4.3",
        "Pictures farthest from all other centroids in PCA",
        ", ".join(FAR_PICTURES),
        "centroids",
    ),
    _said(
        "blended_classes",
        "figure 4",
        "§4.3",
        f"Distance among {', '.join(BLENDED)} over that of all classes, translation",
        "wrongly close",
        "centroids",
    ),
    *(
        _said(
            f"confused_{one}_{other}",
            "figure 5",
            "§4.3",
            f"{one} and {other}, taken for each other by MMT",
            "a common mistake, both modalities"
            if len(targets) > 1
            else "a common mistake, mostly of pictures",
            "classification",
        )
        for one, other, targets in CONFUSED
    ),
    _said(
        "pca_confuses_less",
        "figure 5",
        "§4.3",
        "These confusions of MMP over those of MMT",
        "alike, to a lesser extent",
        "classification",
    ),
    _said(
        "rare_classes_suffer",
        "figure 6",
        "§4.3",
        "Rank correlation of labels in the translation subset and F1 of MMT",
        "rarer classes are confused more; no number",
        "distribution",
    ),
)
