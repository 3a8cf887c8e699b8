"""Seen and unseen tags: whether a tag's words, or a synonym, occur in the texts of a training.

Zero-shot scores of tags that a space has read about say less than those of other tags (S §VI: a tag
without a word in the captions scores badly). Words are compared in lower case, whole, in the
singular and the plural.

    named(["violin", "hip hop"], ["A fiddle plays.", "slow hip-hop"])  # [True, True]
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

# Words for one thing. A tag is seen if any word of its group is.
SYNONYMS = (
    ("violin", "fiddle"),
    ("voice", "vocal", "vocals", "singing", "singer", "sings", "sung"),
    ("choir", "chorus", "choral"),
    ("drums", "drum", "drum kit", "drum set", "drummer", "percussion"),
    ("cymbals", "cymbal", "hi-hat"),
    ("synthesizer", "synth", "synthesiser"),
    ("saxophone", "sax"),
    ("guitar", "guitarist"),
    ("piano", "pianist"),
    ("cello", "violoncello", "cellist"),
    ("double bass", "doublebass", "contrabass", "upright bass"),
    ("organ", "pipe organ", "organist"),
    ("trumpet", "trumpeter"),
    ("ukulele", "uke"),
    ("flute", "flutist", "flautist"),
    ("electronic", "electronica", "electro"),
    ("electronic dance music", "edm"),
    ("hip hop", "hiphop", "rap"),
    ("rhythm and blues", "rnb", "r&b"),
    ("drum and bass", "drumnbass"),
    ("rock and roll", "rocknroll", "rock 'n' roll"),
    ("classical", "classic"),
    ("female voice", "female vocal", "female vocals", "woman singing", "female singer"),
    ("male voice", "male vocal", "male vocals", "man singing", "male singer"),
)


def named(tags: Sequence[str], texts: Iterable[str]) -> list[bool]:
    """Of each tag, whether some text has its words in this order, or those of a synonym."""
    known = {_plain(text) for text in texts}
    everything = f" {' | '.join(sorted(known))} "
    return [any(f" {phrase} " in everything for phrase in phrases(tag)) for tag in tags]


def names(text: str, tag: str) -> bool:
    """Whether one text names a tag."""
    return named([tag], [text])[0]


def phrases(tag: str) -> set[str]:
    """A tag's words and their synonyms, each in the singular and the plural."""
    words = _plain(tag)
    groups = [{_plain(name) for name in group} for group in SYNONYMS]
    same = {words}.union(*(group for group in groups if _forms(words) & group))
    return {form for phrase in same for form in _forms(phrase)}


def _plain(text: str) -> str:
    """Words in lower case, one blank between them; joined words become two."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def _forms(phrase: str) -> set[str]:
    forms = {phrase, f"{phrase}s", f"{phrase}es"}
    if phrase.endswith("s") and not phrase.endswith("ss"):
        forms.add(phrase[:-1])
    return forms


def groups(seen: Sequence[bool]) -> dict[str, np.ndarray]:
    """The tags of each group, `{"seen": (t,) bool, "unseen": …}`, if there are tags of both."""
    mask = np.asarray(seen, dtype=bool)
    return {"seen": mask, "unseen": ~mask} if 0 < mask.sum() < len(mask) else {}
