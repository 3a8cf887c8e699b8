"""What every view is handed: the study it shows, and the selection."""

from dataclasses import dataclass

from core.study import Study
from dashboard import data, state


@dataclass(frozen=True)
class Page:
    """One drawing of a page."""

    handle: data.Handle
    pair: str
    selection: state.Selection

    @property
    def study(self) -> Study:
        return data.study(self.handle)
