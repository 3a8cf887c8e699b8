"""How a study's own numbers came about, to be compared with the papers'

here = study_setting.of(study, "yamnet+resnet50", space="translation")
reference.differences(one, here)
"""

from collections.abc import Mapping
from typing import Any

from core import items
from core.references.reference import Setting
from core.study import GENERATED, Study

GENERATION = "generation"  # S's space, whether its text encoder is frozen or fine-tuned


def of(study: Study, encoder_set: str = "", space: str = "") -> Setting:
    """The setting of an encoder set's numbers, or of a whole study's without one.

    Sizes are those of the first split. `space` is for numbers that belong to one space.
    """
    frame = study.own.items()
    text = space in GENERATED or "audio" not in study.encoders or "image" not in study.encoders
    kind = ("audio", "text") if text else ("audio", "image")
    trained = frame[frame["subset"] == "translation"].reset_index(drop=True)
    encoders = study.modalities(encoder_set) if encoder_set else study.encoders
    tested = study.items()
    return Setting(
        dataset=str(study.dataset["name"]),
        trained_on=str(study.own.dataset["name"]) if study.test_set else "",
        encoders={m: [n] if isinstance(n, str) else list(n) for m, n in encoders.items()},
        space=GENERATION if space in GENERATED else space,
        recipe=_recipe(study, encoder_set or study.default_encoder_set, space),
        forest=study.config.get("forest") or {},
        n_pairs=len(items.pairs(trained, *kind, by=str(study.own.dataset["paired_by"]))),
        n_train=_n_single(study.own, "train"),
        n_test=int(((tested["subset"] == "test") & (tested["modality"] == "audio")).sum()),
        n_classes=len(study.classes if text else study.paired_classes),
    )


def _n_single(study: Study, subset: str) -> int:
    """The items of the larger modality with exactly one class, as classifiers are trained on."""
    frame = study.items()
    mine = frame[(frame["subset"] == subset) & frame["class"].isin(study.paired_classes)]
    counts = mine["modality"].value_counts()
    return int(max((counts.get(name, 0) for name in ("audio", "image")), default=0))


def _recipe(study: Study, encoder_set: str, space: str) -> Mapping[str, Any]:
    """The recipe that trained a space; that of the translation where no space is named."""
    name = f"train:{encoder_set}:0"
    if space in GENERATED:
        name = f"generate:{encoder_set}:0{GENERATED[space]}"
    if not study.has(name):
        return {}
    key: Mapping[str, Any] = study.artefact(name).manifest.get("key", {})
    return key.get("recipe", {})
