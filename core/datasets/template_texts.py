"""Texts made from class names or tags, for collections without captions.

Class names are put into templates: a text tower trained on these knows the names, and words that
its encoder places near them.

Tags of a track are put into one sentence, in random order, seeded by the track (S trains on
captions written by people, which MTG-Jamendo and MagnaTagATune lack). A fifth of the tags is left
out of all sentences, so that these tags can be scored without having been trained on.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core import items

# -- class names ---------------------------------------------------------------------------------

INSTRUMENT_TEMPLATES = (
    "{name}",
    "{a}",
    "the sound of {a}",
    "{a} playing",
    "a recording of {a}",
    "music played on {a}",
    "a short phrase on {the}",
    "somebody performs with {a}",
    "listen to {the}",
    "a solo for {name}",
    "a picture of {a}",
    "a photograph of {a}",
    "{the} as an instrument",
    "this is {a}",
    "{name} music",
    "one note of {a}",
)


def of_class(name: str, templates: Sequence[str] = INSTRUMENT_TEMPLATES) -> list[str]:
    """All templates filled with one class name; "_" in a folder name is read as a blank."""
    words = " ".join(name.replace("_", " ").split()).lower()
    article = "an" if words[:1] in "aeiou" and not words.startswith("uk") else "a"
    one = words if words.endswith("s") and not words.endswith("ss") else f"{article} {words}"
    return [text.format(name=words, a=one, the=f"the {words}") for text in templates]


def class_items(name: str, texts: Sequence[str]) -> list[items.Item]:
    """One text item for each text about a class."""
    return [
        items.Item(
            item_id=f"text:{name}/{number:02d}",
            clip_id=f"text/{name}/{number:02d}",
            modality="text",
            labels=(name,),
            text=text,
            facts='{"kind": "template"}',
        )
        for number, text in enumerate(texts)
    ]


# -- tags ----------------------------------------------------------------------------------------

WITHHELD_SHARE = 0.2

# For tags whose kind is not known.
PLAIN = (
    "{tags}",
    "music with the tags {tags}",
    "people hear this in it: {tags}",
    "a piece of music, described as {tags}",
    "this sounds like {tags}",
    "a recording tagged {tags}",
    "what one hears: {tags}",
)
# For tags of known kinds: an opening, then one clause for each other kind.
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
    """The tags that are left out of all sentences: a random fifth, in the given order."""
    rng = np.random.default_rng([seed, 7])
    chosen = rng.permutation(len(tags))[: int(WITHHELD_SHARE * len(tags))]
    return [tags[place] for place in sorted(chosen.tolist())]


def of_tags(tags: Mapping[str, Sequence[str]], track: str, seed: int) -> tuple[str, ...]:
    """One sentence with a track's tags, () if it has none.

    Parameters
    ----------
    tags : kind ("genre", "instrument", "mood/theme" or another) -> tags in words
    track : the track's name, which seeds the choice of the sentence
    seed : int
    """
    rng = items.rng_for(seed, track, n_bytes=8)
    joined = {kind: _enumerated(names, rng) for kind, names in tags.items() if names}
    if not joined:
        return ()
    if any(kind != "genre" and kind not in CLAUSES for kind in joined):
        return (_one(PLAIN, rng).format(tags=", ".join(joined.values())),)
    opening = _one(OPENINGS["genre" if "genre" in joined else ""], rng)
    parts = [opening.format(tags=joined.get("genre", ""))]
    for kind in rng.permutation([kind for kind in CLAUSES if kind in joined]).tolist():
        parts.append(_one(CLAUSES[kind], rng).format(tags=joined[kind]))
    return (" ".join(parts),)


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _enumerated(tags: Sequence[str], rng: np.random.Generator) -> str:
    """ "a, b and c", in random order."""
    shuffled = [tags[place] for place in rng.permutation(len(tags)).tolist()]
    if len(shuffled) < 2:
        return "".join(shuffled)
    return f"{', '.join(shuffled[:-1])} and {shuffled[-1]}"


def tag_notes(classes: Sequence[str], hidden: Sequence[str]) -> list[str]:
    """What the Overview page says about sentences made from tags."""
    notes = [
        "The texts are sentences made from each track's tags. Nobody described the tracks, and a "
        "space trained on these texts has seen the words of the tags."
    ]
    if hidden:
        notes.append(
            f"{len(hidden)} of {len(classes)} tags are in none of the sentences "
            f"({', '.join(hidden)}). The scores of these tags are zero-shot, those of the others "
            "are not."
        )
    return notes
