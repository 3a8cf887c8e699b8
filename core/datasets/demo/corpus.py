"""`demo`: a corpus of the 18 instruments of W, made on the spot, with no network.

One clip is a short phrase rendered by a General MIDI soundfont, one picture rasterised from vector
drawings, and one caption of the phrase. Like the real thing it is imperfect: the translation subset
is skewed, some pairs are mismatched (the picture shows another instrument than the sound, which the
caption follows), some clips carry two labels, some captions do not name the instrument. The
classification subsets are balanced and clean, as W's are after their audit.

Everything follows from the seed. Rendering runs in shards; a killed run goes on at the last
finished one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core import items, media
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Request
from core.datasets.demo import captions, pictures, sounds
from core.errors import UserError
from core.store import Draft, Store

DEFAULT_SIZE = 2_400
SIZES = (360, 10_000)
SHARD_SIZE = 60
RATE_HZ = 22_050
PICTURE_PX = 256
MISMATCHED = 0.08  # of the clips of the subsets that nobody audited
TWO_LABELS = 0.10

# Shares of the pairs. W's are 0.82, 0.06, 0.10, 0.01: a small corpus needs more to test on.
SHARES = {"translation": 0.52, "crossmodal": 0.10, "train": 0.28, "test": 0.10}

# How often each class occurs in the subsets that follow the world (W, figure 6: guitar, drums,
# violin and piano abound; clarinet, trombone, organ and cymbals are rare).
SKEW: dict[str, float] = {
    "guitar": 20,
    "drums": 16,
    "violin": 13,
    "piano": 12,
    "synthesizer": 7,
    "voice": 6,
    "banjo": 5,
    "ukulele": 4,
    "flute": 4,
    "trumpet": 4,
    "mandolin": 3.5,
    "saxophone": 3.5,
    "cello": 3,
    "accordion": 2.5,
    "cymbals": 2.5,
    "organ": 2,
    "trombone": 1.6,
    "clarinet": 1.6,
}
CLASSES = sorted(SKEW)

CARD = DatasetCard(
    name="demo",
    title="Demo corpus: 18 rendered instruments",
    licence="MIT for the drawings and phrases; sounds come from the TimGM6mb soundfont (GPL-2)",
    citation="Classes of Wu, Fuentes, Bello (2021); soundfont TimGM6mb by Tim Brechbill",
    description=(
        "Short phrases rendered by a General MIDI soundfont, and vector drawings rasterised with "
        "varied colour, pose, light and background. Nothing here was recorded or photographed. "
        "Captions are written from templates, out of what is known of each phrase."
    ),
)


@dataclass(frozen=True)
class Clip:
    """The plan of one clip: what sounds, what is shown, and what the labels say."""

    clip_id: str
    subset: str
    sounds: tuple[str, ...]
    shows: str
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Shard:
    """Some clips to render, and where to."""

    store_root: str
    folder: str
    name: str
    clips: tuple[Clip, ...]


def fingerprint(request: Request) -> Mapping[str, Any]:
    """The corpus is its size, its seed and the version of what renders it."""
    return {"size": _size(request), "seed": request.seed, "version": 2}


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Render what is not there yet and make the item table.

    Raises
    ------
    UserError
        The size is outside `SIZES`.
    """
    clips = plan(_size(request), request.seed)
    shards = [
        Shard(
            store_root=draft.store.root,
            folder=draft.folder,
            name=f"shards/{start // SHARD_SIZE:04d}.json",
            clips=tuple(clips[start : start + SHARD_SIZE]),
        )
        for start in range(0, len(clips), SHARD_SIZE)
    ]
    missing = [shard for shard in shards if not draft.has(shard.name)]
    for _ in run(render_shard, missing, "rendering the demo corpus"):
        pass
    frame = items.table(row for shard in shards for row in draft.json(shard.name))
    subset_of = {clip.clip_id: clip.subset for clip in clips}
    approximated = "; ".join(f"{name}: {how}" for name, how in sounds.APPROXIMATED.items())
    return Ingested(
        card=CARD,
        items=frame,
        splits=items.split_table([subset_of] * (request.splits or 1)),
        classes=CLASSES,
        paired_by="clip",
        root="media",
        notes=[
            "Every sound and picture of this corpus is rendered: its scores say how the method "
            "behaves, not how it would do on the world.",
            f"General MIDI lacks some of the instruments, which are approximated ({approximated}).",
            f"As in the wild, the translation and crossmodal subsets are skewed, {MISMATCHED:.0%} "
            f"of their pairs are mismatched and {TWO_LABELS:.0%} of their clips carry two labels; "
            "the train and test subsets are balanced and clean.",
            "Every caption is made from a template and follows the sound, whatever the picture "
            f"shows; of those of one instrument, {captions.FAMILY_ONLY:.0%} name only its family "
            f"and {captions.CHARACTER_ONLY:.0%} nothing but how it sounds.",
        ],
    )


def _size(request: Request) -> int:
    size = DEFAULT_SIZE if request.size is None else request.size
    low, high = SIZES
    if not low <= size <= high:
        raise UserError(f"The demo's size is {size} pairs: expected {low} to {high}.")
    return size


def plan(size: int, seed: int) -> list[Clip]:
    """Which clips there are: subsets, labels, mismatches; nothing is rendered yet."""
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
    """Another class, as common things are common."""
    others = [other for other in CLASSES if other != name]
    weights = np.array([SKEW[other] for other in others])
    return str(rng.choice(others, p=weights / weights.sum()))


def render_shard(shard: Shard) -> str:
    """Render some clips into the draft; the shard's list of items comes last and means done."""
    store = Store(shard.store_root)
    rows = [asdict(item) for clip in shard.clips for item in _render(store, shard.folder, clip)]
    store.write_json(f"{shard.folder}/{shard.name}", rows)
    return shard.name


def _render(store: Store, folder: str, clip: Clip) -> list[items.Item]:
    sound_rng, picture_rng = (np.random.default_rng([*clip.seed, part]) for part in (0, 1))
    phrases: tuple[sounds.Phrase, ...]
    if len(clip.sounds) == 2:
        both = (clip.sounds[0], clip.sounds[1])
        samples, phrases = sounds.mix(both, sound_rng, rate_hz=RATE_HZ)
    else:
        samples, phrase = sounds.render(clip.sounds[0], sound_rng, rate_hz=RATE_HZ)
        phrases = (phrase,)
    picture = pictures.render(clip.shows, picture_rng, PICTURE_PX)
    sound_path, picture_path = f"audio/{clip.clip_id}.flac", f"images/{clip.clip_id}.jpg"
    audio = media.Audio(samples, RATE_HZ)
    store.write_bytes(f"{folder}/media/{sound_path}", media.flac_bytes(audio))
    store.write_bytes(f"{folder}/media/{picture_path}", media.picture_bytes(picture, PICTURE_PX))
    start_s = float(np.round(sound_rng.uniform(0.25, audio.duration_s - 1.25), 2))
    labels = tuple(clip.sounds)
    facts = {"mismatched": clip.shows not in clip.sounds, "shows": clip.shows}
    heard = {**facts, "phrases": [asdict(phrase) for phrase in phrases]}
    caption_rng = np.random.default_rng([*clip.seed, 2])
    return [
        items.Item(
            item_id=f"audio:{clip.clip_id}",
            clip_id=clip.clip_id,
            modality="audio",
            labels=labels,
            path=sound_path,
            start_s=start_s,
            facts=json.dumps(heard),
        ),
        items.Item(
            item_id=f"image:{clip.clip_id}",
            clip_id=clip.clip_id,
            modality="image",
            labels=labels,
            path=picture_path,
            facts=json.dumps(facts),
        ),
        items.Item(
            item_id=f"text:{clip.clip_id}",
            clip_id=clip.clip_id,
            modality="text",
            labels=labels,
            text=captions.caption(heard, caption_rng),
            facts=json.dumps(facts),
        ),
    ]
