"""The argument of every page's `show`: the study it shows, and the selection."""

from dataclasses import dataclass, replace

from dashboard import data, state


@dataclass(frozen=True)
class Page:
    """One drawing of a page."""

    handle: data.Handle
    encoder_set: str
    selection: state.Selection

    @property
    def study(self) -> data.Study:
        return data.study(self.handle)

    @property
    def encoders(self) -> dict[str, str]:
        """The encoder of each modality of the encoder set, in the fixed order of modalities."""
        return self.study.modalities(self.encoder_set)

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.encoders)

    @property
    def only(self) -> frozenset[str]:
        """The items of the saved selection that filters all pages; empty without one."""
        number = self.selection.only
        return data.kept_items(self.handle, number) if number else frozenset()

    @property
    def whole_study(self) -> "Page":
        """The page without an encoder set, for figures and tables of the whole study."""
        return replace(self, encoder_set="")
