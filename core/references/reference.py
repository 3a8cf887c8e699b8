"""What the two papers report, as facts: a value, where it stands, what it may be compared with.

Plain data and lookups; the facts themselves are in `wu2021` and `seth2022`. A reported value
is a landmark, not a target: `differences` names in words what keeps a study's own number from
being like with like.

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
    """One thing that a paper reports.

    `says` is what is reported, in a few words; `reported` the value or the finding as the
    paper puts it. `low` and `high` bound the value (equal for a single one), None for a
    finding without a number. `how` tells a number in the text from one read off a figure.
    `metric`, `direction`, `target` and `class_` are those of the stored measurements
    (`core.studies.measure`). `datasets` and `encoders` (by modality) are what the paper
    used; `gallery_size` how many items its queries ranked.
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
    study: str = ""
    metric: str = ""
    direction: str = ""
    target: str = ""
    class_: str = ""
    datasets: tuple[str, ...] = ()
    encoders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gallery_size: int | None = None

    @property
    def source(self) -> str:
        """Paper, place, and how the number was taken, e.g. for a caption."""
        return f"{self.paper}, {self.where}, {self.how}"


def find(among: Iterable[Reference], key: str) -> Reference:
    """The reference of this key.

    Raises
    ------
    KeyError
        There is none.
    """
    for one in among:
        if one.key == key:
            return one
    raise KeyError(key)


def about(among: Iterable[Reference], **equal: str) -> list[Reference]:
    """Those whose fields have these values, in their order: `about(REPORTED, metric="f1")`."""
    return [
        one for one in among if all(getattr(one, name) == value for name, value in equal.items())
    ]


def differences(
    one: Reference,
    dataset: str,
    encoders: Mapping[str, str | Sequence[str]],
    gallery_size: int | None = None,
) -> list[str]:
    """What keeps a study's number from being comparable, in words; empty when nothing does.

    `dataset` is the study's dataset name, `encoders` the encoder of each modality, or all
    those of a grid. A gallery counts as another when it is not within a tenth of the paper's.
    """
    found = []
    if one.datasets and dataset not in one.datasets:
        found.append(f"other data ({dataset}, not {_either(one.datasets)})")
    own = {
        modality: (names,) if isinstance(names, str) else tuple(names)
        for modality, names in encoders.items()
    }
    strange = [
        modality
        for modality, names in one.encoders.items()
        if not own.get(modality) or not set(own[modality]) <= set(names)
    ]
    if strange:
        mine = " + ".join(_either(own.get(modality) or (f"no {modality}",)) for modality in strange)
        theirs = " + ".join(_either(one.encoders[modality]) for modality in strange)
        found.append(f"other encoders ({mine}, not {theirs})")
    if one.gallery_size and gallery_size and gallery_size > 0:
        ratio = gallery_size / one.gallery_size
        if not 0.9 <= ratio <= 1.1:
            found.append(f"a gallery of {gallery_size:,}, not {one.gallery_size:,}")
    return found


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" or {names[-1]}"
