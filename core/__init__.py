"""Joint embeddings of music sound, image and text: the Python interface.

    import core as jee

    study = jee.open("workspace/demo")
    study.search(text="slow bowed strings", find="audio")
    study.plot_map("translation")

`core.notebook.NotebookStudy` lists everything that a study can do. Nothing heavy is imported
before it is used.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from core.notebook import NotebookStudy
    from core.spaces.translation import Translation, TranslationConfig

__all__ = ["fit_translation", "open", "run"]


def open(workspace: str | Path, study: str | None = None) -> "NotebookStudy":
    """Open a study of a workspace.

    Parameters
    ----------
    workspace : folder or object-store URL
    study : the start of a study's digest; by default the newest study

    Raises
    ------
    MissingArtefact
        The workspace has no study, or not this one.

    Examples
    --------
    >>> study = jee.open("workspace/demo")
    """
    from core import notebook

    return notebook.open_workspace(str(workspace), study)


def run(
    dataset: str,
    workspace: str | Path | None = None,
    *,
    weights: str | Path | None = None,
    n_workers: int | None = None,
    **config: Any,
) -> "NotebookStudy":
    """Compute every stage of a study, with progress bars; finished work is not repeated.

    In a script, call it below `if __name__ == "__main__":`, because the worker processes import
    the script.

    Parameters
    ----------
    dataset : `demo`, or `NAME:PATH` such as `folder:PATH` or `table:PATH`
    workspace : folder or object-store URL; by default `workspace/NAME`
    weights : folder in which weights are looked for first
    n_workers : processes; by default one per core
    config : fields of `core.config.Config`, such as `audio="yamnet_lite"` or `size=360`

    Raises
    ------
    UserError
        The data, an encoder or a field is unknown or unusable.

    Examples
    --------
    >>> study = jee.run("folder:recordings", workspace="workspace/mine", splits=1)
    """
    from core import notebook

    return notebook.run_stages(dataset, workspace, weights, n_workers, config)


def fit_translation(
    audio: "np.ndarray",
    image: "np.ndarray",
    classes: "Sequence[Any] | np.ndarray | None" = None,
    clips: "Sequence[Any] | np.ndarray | None" = None,
    config: "TranslationConfig | None" = None,
    seed: int = 0,
) -> "Translation":
    """Fit a shared space to vectors of sounds and pictures; row i of both is a pair.

    Parameters
    ----------
    audio : (n, d) float
    image : (n, e) float
    classes : (n,) class of each pair. With it, and without `config`, pairs are redrawn within
        their class at every step, as for data that is paired by class alone
    clips : (n,) clip of each pair; all pairs of a clip are in training or all in validation
    config : the recipe; by default that of Wu et al. 2021, or the one above with `classes`
    seed : of weights, validation pairs and batches

    Returns
    -------
    Translation
        `space.project("audio", x)` maps `(m, d)` vectors to `(m, 128)` float32 unit rows;
        `space.history` has the losses by epoch.

    Raises
    ------
    UserError
        The arrays do not fit together, are not finite, or have too few pairs.

    Examples
    --------
    >>> space = jee.fit_translation(audio_vectors, image_vectors, classes=labels)
    >>> space.project("image", image_vectors).shape
    (500, 128)
    """
    from core import array_fit

    return array_fit.fit_translation(audio, image, classes, clips, config, seed)
