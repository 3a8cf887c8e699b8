"""The tidy table of measurements: one row per number, the same columns in every study.

==================  ==============================================================================
column              meaning
==================  ==============================================================================
`study`             ranking, classification, mix_in, centroids, distribution, zero_shot, geometry,
                    similarity
`audio`, `image`,   the encoder set: the encoder of each modality, "" for a modality without one
`text`
`space`             translation, pca, generation, generation_tuned (the same with a fine-tuned text
                    encoder), or native (encoders with a published joint space); "" in distribution
`split`             the number of the random split of the items
`training`          0, or the number of a further training of the same translation, which has
                    headline numbers only
`tested_on`         the test dataset that was measured, "" for the study's own
`metric`            see below
`direction`         the modalities of queries and gallery, such as audio_to_image (ranking) or
                    text_to_audio (zero_shot), else ""
`target`            the modality that is classified (classification, mix_in), tagged (zero_shot) or
                    counted (distribution), else ""
`system`            SMA, SMI, MMP, MMT, SMT (classification, mix_in, correlations); random,
                    shuffled (trained on pairs that do not belong together) or "" (ranking); the
                    wording of the tags, such as "{tag} music" (zero_shot)
`n_target`          training items of the target modality (classification, mix_in), else -1
`seed`              of the draw and the forest, else -1
`class`, `other`    the class measured, "" for all; of a confusion the true and the predicted class;
                    of centroids two names (`modality:class`) or two modalities; of a label_count
                    `other` is the subset, of a tag "seen" or "unseen"
`value`             the number
`low`, `high`       its 95 % bootstrap interval, NaN without one
`n`                 the queries, items, tags or classes behind the number
`gallery_size`      the size of the gallery (ranking, zero_shot areas), else -1
`chance`            the value for a random order or guess, NaN if undefined
==================  ==============================================================================

Metrics, by study:

- ranking: ndcg@30, ndcg_lift, recall@1, recall@5, recall@10, median_rank, hit@1, hit@5, hit@10,
  precision@5, precision@10, map, modality_gap, hubness (`core.studies.ranking`)
- classification: macro_f1, f1, confusion (`core.studies.classification`)
- mix_in: macro_f1 (`core.studies.mix_in`)
- centroids: centroid_distance, centroid_scale, same_class_distance, other_class_distance,
  class_distance_ratio, nearest_class_accuracy, nearest_centroid_accuracy
  (`core.studies.centroids`)
- distribution: label_count, imbalance_ratio, label_evenness, correlation_spearman,
  correlation_spearman_p, correlation_pearson, correlation_pearson_p (`core.studies.distribution`)
- zero_shot: roc_auc, pr_auc, accuracy, confusion (`core.studies.zero_shot`), the first three also
  of seen and of unseen tags alone (`roc_auc_unseen`), tags_seen (`core.studies.seen_tags`)
- beside them: `..._over_classes` with intervals over classes (`core.studies.ranking_rows`),
  `..._permuted` and `..._p` (`core.studies.permuted_labels`)
- `macro_f1_unseen`, `precision@10_unseen`, `map_unseen`, `ndcg@30_unseen`: means over the classes
  that a study leaves out of training
- geometry: alignment, uniformity (`core.studies.geometry`)
- similarity: cka, mutual_neighbours, each with `_above_null` and `_p`; chance is the threshold of
  the null (`core.studies.similarity`)
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
    "training": 0,
    "tested_on": "",
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
    """One table in the fixed columns; absent fields and None become the default.

    `common` fields are those of every row that does not have them.

    Raises
    ------
    KeyError
        A row has a field that is not a column.
    """
    full = []
    for row in rows:
        unknown = set(row) - set(DEFAULTS)
        if unknown:
            raise KeyError(f"a measurement has no column {sorted(unknown)}")
        known = {name: value for name, value in {**common, **row}.items() if value is not None}
        full.append({**DEFAULTS, **known})
    frame = pd.DataFrame(full, columns=list(COLUMNS))
    return frame.astype({name: type(value) for name, value in DEFAULTS.items()})
