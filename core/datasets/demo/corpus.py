"""`demo`: a corpus of the 18 instruments of W, made on the spot, without network.

One clip is a short phrase rendered by a General MIDI soundfont, a picture rasterised from vector
drawings, and a caption of the phrase. Like real data it is imperfect: the translation subset is
skewed, some pairs are mismatched (the picture shows another instrument than the sound; the caption
follows the sound), some clips have two labels, some captions do not name the instrument. The
classification subsets are balanced and clean, as W's are after their audit.

Everything follows from the seed. Clips are rendered in shards; a killed run continues after the
last finished shard.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from core import items, media
from core.datasets import media_files
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Rejected, Request
from core.datasets.demo import captions, pictures, sounds
from core.datasets.demo.instruments import APPROXIMATED, SKEW
from core.errors import UserError
from core.store import Draft, Store

DEFAULT_SIZE = 2_400
SIZES = (360, 10_000)
SHARD_SIZE = 60
PICTURE_PX = 256
MISMATCHED = 0.08  # of the clips of the subsets that are not audited
TWO_LABELS = 0.10

# Shares of the pairs. W's are 0.82, 0.06, 0.10, 0.01; a small corpus needs more test items.
SHARES = {"translation": 0.52, "crossmodal": 0.10, "train": 0.28, "test": 0.10}

CLASSES = sorted(SKEW)

CARD = DatasetCard(
    name="demo",
    title="Demo corpus: 18 rendered instruments",
    licence="MIT for the drawings and phrases; sounds come from the TimGM6mb soundfont (GPL-2)",
    citation="Classes of Wu, Fuentes, Bello (2021); soundfont TimGM6mb by Tim Brechbill",
    description=(
        "Short phrases rendered by a General MIDI soundfont, and vector drawings rasterised with "
        "varied colour, pose, light and background. Nothing here was recorded or photographed. "
        "Captions are written from templates and the facts of each phrase."
    ),
)


@dataclass(frozen=True)
class Clip:
    """The plan of one clip: the instruments heard (which are its labels) and the one shown."""

    clip_id: str
    subset: str
    sounds: tuple[str, ...]
    shows: str
    seed: tuple[int, ...]


def fingerprint(request: Request) -> Mapping[str, Any]:
    """The corpus depends on its size, its seed and the version of the renderer."""
    return {"size": _size(request), "seed": request.seed, "version": 2}


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Render the missing shards and make the item table.

    Raises
    ------
    UserError
        The size is outside `SIZES`.
    """
    clips = plan(_size(request), request.seed)
    made, title = partial(render, draft.address("")), "rendering the demo corpus"
    rows, _ = media_files.check_all(made, clips, draft, run, title, SHARD_SIZE)
    subset_of = {clip.clip_id: clip.subset for clip in clips}
    approximated = "; ".join(f"{name}: {how}" for name, how in APPROXIMATED.items())
    return Ingested(
        card=CARD,
        items=items.table(row for of_clip in rows for row in of_clip),
        splits=items.split_table([subset_of] * (request.splits or 1)),
        classes=CLASSES,
        paired_by="clip",
        root="media",
        notes=[
            "Every sound and picture of this corpus is rendered: its scores show how the method "
            "behaves, not how well it would do on real recordings.",
            f"General MIDI lacks some of the instruments, which are approximated ({approximated}).",
            f"Like real data, the translation and crossmodal subsets are skewed, {MISMATCHED:.0%} "
            f"of their pairs are mismatched and {TWO_LABELS:.0%} of their clips have two labels; "
            "the train and test subsets are balanced and clean.",
            "Every caption is made from a template and describes the sound, whatever the picture "
            f"shows; of those of one instrument, {captions.FAMILY_ONLY:.0%} name only its family "
            f"and {captions.CHARACTER_ONLY:.0%} only describe the sound.",
        ],
    )


def _size(request: Request) -> int:
    size = DEFAULT_SIZE if request.size is None else request.size
    low, high = SIZES
    if not low <= size <= high:
        raise UserError(f"The demo's size is {size} pairs: expected {low} to {high}.")
    return size


def plan(size: int, seed: int) -> list[Clip]:
    """The clips with their subsets, labels and mismatches, not yet rendered."""
    rng = np.random.default_rng([seed, 1])
    clips: list[Clip] = []
    for subset, count in _counts(size).items():
        audited = subset in ("train", "test")
        for number, name in enumerate(_classes_of(count, audited, rng)):
            sounds: tuple[str, ...] = (name,)
            shows = name
            if not audited:
                luck = rng.random()
                other = _another(rng, name)
                if luck < MISMATCHED:
                    shows = other
                elif luck < MISMATCHED + TWO_LABELS:
                    sounds = (name, other)
                    shows = name if rng.random() < 0.5 else other
            clip_id = f"{subset}-{number:05d}"
            clips.append(Clip(clip_id, subset, sounds, shows, (seed, len(clips))))
    return clips


def _counts(size: int) -> dict[str, int]:
    """Pairs per subset; those for classification are whole multiples of the 18 classes."""
    counts = {}
    for name in ("train", "test", "crossmodal"):
        counts[name] = max(1, round(size * SHARES[name] / len(CLASSES))) * len(CLASSES)
    counts["translation"] = size - sum(counts.values())
    return {name: counts[name] for name in SHARES}


def _classes_of(count: int, balanced: bool, rng: np.random.Generator) -> list[str]:
    if balanced:
        return [name for name in CLASSES for _ in range(count // len(CLASSES))]
    weights = np.array([SKEW[name] for name in CLASSES])
    drawn = rng.choice(len(CLASSES), size=count, p=weights / weights.sum())
    return [CLASSES[row] for row in drawn]


def _another(rng: np.random.Generator, name: str) -> str:
    """Another class, drawn by the same frequencies."""
    others = [other for other in CLASSES if other != name]
    weights = np.array([SKEW[other] for other in others])
    return str(rng.choice(others, p=weights / weights.sum()))


def render(folder: str, clip: Clip) -> tuple[list[items.Item], list[Rejected]]:
    """Render a clip into a draft; its items, none of them rejected."""
    files = Store(folder)
    sound_rng, picture_rng, caption_rng = (
        np.random.default_rng([*clip.seed, part]) for part in range(3)
    )
    samples, phrases = sounds.render(clip.sounds, sound_rng)
    audio = media.Audio(samples, sounds.RATE_HZ)
    start_s = float(np.round(sound_rng.uniform(0.25, audio.duration_s - 1.25), 2))
    picture = pictures.render(clip.shows, picture_rng, PICTURE_PX)
    sound_path, picture_path = f"audio/{clip.clip_id}.flac", f"images/{clip.clip_id}.jpg"
    files.write_bytes(f"media/{sound_path}", media.flac_bytes(audio))
    files.write_bytes(f"media/{picture_path}", media.picture_bytes(picture, PICTURE_PX))
    facts = {"mismatched": clip.shows not in clip.sounds, "shows": clip.shows}
    heard = {**facts, "phrases": [asdict(phrase) for phrase in phrases]}

    def item(modality: str, facts: Any, **fields: Any) -> items.Item:
        return items.Item(
            item_id=f"{modality}:{clip.clip_id}",
            clip_id=clip.clip_id,
            modality=modality,
            labels=clip.sounds,
            facts=json.dumps(facts),
            **fields,
        )

    made = [
        item("audio", heard, path=sound_path, start_s=start_s),
        item("image", facts, path=picture_path),
        item("text", facts, text=captions.caption(heard, caption_rng)),
    ]
    return made, []
