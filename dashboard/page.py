"""What every view is handed: the study it shows, and the selection."""

from dataclasses import dataclass

from core.study import Study
from dashboard import data, state


@dataclass(frozen=True)
class Page:
    """One drawing of a page."""

    handle: data.Handle
    encoder_set: str
    selection: state.Selection

    @property
    def study(self) -> Study:
        return data.study(self.handle)

    @property
    def encoders(self) -> dict[str, str]:
        """The encoder of each modality of the encoder set, in the fixed order of modalities."""
        return self.study.modalities(self.encoder_set)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that the pair's spaces hold."""
        return tuple(self.encoders)
