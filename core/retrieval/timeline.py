"""Second by second: what each window of a long sound or video is, and what it finds.

`core.retrieval.retriever` searches with the mean of a recording's windows, weighted by loudness.
Here every window is a query of its own, through the same fits and the same index.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.errors import MissingArtefact
from core.retrieval.query_inputs import QueryInput
from core.retrieval.retriever import DEFAULT_SPACE, NO_FILTERS, Filters, Retriever
from core.spaces import index

COLUMNS = (
    "window",
    "start_s",
    "loudness",
    "class",
    "class_score",
    "item_id",
    "score",
    "percentile",
)


def by_second(
    retriever: Retriever,
    thing: QueryInput,
    modality: str,
    space: str = DEFAULT_SPACE,
    filters: Filters = NO_FILTERS,
) -> pd.DataFrame:
    """One row a window: `window, start_s, loudness, class, class_score, item_id, score,
    percentile`.

    `class` is what MMT's forest votes for most ("" where none has been trained); `item_id`
    the nearest item of `modality` with its cosine and the share of random pairs below it;
    `loudness` is relative to the loudest window. Filters as in `Retriever.search`.

    Raises
    ------
    UserError
        The filters leave nothing.
    """
    vectors = retriever.project_windows(thing, space)
    found = retriever.nearest(vectors, modality, 1, space, filters)
    names, votes = _classes(retriever, thing)
    scores = found.scores[:, 0]
    loudest = float(thing.loudness.max()) or 1.0
    return pd.DataFrame(
        {
            "window": np.arange(len(vectors)),
            "start_s": thing.starts_s,
            "loudness": thing.loudness / loudest,
            "class": names,
            "class_score": votes,
            "item_id": found.item_ids[:, 0],
            "score": scores,
            "percentile": index.percentile(
                scores, retriever.background(thing.modality, modality, space)
            ),
        },
        columns=list(COLUMNS),
    )


def best_windows(
    retriever: Retriever, thing: QueryInput, item_ids: Sequence[str], modality: str, space: str
) -> np.ndarray:
    """`(n,) int64`: the window of a thing that is most like each item of `modality`."""
    windows = retriever.project_windows(thing, space)
    wanted = retriever.study.shared(retriever.encoder_set, space, modality).take(list(item_ids))
    return np.asarray(np.argmax(windows @ wanted.T, axis=0), dtype=np.int64)


def _classes(retriever: Retriever, thing: QueryInput) -> tuple[list[str], np.ndarray]:
    """Each window's class by the forest of MMT, and the share of its votes."""
    study = retriever.study
    try:
        forest = study.forest(retriever.encoder_set, "MMT")
    except MissingArtefact:
        return [""] * len(thing.native), np.zeros(len(thing.native))
    proba = forest.predict_proba(retriever.projected(thing, "translation"))
    best = proba.argmax(axis=1)
    return [study.paired_classes[row] for row in best], proba.max(axis=1)
