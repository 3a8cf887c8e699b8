"""Results that the two papers report: a value, its source, and what it can be compared with.

The results themselves are in `wu2021` and `seth2022`. A reported value is a landmark, not a target:
`differences` names in words why a study's own number is not comparable.

    from core.references import reference, wu2021
    one = reference.find(wu2021.REPORTED, "zero_shot_share")
    reference.differences(one, "demo", {"audio": "logmel", "image": "hog"})
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

TEXT, READ_OFF = "stated in the text", "read off the figure"
TABLE = "stated in the table"


@dataclass(frozen=True)
class Reference:
    """One result of a paper.

    Attributes
    ----------
    says, reported : what is reported, in a few words, and the value or finding as in the paper
    low, high : the bounds of the value (equal for a single one); None for a finding without one
    how : whether a number is from the text, from a table or read off a figure
    metric, direction, class_ : as in the stored measurements (`core.studies.measure`)
    datasets, encoders : what the paper used, encoders by modality
    gallery_size : the number of items that its queries ranked
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
    datasets: tuple[str, ...] = ()
    encoders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gallery_size: int | None = None

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


def differences(
    one: Reference,
    dataset: str,
    encoders: Mapping[str, str | Sequence[str]],
    gallery_size: int | None = None,
) -> list[str]:
    """Why a study's number is not comparable, in words; empty if it is.

    `dataset` is the study's dataset name, `encoders` the encoder of each modality, or all those of
    a grid. A gallery differs if its size is not within a tenth of the paper's.
    """
    found = []
    if one.datasets and dataset not in one.datasets:
        found.append(f"other data ({dataset}, not {_either(one.datasets)})")
    used = {
        modality: (names,) if isinstance(names, str) else tuple(names)
        for modality, names in encoders.items()
    }
    other = [
        modality
        for modality, names in one.encoders.items()
        if not used.get(modality) or not set(used[modality]) <= set(names)
    ]
    if other:
        mine = " + ".join(_either(used.get(modality) or (f"no {modality}",)) for modality in other)
        theirs = " + ".join(_either(one.encoders[modality]) for modality in other)
        found.append(f"other encoders ({mine}, not {theirs})")
    if one.gallery_size and gallery_size and gallery_size > 0:
        ratio = gallery_size / one.gallery_size
        if not 0.9 <= ratio <= 1.1:
            found.append(f"a gallery of {gallery_size:,}, not {one.gallery_size:,}")
    return found


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" or {names[-1]}"
