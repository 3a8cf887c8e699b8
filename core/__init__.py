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
    from core.notebook import NotebookStudy
    from core.store import Store
    from core.study import open_study

    found = open_study(Store(str(workspace)), study)
    return NotebookStudy(found.store, found.record)


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
    from core.config import from_values
    from core.engines import local
    from core.stages import table
    from core.store import Store

    chosen = from_values({"dataset": dataset, **config})
    store = Store(str(workspace or f"workspace/{dataset.partition(':')[0]}"))
    with local.LocalEngine(n_workers) as engine:
        outcome = table.run(chosen, store, engine, Path(weights) if weights else None)
    return open(store.root, outcome.digest)


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
    import numpy as np

    from core.config import LABEL_PAIRED
    from core.errors import UserError
    from core.spaces import translation_training
    from core.spaces.translation import TranslationConfig

    natives = {"audio": np.asarray(audio), "image": np.asarray(image)}
    n = len(natives["audio"])
    columns = {"classes": classes, "clips": clips}
    sizes = {**natives, **{name: rows for name, rows in columns.items() if rows is not None}}
    for name, rows in sizes.items():
        if len(rows) != n or (name in natives and natives[name].ndim != 2):
            raise UserError(
                f"The array of {name} has the shape {np.shape(rows)}, and there are {n} pairs: "
                "give (n, d) vectors of audio and image and n classes or clips, row i of each for "
                "pair i."
            )
    kind = ("audio", "image")
    if config is None:
        config = LABEL_PAIRED if classes is not None else TranslationConfig()
    if config.needs_classes and classes is None:
        raise UserError("This recipe draws by class: give the classes of the pairs.")
    numbers = None if classes is None else np.unique(np.asarray(classes), return_inverse=True)[1]
    return translation_training.fit(
        natives,
        {kind: np.stack([np.arange(n)] * 2, axis=1)},
        {kind: np.arange(n) if clips is None else np.asarray(clips)},
        config,
        seed,
        pair_classes=None if numbers is None else {kind: numbers},
    )
