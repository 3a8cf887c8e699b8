"""Sentences made of a track's tags, for collections that have tags and no captions.

S trains on captions written by people; MTG-Jamendo and MagnaTagATune have none. A track's tags are
put into one of several sentences, in random order, seeded by the track. A fifth of the tags are
withheld from all sentences, so that the scores of some tags are those of words never trained on.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

WITHHELD_SHARE = 0.2

# Of tags of no particular kind.
PLAIN = (
    "{tags}",
    "music with the tags {tags}",
    "people hear this in it: {tags}",
    "a piece of music, described as {tags}",
    "this sounds like {tags}",
    "a recording tagged {tags}",
    "what one hears: {tags}",
)
# Of tags whose kind is known: an opening, then what is known of the other kinds.
OPENINGS = {
    "genre": ("{tags} music", "a {tags} track", "a track in the style of {tags}", "genre: {tags}"),
    "": ("music", "a track", "a piece of music", "a recording"),
}
CLAUSES = {
    "instrument": ("with {tags}", "played on {tags}", "featuring {tags}", "in which {tags} sound"),
    "mood/theme": (
        "for the theme {tags}",
        "of the mood {tags}",
        "that suits {tags}",
        "about {tags}",
    ),
}


def withheld(tags: Sequence[str], seed: int) -> list[str]:
    """The tags that stand in no caption: a fifth of them at random, in their own order."""
    rng = np.random.default_rng([seed, 7])
    chosen = rng.permutation(len(tags))[: int(WITHHELD_SHARE * len(tags))]
    return [tags[place] for place in sorted(chosen.tolist())]


def of_tags(tags: Mapping[str, Sequence[str]], key: str, seed: int) -> str:
    """A sentence of a track's tags, "" when there is none.

    Parameters
    ----------
    tags : kind ("genre", "instrument", "mood/theme", or another) -> tags in words
    key : the track's name, which draws its sentence
    seed : int
    """
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    rng = np.random.default_rng([seed, digest])
    told = {kind: _enumerated(names, rng) for kind, names in tags.items() if names}
    if not told:
        return ""
    if any(kind != "genre" and kind not in CLAUSES for kind in told):
        return _one(PLAIN, rng).format(tags=", ".join(told.values()))
    parts = [_one(OPENINGS["genre" if "genre" in told else ""], rng)]
    parts[0] = parts[0].format(tags=told.get("genre", ""))
    for kind in rng.permutation([kind for kind in CLAUSES if kind in told]).tolist():
        parts.append(_one(CLAUSES[kind], rng).format(tags=told[kind]))
    return " ".join(parts)


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _enumerated(tags: Sequence[str], rng: np.random.Generator) -> str:
    """ "a, b and c", in random order."""
    shuffled = [tags[place] for place in rng.permutation(len(tags)).tolist()]
    if len(shuffled) < 2:
        return "".join(shuffled)
    return f"{', '.join(shuffled[:-1])} and {shuffled[-1]}"


def notes(classes: Sequence[str], hidden: Sequence[str]) -> list[str]:
    """What a page has to say of such captions."""
    found = [
        "The texts are sentences made of each track's tags: nobody described a track, and a space "
        "that was trained on them has seen the tags' words."
    ]
    if hidden:
        found.append(
            f"{len(hidden)} of {len(classes)} tags stand in none of the sentences "
            f"({', '.join(hidden)}): their scores are zero-shot, those of the others are not."
        )
    return found
