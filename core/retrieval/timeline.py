"""The class and the nearest item of every window of a long sound or video."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.errors import MissingArtefact
from core.retrieval.query_inputs import QueryInput
from core.retrieval.retriever import DEFAULT_SPACE, NO_FILTERS, Filters, Retriever
from core.spaces import index
from core.vectors import unit_rows


def by_second(
    retriever: Retriever,
    query_input: QueryInput,
    find: str,
    space: str = DEFAULT_SPACE,
    filters: Filters = NO_FILTERS,
) -> pd.DataFrame:
    """One row per window: `window, start_s, loudness, class, class_score, item_id, score,
    percentile`.

    `loudness` is relative to the loudest window. `class` has the most votes of MMT's forest and
    `class_score` is its share of them; "" and 0 if no forest is stored. `item_id` is the nearest
    item of the modality `find`; `score` and `percentile` are as in `core.retrieval.retriever`.

    Raises
    ------
    UserError
        The filters leave nothing.
    """
    vectors = unit_rows(retriever.project(query_input, space))
    found = retriever.nearest(vectors, find, 1, space, filters)
    scores = found.scores[:, 0]
    names, votes = _classes(retriever, query_input)
    background = retriever.background(query_input.modality, find, space)
    return pd.DataFrame(
        {
            "window": np.arange(len(vectors)),
            "start_s": query_input.starts_s,
            "loudness": query_input.loudness / (float(query_input.loudness.max()) or 1.0),
            "class": names,
            "class_score": votes,
            "item_id": found.item_ids[:, 0],
            "score": scores,
            "percentile": index.percentile(scores, background),
        }
    )


def best_windows(
    retriever: Retriever, query_input: QueryInput, item_ids: Sequence[str], find: str, space: str
) -> np.ndarray:
    """`(n,) int64`: the window that is most similar to each item of the modality `find`."""
    windows = unit_rows(retriever.project(query_input, space))
    items = retriever.study.shared(retriever.encoder_set, space, find).take(list(item_ids))
    return np.asarray(np.argmax(windows @ items.T, axis=0), dtype=np.int64)


def _classes(retriever: Retriever, query_input: QueryInput) -> tuple[list[str], np.ndarray]:
    """Each window's class by MMT's forest, and the share of its votes."""
    study, n = retriever.study, len(query_input.native)
    try:
        forest = study.forest(retriever.encoder_set, "MMT")
    except MissingArtefact:
        return [""] * n, np.zeros(n)
    votes = forest.predict_proba(retriever.project(query_input, "translation"))
    return [study.paired_classes[row] for row in votes.argmax(axis=1)], votes.max(axis=1)
