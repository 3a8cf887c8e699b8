"""Captions made of a class's name, for collections of sounds and pictures that bring no words.

They say what is heard and seen and nothing more: a text tower trained on them knows the classes'
names and whatever its encoder has learned to be near them.
"""

from collections.abc import Sequence

TEMPLATES = (
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


def of_class(name: str, templates: Sequence[str] = TEMPLATES) -> list[str]:
    """Every template about one class; "_" in a folder's name is read as a blank."""
    words = " ".join(name.replace("_", " ").split()).lower()
    article = "an" if words[:1] in "aeiou" and not words.startswith("uk") else "a"
    one = words if words.endswith("s") and not words.endswith("ss") else f"{article} {words}"
    return [text.format(name=words, a=one, the=f"the {words}") for text in templates]
