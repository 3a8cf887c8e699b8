"""The only door of the pages to the store and the encoders: `from dashboard import data`.

A page passes its `Handle` to these functions. What they return is shared by all visitors, so never
change it in place. They raise `MissingArtefact`, which names the command, where something has not
been computed, and `MediaError` where a file cannot be read.
"""

# ruff: noqa: F401 - the names are the package's public functions

from dashboard.data.atlas import ACROSS, TILE_PX, TILES, has_atlas, sheet, tile_file
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
from dashboard.data.lab import (
    delete_run,
    finished_steps,
    has_windows,
    keep_run,
    kept_run,
    lab_queue,
    lab_runs,
    lab_study,
    need_evaluated,
    own_settings,
    pin_run,
    run_id,
    scores,
    start,
    start_exchange,
    study_file,
    swept,
    usual_base,
)
from dashboard.data.map_files import (
    MapKey,
    column,
    column_names,
    map_items,
    pair_file,
    places,
    row_ids,
    rows_of,
)
from dashboard.data.maps import (
    fitted_and_placed,
    has_map,
    has_trajectory,
    map_points,
    map_quality,
    mapped_spaces,
    points_table,
    trajectory,
    trajectory_table,
)
from dashboard.data.media import picture, sound, start_decoder
from dashboard.data.region_names import has_classes, regions
from dashboard.data.results import (
    GENERATED,
    encoder_set_of,
    generation_training,
    measurements,
    predictions,
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
from dashboard.data.selections import (
    by_centrality,
    delete_selection,
    distinguishing,
    kept_items,
    save_selection,
    saved,
    saved_selection,
)
from dashboard.data.studies import (
    Handle,
    Study,
    damaged_studies,
    encoder_cards,
    encoder_set_names,
    encodes_text,
    examined,
    now,
    open_study,
    provenance,
    setting,
    shared_vectors,
    short_provenance,
    study,
    study_titles,
    test_sets,
    workspace,
)
