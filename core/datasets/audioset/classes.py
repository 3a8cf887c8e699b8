"""Which of AudioSet's labels count, and the class of W's 18 that each of them means (W §3.1).

A clip *qualifies* if one of its labels is below "Musical instrument", "Singing" or "Tools". It
belongs to a class if it has the label, or one of the two labels, that W maps to the class. Labels
further down do not count: "Electric guitar" alone is not a guitar, because W maps labels and not
branches. AudioSet's branches are not classes: "Pizzicato" is below "Violin, fiddle", but is also
heard on cellos.
"""

import numpy as np

from core.datasets.audioset.segments import Segments
from core.errors import UserError
from core.taxonomy import Taxonomy

TOPS = ("Musical instrument", "Singing", "Tools")

# AudioSet's id -> W's class, followed by the name of the id in AudioSet's ontology.
CLASS_OF = {
    "/m/0mkg": "accordion",  # Accordion
    "/m/018j2": "banjo",  # Banjo
    "/m/01xqw": "cello",  # Cello
    "/m/01wy6": "clarinet",  # Clarinet
    "/m/01qbl": "cymbals",  # Cymbal
    "/m/026t6": "drums",  # Drum
    "/m/02hnl": "drums",  # Drum kit
    "/m/0l14j_": "flute",  # Flute
    "/m/0342h": "guitar",  # Guitar
    "/m/04rzd": "mandolin",  # Mandolin
    "/m/013y1f": "organ",  # Organ
    "/m/05r5c": "piano",  # Piano
    "/m/06ncr": "saxophone",  # Saxophone
    "/m/0l14qv": "synthesizer",  # Synthesizer
    "/m/07c6l": "trombone",  # Trombone
    "/m/07gql": "trumpet",  # Trumpet
    "/m/07xzm": "ukulele",  # Ukulele
    "/m/07y_7": "violin",  # Violin, fiddle
    "/m/0l14jd": "voice",  # Choir
}
CLASSES = sorted(set(CLASS_OF.values()))


def qualifying(segments: Segments, taxonomy: Taxonomy, ontology: str) -> np.ndarray:
    """`(n,) bool`: the segments with a label below one of `TOPS` (W §3.1).

    Raises
    ------
    UserError
        The ontology has no labels below `TOPS`.
    """
    wanted = np.zeros(len(taxonomy.ids), dtype=bool)
    wanted[taxonomy.below(TOPS)] = True
    if not wanted.any():
        raise UserError(
            f"The ontology {ontology} has no labels below {', '.join(map(repr, TOPS))}: expected "
            "AudioSet's ontology.json, or a part of it that includes these nodes."
        )
    found = np.zeros(len(segments.table), dtype=bool)
    found[segments.label_row[wanted[segments.label_node]]] = True
    return found


def applying(segments: Segments, taxonomy: Taxonomy) -> np.ndarray:
    """`(n, 18) bool`: the classes in `CLASSES` that each segment's own labels mean."""
    number = {name: column for column, name in enumerate(CLASSES)}
    column_of = np.array([number.get(CLASS_OF.get(id_, ""), -1) for id_ in taxonomy.ids])
    columns = column_of[segments.label_node]
    known = columns >= 0
    found = np.zeros((len(segments.table), len(CLASSES)), dtype=bool)
    found[segments.label_row[known], columns[known]] = True
    return found


def single(applying: np.ndarray) -> np.ndarray:
    """`(n,) int64`: the class if exactly one applies, else -1 (W §3.1)."""
    return np.where(applying.sum(axis=1) == 1, applying.argmax(axis=1), -1)
