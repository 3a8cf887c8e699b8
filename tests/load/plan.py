"""What the people of a load do: pages, addresses, buttons, typed words, uploads."""

import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tests.load.person import Person
from tests.media_samples import picture_file, sound_bytes

PAGES = (
    "overview",
    "map",
    "retrieve",
    "translation",
    "centroids",
    "classify",
    "lab",
    "tags",
    "compare",
)
ADDRESSES = (
    ("map", "method=tsne"),
    ("map", "dims=3&show=translation"),
    ("translation", "metric=precision%4010"),
    ("translation", "metric=recall%4010"),
    ("centroids", "order=cluster"),
    ("centroids", "scale=normalised"),
    ("classify", "matrix=rows"),
    ("classify", "system=MMP&target=audio"),
    ("tags", "tag_target=image"),
    ("compare", "both_orders=class"),
)
BUTTONS = ("Open", "Search", "Show others")
SOUNDS = ("slow", "bright", "soft", "loud", "bowed", "plucked", "distant", "deep", "old", "warm")
SOURCES = ("strings", "drums", "flute", "voice", "guitar", "brass", "piano", "organ", "cymbals")
LONG_S, LONG_RATE_HZ, N_TAGS = 1_790, 8_000, 1_000  # of long work
KINDS = {"page": 60, "address": 15, "button": 10, "words": 10, "upload": 5}  # of 100 actions


class Action(NamedTuple):
    """One thing that a person does: its kind, and what it is about."""

    kind: str
    what: str
    query: str = ""


def actions(seed: int) -> Iterator[Action]:
    """The actions of one person, without end."""
    rng = random.Random(seed)
    while True:
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "page":
            yield Action(kind, rng.choice(PAGES))
        elif kind == "address":
            yield Action(kind, *rng.choice(ADDRESSES))
        elif kind == "words":
            yield Action(kind, f"{rng.choice(SOUNDS)} {rng.choice(SOURCES)} {rng.randrange(1000)}")
        else:
            yield Action(kind, str(rng.randrange(1_000_000)))


async def act(person: Person, action: Action) -> float:
    """Do it; returns the seconds until the page is drawn.

    A button or a field that the page does not have is reached through a page that has it.
    """
    if action.kind in ("page", "address"):
        return await person.open(action.what, action.query)
    if action.kind == "button":
        there = [name for name in BUTTONS if ("button", name) in person.elements]
        if not there:
            return await person.open("overview")
        return await person.press(there[int(action.what) % len(there)])
    if ("text_input", "Words") not in person.elements:
        await person.open("retrieve")
    if action.kind == "words":
        return await person.type("Words", action.what)
    label = next(name for kind, name in person.elements if kind == "file_uploader")
    return await person.upload(label, *file_of(int(action.what)))


async def work_long(person: Person, seed: int) -> None:
    """What costs the server most: half an hour of sound, or as many tags as it takes."""
    if seed % 2:
        await person.open("tags")
        label = next(name for kind, name in person.elements if kind == "text_area")
        tags = [f"{one} {other} {seed * 1000 + n}" for n, (one, other) in enumerate(_many())]
        await person.type(label, "\n".join(tags), "text_area")
    else:
        await person.open("retrieve")
        label = next(name for kind, name in person.elements if kind == "file_uploader")
        noise = np.random.default_rng(seed).normal(0, 0.1, LONG_S * LONG_RATE_HZ)
        content = sound_bytes(noise.astype(np.float32), LONG_RATE_HZ, "wav")
        await person.upload(label, f"{seed}.wav", content)


def _many() -> list[tuple[str, str]]:
    pairs = [(one, other) for one in SOUNDS for other in SOURCES]
    return (pairs * (1 + N_TAGS // len(pairs)))[:N_TAGS]


def file_of(seed: int) -> tuple[str, bytes]:
    """A sound or a picture that nobody has uploaded before: its name and content."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        noise = rng.normal(0, 0.1, 44_100).astype(np.float32)
        return f"{seed}.wav", sound_bytes(noise, 44_100, "wav")
    return f"{seed}.jpg", picture_file(rng.integers(0, 255, (240, 320, 3), np.uint8), "jpg")
