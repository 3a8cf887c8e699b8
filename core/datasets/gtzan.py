"""`gtzan:FOLDER`: the GTZAN genre collection, a thousand half minutes of ten genres.

    python -m precompute all --dataset gtzan:FOLDER --audio hcnn --text bert

Any sound file in a folder of a genre's name counts, wherever below FOLDER that lies
(`genres/blues/*.au`, `genres_original/blues/*.wav`, mirdata's `gtzan_genre/genres/blues/*.wav`).

Every genre's name is put into short texts to train with. Tags are the genres' names; S's one-line
descriptions of them (table I) are a wording of their own.

Splits are random and stratified by genre. Of the 1,000 files some are repeated, mislabelled or by
one artist (Sturm 2013), which such splits cannot know: where `train_filtered.txt`,
`valid_filtered.txt` and `test_filtered.txt` (Kereliuk, Sturm, Larsen 2015; lines such as
`blues/blues.00029.wav`) lie below FOLDER, they are the split.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from core import items
from core.datasets import templates, tracks
from core.datasets.audioset.clips import listing
from core.datasets.base import (
    SHARES,
    Card,
    Ingested,
    ParallelMap,
    Rejected,
    Request,
    random_splits,
)
from core.datasets.tracks import Track
from core.errors import UserError
from core.store import Draft

# Seth 2022, table I, word for word: its accuracy by description is that of these very texts.
DESCRIPTIONS = {
    "blues": "dissonant harmonies, flattened 'blue' notes",
    "classical": "traditional music, elegance, balance, and homophonic textures",
    "country": "country choruses, rural music, stringed instruments",
    "disco": "electronically produced sounds disco",
    "hiphop": "rhythmic lyrics making use of techniques like assonance, alliteration, and rhyme",
    "jazz": (
        "complex harmony, distortions of pitch and timbre, and a heavy emphasis on improvisation"
    ),
    "metal": "a genre of rock music, intense, virtuosic, and powerful",
    "pop": "electronic instruments, strong beat and simple tunes",
    "reggae": "music of Jamaican origin, moderate tempos, guitar/piano offbeats",
    "rock": "Driving, intense, energetic, and almost always loud, rock music",
}
GENRES = tuple(DESCRIPTIONS)
DAMAGED = {"jazz.00054"}
LISTS = {
    "train_filtered.txt": tracks.TRAINED,
    "valid_filtered.txt": tracks.TRAINED,
    "test_filtered.txt": tracks.TESTED,
}
IN_WORDS = {"hiphop": "hip hop"}
TEMPLATES = (
    "{name}",
    "{name} music",
    "a {name} song",
    "a {name} track",
    "this is {name}",
    "the genre is {name}",
    "typical {name}",
    "a {name} band",
    "a piece of {name} music",
    "a recording of {name}",
    "an album of {name}",
    "a {name} tune",
    "half a minute of {name}",
    "{name} on the radio",
    "listen to this {name} song",
    "musicians playing {name}",
)

CARD = Card(
    name="gtzan",
    title="GTZAN genre collection",
    licence="none is known: commercial recordings, collected for research",
    citation=(
        "Tzanetakis, Cook: Musical genre classification of audio signals (IEEE Transactions on "
        "Speech and Audio Processing 10(5), 2002)"
    ),
    description=(
        "Half a minute of each of 1,000 tracks, 100 of each of ten genres; jazz.00054 is left out."
    ),
)


def fingerprint(request: Request) -> Mapping[str, Any]:
    """Paths, sizes and times of every file below the root."""
    root = request.spec.root()
    return {"root": str(root), "files": tracks.files_digest(root), "version": 1}


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Find the files of every genre, and split them.

    Raises
    ------
    UserError
        There are no files of two genres, or some lists of a split but not all.
    """
    root = request.spec.root()
    in_genres = [path for path in tracks.sounds(root) if _genre(path)]
    path_of = {_clip_id(path): path for path in tracks.by_key(in_genres).values()}
    damaged = [
        Rejected(path, "audio", tracks.damage(path))
        for clip_id, path in path_of.items()
        if clip_id in DAMAGED
    ]
    wanted = {path: clip_id for clip_id, path in path_of.items() if clip_id not in DAMAGED}
    lengths, rejected = tracks.look(root, list(wanted), wanted, draft, run)
    found = [
        Track(wanted[path], path, (_genre(path),), length_s=length)
        for path, length in lengths.items()
    ]
    classes = [genre for genre in GENRES if any(genre in track.labels for track in found)]
    if len(classes) < 2:
        raise UserError(_nothing(root, classes, rejected))
    listed = _lists(root)
    subset_of = {} if listed is None else {t.clip_id: listed.get(t.clip_id, "") for t in found}
    subset_of = {clip_id: subset for clip_id, subset in subset_of.items() if subset}
    frame = items.table([*tracks.rows(found, subset_of), *_texts(classes)])
    return Ingested(
        card=CARD,
        items=frame,
        splits=random_splits(frame, classes, request)
        if listed is None
        else _listed_splits(frame, subset_of, request),
        classes=classes,
        paired_by="class",
        root=str(root),
        notes=_notes(
            len(found), len(in_genres) - len(path_of), None if listed is None else subset_of
        ),
        rejected=[*damaged, *rejected],
        scored=classes,
        descriptions={genre: DESCRIPTIONS[genre] for genre in classes},
    )


def _genre(path: str) -> str:
    """The genre whose folder a file lies in, "" for another folder."""
    folder = "".join(path.lower().split("/")[-2:-1])
    name = folder.replace("-", "").replace("_", "")
    return name if name in GENRES else ""


def _clip_id(path: str) -> str:
    """`blues.00029` of `blues/blues.00029` or `blues/blues.00029.wav`."""
    name = path.strip().lower().rpartition("/")[2]
    stem, _, ending = name.rpartition(".")
    return stem if f".{ending}" in tracks.SUFFIXES else name


def _nothing(root: Path, classes: list[str], rejected: list[Rejected]) -> str:
    first = f" The first file that was rejected: {rejected[0].reason}" if rejected else ""
    return (
        f"{root} has sounds that could be read of {len(classes)} of the genres "
        f"{', '.join(GENRES)}: expected a folder a genre, two at least, e.g. genres/blues/*.wav."
        f"{first}"
    )


def _lists(root: Path) -> dict[str, str] | None:
    """Clip -> subset of the lists below the root; None where there are none."""
    places = {file.path.rpartition("/")[2].lower(): file.path for file in listing(root)}
    there = [name for name in LISTS if name in places]
    if not there:
        return None
    if len(there) < len(LISTS):
        raise UserError(
            f"{root} holds {' and '.join(there)} alone: expected all of {', '.join(LISTS)}, or "
            "none of them for random splits."
        )
    subset_of: dict[str, str] = {}
    for name, subset in LISTS.items():
        try:
            lines = (root / places[name]).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"The list {places[name]} cannot be read: {error}.") from error
        for line in lines:
            if subset_of.setdefault(_clip_id(line), subset) != subset:
                raise UserError(
                    f"The list {places[name]} names {line}, which another list has for another "
                    "subset: expected every track in one list."
                )
    return subset_of


def _texts(classes: list[str]) -> list[items.Item]:
    """The genres' names in short texts; a name that is two words run together both ways."""
    found = []
    for genre in classes:
        texts = templates.of_class(IN_WORDS.get(genre, genre), TEMPLATES)
        for number, text in enumerate(dict.fromkeys([genre, *texts])):
            clip_id = f"text/{genre}/{number:02d}"
            found.append(
                items.Item(
                    item_id=f"text:{genre}/{number:02d}",
                    clip_id=clip_id,
                    modality="text",
                    labels=(genre,),
                    text=text,
                    facts='{"kind":"template"}',
                )
            )
    return found


def _listed_splits(frame: pd.DataFrame, subset_of: dict[str, str], request: Request) -> Any:
    """The lists' subsets of the tracks, the same in every split, and random ones of the texts."""
    texts = items.of(frame, "text")
    genre_of = dict(zip(texts["clip_id"], items.single_labels(texts), strict=True))
    return items.split_table(
        [
            subset_of | items.split_by_clip(genre_of, SHARES, seed=request.seed * 1_000 + split)
            for split in range(request.splits or 1)
        ]
    )


def _notes(n_found: int, n_repeated: int, subset_of: Mapping[str, str] | None) -> list[str]:
    notes = [
        "The texts are templates filled with each genre's name, and sounds and texts are paired "
        "within each genre: a space that was trained here has seen the genres' names. The "
        "published accuracies (0.394 by name, 0.283 by description) are of a space trained on "
        "other music; encoders that share a published space (clap_audio, clap_text) are measured "
        "here without any training.",
    ]
    if subset_of is None:
        notes.append(
            "The splits are random by track. The collection has repeated, mislabelled and "
            "one-artist tracks (Sturm 2013), so scores are too high; with train_filtered.txt, "
            "valid_filtered.txt and test_filtered.txt in the folder, the filtered split is used."
        )
    else:
        n_tested = sum(subset == tracks.TESTED for subset in subset_of.values())
        notes.append(
            f"The split is that of the filtered lists: {len(subset_of) - n_tested:,} tracks to "
            f"train and {n_tested:,} to test; the other {n_found - len(subset_of):,} are on maps "
            "and in galleries alone."
        )
    if n_repeated:
        notes.append(f"{n_repeated:,} further files repeat a track's name and were left alone.")
    return notes
