"""`folder:PATH`: `audio/<class>/*`, `images/<class>/*` and, if there, `video/<class>/*`.

Every sound is one item, its loudest second; every picture is one item; every video is two, one
second of its sound and the frame in the middle of that second, drawn by seed. Sounds and pictures
that come as separate files are paired within a class, and the notes say that this used the labels.

Every class gets captions made of its name, so that the collection can be asked in words.

Nothing is copied: items point at the files where they lie. What cannot be decoded is rejected
with its reason.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core import items, media
from core.datasets import templates
from core.datasets.base import (
    Card,
    Ingested,
    ParallelMap,
    Rejected,
    Request,
    in_threads,
    paired_classes,
    random_splits,
)
from core.errors import MediaError, UserError
from core.store import Draft

CARD = Card(
    name="folder",
    title="A folder of sounds and pictures",
    licence="as each file's owner gave it",
    citation="",
    description="Files sorted into one folder a class, read where they lie.",
)
FOLDERS = {"audio": "audio", "images": "image", "image": "image", "video": "video"}
SUFFIXES = {
    "audio": media.AUDIO_SUFFIXES,
    "image": media.IMAGE_SUFFIXES,
    "video": media.VIDEO_SUFFIXES,
}


@dataclass(frozen=True)
class File:
    """One file of the folder: its path below the root, its class and what it should hold."""

    path: str
    class_name: str
    kind: str


def fingerprint(request: Request) -> Mapping[str, Any]:
    """Paths, sizes and times of every file below the root."""
    root = request.spec.root()
    text = hashlib.sha256()
    for file in _files(root):
        stat = (root / file.path).stat()
        text.update(f"{file.path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return {"root": str(root), "files": text.hexdigest(), "version": 2}


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Check every file by decoding it, and make the item table.

    Raises
    ------
    UserError
        The path is no folder, has none of the expected sub-folders, or no class has both
        sounds and pictures.
    """
    root = request.spec.root()
    files = _files(root)
    if not files:
        raise UserError(
            f"{root} has no files in audio/<class>/, images/<class>/ or video/<class>/: sort the "
            "media into one folder a class."
        )
    found: list[items.Item] = []
    rejected: list[Rejected] = []
    for outcome in in_threads(partial(_read, root, request.seed), files):
        if isinstance(outcome, Rejected):
            rejected.append(outcome)
        else:
            found.extend(outcome)
    frame = items.table(found)
    classes = sorted({label for labels in frame["labels"] for label in labels})
    both = paired_classes(frame, classes)
    if not both:
        raise UserError(
            f"No class in {root} has both sounds and pictures that could be read "
            f"({len(rejected)} files were rejected): give at least one class both."
        )
    only_video = all(file.kind == "video" for file in files)
    frame = items.table([*found, *_captions(classes)])
    return Ingested(
        card=CARD,
        items=frame,
        splits=random_splits(frame, both, request),
        classes=classes,
        paired_by="clip" if only_video else "class",
        root=str(root),
        notes=_notes(frame, classes, both, only_video),
        rejected=rejected,
        scored=both,
    )


def _captions(classes: list[str]) -> list[items.Item]:
    return [
        items.Item(
            item_id=f"text:{name}/{number:02d}",
            clip_id=f"text/{name}/{number:02d}",
            modality="text",
            labels=(name,),
            text=text,
            facts=json.dumps({"kind": "template"}),
        )
        for name in classes
        for number, text in enumerate(templates.of_class(name))
    ]


def _files(root: Path) -> list[File]:
    if not root.is_dir():
        raise UserError(f"{root} is not a folder: folder:PATH expects one with audio/<class>/.")
    found = []
    for folder, kind in FOLDERS.items():
        for path in sorted((root / folder).glob("*/*")):
            if path.is_file() and not path.name.startswith("."):
                found.append(File(path.relative_to(root).as_posix(), path.parent.name, kind))
    return found


def _read(root: Path, seed: int, file: File) -> list[items.Item] | Rejected:
    """Decode one file; its items, or why there are none."""
    path = root / file.path
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES[file.kind]:
        expected = ", ".join(sorted(SUFFIXES[file.kind]))
        return Rejected(
            file.path,
            file.kind,
            f"{path.name!r} has the ending {suffix!r}, expected one of {expected}.",
        )
    try:
        if file.kind == "image":
            media.read_image(path, path.name)
            return [_item(file, "image", 0.0)]
        if file.kind == "audio":
            return [_item(file, "audio", media.loudest_second(media.read_audio(path, path.name)))]
        return _read_video(path, seed, file)
    except MediaError as error:
        return Rejected(file.path, file.kind, str(error))


def _read_video(path: Path, seed: int, file: File) -> list[items.Item]:
    duration_s = media.probe(path, path.name).duration_s or 1.0
    digest = int.from_bytes(hashlib.sha256(file.path.encode()).digest()[:4], "big")
    rng = np.random.default_rng([seed, digest])
    start_s = float(np.floor(rng.uniform(0, max(duration_s - 1.0, 0)) * 10) / 10)
    media.read_audio(path, path.name, start_s=start_s, duration_s=1.0)
    media.read_frame(path, path.name, start_s + 0.5)
    return [_item(file, "audio", start_s), _item(file, "image", start_s + 0.5)]


def _item(file: File, modality: str, start_s: float) -> items.Item:
    return items.Item(
        item_id=f"{modality}:{file.path}",
        clip_id=file.path,
        modality=modality,
        labels=(file.class_name,),
        path=file.path,
        start_s=start_s,
        facts=json.dumps({"kind": file.kind}),
    )


def _notes(frame: Any, classes: list[str], both: list[str], only_video: bool) -> list[str]:
    notes = ["The captions are templates filled with each class's name: nobody described a file."]
    if not only_video:
        notes.append(
            "Sounds and pictures come from separate files: they were paired within each class, so "
            "the translation has seen the labels."
        )
    for modality, words in (("audio", "sounds"), ("image", "pictures")):
        single = items.single_labels(frame[frame["modality"] == modality])
        lonely = [name for name in classes if name not in both and name in set(single)]
        if lonely:
            notes.append(
                f"{len(lonely)} of {len(classes)} classes have {words} only "
                f"({', '.join(lonely)}): they are in galleries and on maps, and take no part in "
                "paired training, classification or scores."
            )
    return notes
