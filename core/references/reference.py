"""Results that the two papers report: a value, its source, and what it can be compared with.

The results themselves are in `wu2021` and `seth2022`. A reported value is a landmark, not a target:
`differences` names in words all that keeps a study's own number from being comparable. Only a
number without any difference is.

    from core.references import reference, wu2021
    one = reference.find(wu2021.REPORTED, "zero_shot_share")
    reference.differences(one, Setting(dataset="demo", encoders={"audio": ("logmel",)}))
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.encoder_sets import CROSS

TEXT, READ_OFF = "stated in the text", "read off the figure"
TABLE = "stated in the table"


@dataclass(frozen=True)
class Setting:
    """How a number came about, in a paper or in a study.

    What is "", None or empty had no part in the number, or is not known; it is not compared.

    Attributes
    ----------
    dataset : what the number was measured on
    trained_on : what the space was trained on, if that is other data
    encoders : those of each modality
    space : as in the stored measurements
    recipe, forest : fields of the recipe of the space, and of the forests
    n_pairs, n_train, n_test : the pairs that the space was trained on, the items that classifiers
        were trained on, the items that were classified or tagged (of one modality)
    n_classes : classes or tags
    gallery_size : the items that a query ranked
    """

    dataset: str = ""
    trained_on: str = ""
    encoders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    space: str = ""
    recipe: Mapping[str, object] = field(default_factory=dict)
    forest: Mapping[str, object] = field(default_factory=dict)
    n_pairs: int | None = None
    n_train: int | None = None
    n_test: int | None = None
    n_classes: int | None = None
    gallery_size: int | None = None


# (field, what it counts)
SIZES = (
    ("n_pairs", "training pairs"),
    ("n_train", "items to train classifiers on"),
    ("n_test", "test items"),
    ("n_classes", "classes"),
)


@dataclass(frozen=True)
class Reference:
    """One result of a paper.

    Attributes
    ----------
    says, reported : what is reported, in a few words, and the value or finding as in the paper
    low, high : the bounds of the value (equal for a single one); None for a finding without one
    how : whether a number is from the text, from a table or read off a figure
    metric, direction, class_ : as in the stored measurements (`core.studies.measure`)
    setting : how the number came about; of several encoders of a modality any will do
    """

    key: str
    paper: str
    figure: str
    where: str
    says: str
    reported: str
    low: float | None = None
    high: float | None = None
    how: str = TEXT
    metric: str = ""
    direction: str = ""
    class_: str = ""
    setting: Setting = field(default_factory=Setting)

    @property
    def source(self) -> str:
        """Paper, place, and how the number was taken, e.g. for a caption."""
        return f"{self.paper}, {self.where}, {self.how}"


def find(among: Iterable[Reference], key: str) -> Reference:
    """The reference of this key. Raises KeyError if there is none."""
    for one in among:
        if one.key == key:
            return one
    raise KeyError(key)


def differences(one: Reference, here: Setting) -> list[str]:
    """Why a study's number is not comparable with a reported one, in words; empty if it is.

    Sizes differ if they are not within a tenth of the paper's.
    """
    there, found = one.setting, []
    if there.dataset and here.dataset != there.dataset:
        found.append(f"other data ({here.dataset}, not {there.dataset})")
    learned = here.trained_on or here.dataset
    if there.trained_on and learned != there.trained_on:
        found.append(f"trained on other data ({learned}, not {there.trained_on})")
    if there.space and here.space and here.space != there.space:
        found.append(f"another space ({here.space}, not {there.space})")
    elif there.recipe:
        found += _other_values("recipe", here.recipe, there.recipe)
    found += _other_values("forests", here.forest, there.forest)
    found += _other_encoders(here.encoders, there.encoders)
    for name, counted in SIZES:
        mine, theirs = getattr(here, name), getattr(there, name)
        if _unlike(mine, theirs):
            found.append(f"{mine:,} {counted}, not {theirs:,}")
    if _unlike(here.gallery_size, there.gallery_size):
        found.append(f"a gallery of {here.gallery_size:,}, not {there.gallery_size:,}")
    return found


def _unlike(mine: int | None, theirs: int | None) -> bool:
    return mine is not None and theirs is not None and not 0.9 <= mine / theirs <= 1.1


def _other_values(what: str, mine: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    """The fields that both have with different values."""
    return [
        f"{what}: {name.replace('_', ' ')} {mine[name]}, not {value}"
        for name, value in theirs.items()
        if name in mine and mine[name] != value
    ]


def _other_encoders(
    mine: Mapping[str, Sequence[str]], theirs: Mapping[str, Sequence[str]]
) -> list[str]:
    other = [
        modality
        for modality, names in theirs.items()
        if not mine.get(modality) or not set(mine[modality]) <= set(names)
    ]
    if not other:
        return []
    here = CROSS.join(_either(mine.get(modality) or (f"no {modality}",)) for modality in other)
    there = CROSS.join(_either(theirs[modality]) for modality in other)
    return [f"other encoders ({here}, not {there})"]


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" or {names[-1]}"
