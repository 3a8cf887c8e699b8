"""The tidy table of measurements: one row per number, the same columns in every study.

======================  =====================================================================
column                  what
======================  =====================================================================
`study`               ranking, classification, mix_in, centroids, distribution
`audio`, `image`,   the encoders of the pair, "" for a modality that it lacks
`text`
`space`               native, pca, translation
`split`               which random split of the items
`metric`              ndcg@30, recall@1, ..., macro_f1, f1, confusion, centroid_distance, ...
`direction`           audio_to_image, image_to_audio, text_to_audio, … (ranking), else ""
`target`              the modality tested on (classification, mix_in), else ""
`system`              SMA, SMI, MMP, MMT, random, else ""
`n_target`            items of the target modality trained on (mix_in); -1 where none is meant
`seed`                of the draw or forest; -1 where nothing was drawn
`class`, `other`    the class measured; of a confusion or distance, the second one
`value`               the number
`low`, `high`       its 95 % bootstrap interval, NaN without one
`n`                   how many queries or test items it rests on
`gallery_size`        of a ranking, else -1
`chance`              what a random order or guess would reach, NaN where undefined
======================  =====================================================================
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

DEFAULTS: dict[str, Any] = {
    "study": "",
    "audio": "",
    "image": "",
    "text": "",
    "space": "",
    "split": 0,
    "metric": "",
    "direction": "",
    "target": "",
    "system": "",
    "n_target": -1,
    "seed": -1,
    "class": "",
    "other": "",
    "value": float("nan"),
    "low": float("nan"),
    "high": float("nan"),
    "n": -1,
    "gallery_size": -1,
    "chance": float("nan"),
}
COLUMNS = tuple(DEFAULTS)


def table(rows: Iterable[Mapping[str, Any]], **common: Any) -> pd.DataFrame:
    """Rows (absent or None fields take their default) to one table in the fixed columns.

    Raises
    ------
    KeyError
        A row or `common` has a field that is no column.
    """
    full = []
    for row in rows:
        unknown = set(row) - set(DEFAULTS)
        if unknown:
            raise KeyError(f"a measurement has no column {sorted(unknown)}")
        given = {name: value for name, value in {**common, **row}.items() if value is not None}
        full.append({**DEFAULTS, **given})
    frame = pd.DataFrame(full, columns=list(COLUMNS))
    return frame.astype({name: type(value) for name, value in DEFAULTS.items()})
