"""Names for the regions of a map whose items have no classes: words of the study's own texts.

The points of a map are grouped by place (k-means, seeded), and each group gets the word nearest to
its centroid in the shared space. Vectors are centred by modality before, and words by all words, so
that neither a modality nor a word that fits everywhere decides.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from core.vectors import unit_rows

N_REGIONS = 40
MOST_WORDS = 150
MOST_SHARE = 0.25  # of the texts that have a word; more common words name nothing
LEAST_TEXTS = 3
MOST_SAME = 3  # regions of one name
MOST_POINTS = 20_000  # that are grouped; a seeded sample of more


class Region(NamedTuple):
    """A name and the place of its region: `place (2,)` in the units of the map, and its size."""

    name: str
    place: np.ndarray
    spread: float
    n_points: int


def common_words(texts: Sequence[str]) -> list[str]:
    """Words of four letters or more that several texts have, but not most, the commonest first."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(stop_words="english", token_pattern=r"[^\W\d_]{4,}", binary=True)
    try:
        counts = np.asarray(counter.fit_transform(texts).sum(axis=0)).ravel()
    except ValueError:  # no text has such a word
        return []
    words = counter.get_feature_names_out()
    most = max(LEAST_TEXTS, MOST_SHARE * len(texts))
    order = np.argsort(-counts, kind="stable")
    kept = [row for row in order if LEAST_TEXTS <= counts[row] <= most]
    return [str(words[row]) for row in kept[:MOST_WORDS]]


def name_regions(
    places: np.ndarray,
    vectors: np.ndarray,
    modality: np.ndarray,
    words: Sequence[str],
    word_vectors: np.ndarray,
    n_regions: int = N_REGIONS,
    seed: int = 0,
) -> list[Region]:
    """The regions of a map with their names, the largest first.

    Parameters
    ----------
    places : (n, 2) float32 on the map
    vectors : (n, d) float32 in the shared space
    modality : (n,) str
    words, word_vectors : t words and (t, d) float32 in the same space
    """
    from sklearn.cluster import KMeans

    if not len(words) or not len(places):
        return []
    rows = np.arange(len(places))
    if len(rows) > MOST_POINTS:
        rows = np.random.default_rng(seed).choice(rows, MOST_POINTS, replace=False)
    places, modality = places[rows], modality[rows]
    units = unit_rows(vectors[rows])
    for name in np.unique(modality):
        own = modality == name
        units[own] -= units[own].mean(axis=0)
    centred = unit_rows(word_vectors)
    centred = unit_rows(centred - centred.mean(axis=0))
    k = min(n_regions, len(rows))
    groups: Any = KMeans(k, n_init=1, max_iter=50, random_state=seed).fit_predict(places)
    sizes = np.bincount(groups, minlength=k)
    used: dict[str, int] = {}
    found = []
    for group in np.argsort(-sizes, kind="stable"):
        own = groups == group
        scores = centred @ units[own].mean(axis=0)
        free = [row for row in np.argsort(-scores) if used.get(words[row], 0) < MOST_SAME]
        if not free:
            break
        name = words[free[0]]
        used[name] = used.get(name, 0) + 1
        middle = places[own].mean(axis=0)
        spread = float(places[own][:, 1].std())
        found.append(Region(name, middle, spread, int(sizes[group])))
    return found
