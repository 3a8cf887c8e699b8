"""`folder:PATH`: `audio/<class>/*`, `images/<class>/*` and, optionally, `video/<class>/*`.

Each sound gives one item, its loudest second; each picture gives one. Each video gives two: a
random second of its sound, and the frame in the middle of that second. Sounds and pictures from
separate files are paired within a class, and the notes say that this used the labels. Texts are
templates filled with the class names.

Every file is decoded once; the files that cannot be decoded are rejected.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items, media
from core.datasets import media_files, splits, template_texts
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Rejected, Request
from core.errors import MediaError, UserError
from core.store import Draft

CARD = DatasetCard(
    name="folder",
    title="A folder of sounds and pictures",
    licence="as each file's owner gave it",
    citation="",
    description="Media files sorted into one folder per class.",
)
FOLDERS = {"audio": "audio", "images": "image", "image": "image", "video": "video"}
SUFFIXES = {
    "audio": media.AUDIO_SUFFIXES,
    "image": media.IMAGE_SUFFIXES,
    "video": media.VIDEO_SUFFIXES,
}


@dataclass(frozen=True)
class ClassFile:
    """One file: its path below the root, its class, and the expected kind of media."""

    path: str
    class_name: str
    kind: str


def fingerprint(request: Request) -> Mapping[str, Any]:
    """Paths, sizes and times of every file in a class folder."""
    root = request.spec.root()
    files = media_files.digest(root, [file.path for file in _files(root)])
    return {"root": str(root), "files": files, "version": 2}


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Decode every file, and make the item table."""
    root = request.spec.root()
    files = _files(root)
    if not files:
        raise UserError(
            f"{root} has no files in audio/<class>/, images/<class>/ or video/<class>/: sort the "
            "media into one folder per class."
        )
    found, rejected = media_files.decode_all(partial(_read, root, request.seed), files)
    classes = sorted({label for item in found for label in item.labels})
    both = items.paired_classes(items.table(found), classes)
    if not both:
        raise UserError(
            f"No class in {root} has both sounds and pictures that can be read "
            f"({len(rejected)} files were rejected): expected at least one such class."
        )
    only_video = all(file.kind == "video" for file in files)
    for name in classes:
        found += template_texts.class_items(name, template_texts.of_class(name))
    frame = items.table(found)
    return Ingested(
        card=CARD,
        items=frame,
        splits=splits.by_class(frame, both, request),
        classes=classes,
        paired_by="clip" if only_video else "class",
        root=str(root),
        notes=_notes(frame, classes, both, only_video),
        rejected=rejected,
        scored=both,
    )


def _files(root: Path) -> list[ClassFile]:
    if not root.is_dir():
        raise UserError(f"{root} is not a folder: expected one with audio/<class>/ and so on.")
    found = []
    for folder, kind in FOLDERS.items():
        for path in sorted((root / folder).glob("*/*")):
            if path.is_file() and not path.name.startswith("."):
                found.append(ClassFile(path.relative_to(root).as_posix(), path.parent.name, kind))
    return found


def _read(root: Path, seed: int, file: ClassFile) -> list[items.Item] | Rejected:
    """The items of one file, which is decoded to check it."""
    path = root / file.path
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES[file.kind]:
        expected = ", ".join(sorted(SUFFIXES[file.kind]))
        reason = f"{path.name!r} has the ending {suffix!r}: expected one of {expected}."
        return Rejected(file.path, file.kind, reason)
    try:
        if file.kind == "image":
            media.read_image(path, path.name)
            return [_item(file, "image", 0.0)]
        if file.kind == "audio":
            return [_item(file, "audio", media.loudest_second(media.read_audio(path, path.name)))]
        return _read_video(path, seed, file)
    except MediaError as error:
        return Rejected(file.path, file.kind, str(error))


def _read_video(path: Path, seed: int, file: ClassFile) -> list[items.Item]:
    duration_s = media.probe(path, path.name).duration_s or 1.0
    rng = items.rng_for(seed, file.path)
    start_s = float(np.floor(rng.uniform(0, max(duration_s - 1.0, 0)) * 10) / 10)
    media.read_audio(path, path.name, start_s=start_s, duration_s=1.0)
    media.read_frame(path, path.name, start_s + 0.5)
    return [_item(file, "audio", start_s), _item(file, "image", start_s + 0.5)]


def _item(file: ClassFile, modality: str, start_s: float) -> items.Item:
    return items.Item(
        item_id=f"{modality}:{file.path}",
        clip_id=file.path,
        modality=modality,
        labels=(file.class_name,),
        path=file.path,
        start_s=start_s,
        facts=json.dumps({"kind": file.kind}),
    )


def _notes(frame: pd.DataFrame, classes: list[str], both: list[str], only_video: bool) -> list[str]:
    notes = ["The texts are templates filled with each class's name: nobody described a file."]
    if not only_video:
        notes.append(
            "Sounds and pictures come from separate files. They were paired within each class, so "
            "the translation has seen the labels."
        )
    for modality, words in (("audio", "sounds"), ("image", "pictures")):
        single = items.single_labels(frame[frame["modality"] == modality])
        alone = [name for name in classes if name not in both and name in set(single)]
        if alone:
            notes.append(
                f"{len(alone)} of {len(classes)} classes have only {words} ({', '.join(alone)}): "
                "they appear in galleries and on maps, but not in paired training, classification "
                "or scores."
            )
    return notes
