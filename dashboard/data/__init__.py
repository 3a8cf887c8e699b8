"""The only door of the pages to the store and the encoders: `from dashboard import data`.

A page holds a `Handle` and passes it to these functions, one file for each kind of thing. Tables
and arrays of a study are shared by all visitors and read-only. Uploads and selections of a person
are never kept in a cache of this package.
"""

# ruff: noqa: F401 - the names are the package's public functions

from dashboard.data.item_tables import (
    SUBSETS,
    counts,
    items,
    modalities,
    pairs,
    rejected,
    same_clip,
    same_items,
    subsets,
)
from dashboard.data.maps import (
    fitted_and_placed,
    has_trajectory,
    map_points,
    points_table,
    trajectory,
    trajectory_table,
)
from dashboard.data.media import picture, sound
from dashboard.data.results import (
    cell_items,
    encoder_set_of,
    generation_training,
    measurements,
    predictions,
    predictions_of,
    queries,
    tagged,
    translation_training,
)
from dashboard.data.retrieval import (
    import_ahead,
    neighbours,
    retriever,
    tag_gallery,
    unknown_words,
)
from dashboard.data.studies import (
    Handle,
    Study,
    encoder_set_names,
    encodes_text,
    now,
    open_study,
    provenance,
    records,
    short_provenance,
    study,
    study_titles,
    workspace,
)
