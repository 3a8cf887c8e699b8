"""`gtzan:FOLDER`: the GTZAN genre collection, a thousand half-minutes of ten genres.

    python -m precompute all --dataset gtzan:FOLDER --audio hcnn --text bert

Every sound file in a folder with a genre's name is used, wherever below FOLDER it is
(`genres/blues/*.au`, `genres_original/blues/*.wav`, mirdata's `gtzan_genre/genres/blues/*.wav`).

Texts to train with are templates filled with the genres' names. Tags are the genres' names; S's
one-line descriptions (table I) are a second wording.

Splits are random and stratified by genre. Some of the 1,000 files are repeated, mislabelled or by
one artist (Sturm 2013), which random splits ignore. If `train_filtered.txt`, `valid_filtered.txt`
and `test_filtered.txt` (Kereliuk, Sturm, Larsen 2015; lines such as `blues/blues.00029.wav`) are
below FOLDER, they are the split.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from core import items
from core.datasets import media_files, splits, template_texts, tracks
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Request, first_reason
from core.datasets.tracks import MusicTrack
from core.errors import UserError
from core.store import Draft

# Seth 2022, table I, word for word: the published accuracy by description is for these texts.
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
    "train_filtered.txt": splits.TRAINED,
    "valid_filtered.txt": splits.TRAINED,
    "test_filtered.txt": splits.TESTED,
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

CARD = DatasetCard(
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
    return media_files.fingerprint(request.spec.root())


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Find the files of every genre, and split them."""
    root = request.spec.root()
    in_genres = [path for path in tracks.sounds(root) if _genre(path)]
    path_of = {_clip_id(path): path for path in tracks.by_key(in_genres).values()}
    damaged = [tracks.known_damage(path_of.pop(clip)) for clip in DAMAGED & path_of.keys()]
    clip_of = {path: clip_id for clip_id, path in path_of.items()}
    lengths, rejected = tracks.check(root, list(clip_of), clip_of, draft, run)
    found = [
        MusicTrack(clip_of[path], path, (_genre(path),), length_s=length)
        for path, length in lengths.items()
    ]
    classes = [genre for genre in GENRES if any(genre in track.labels for track in found)]
    if len(classes) < 2:
        raise UserError(
            f"{root} has readable sounds of {len(classes)} of the genres {', '.join(GENRES)}: "
            "expected one folder per genre, at least two, e.g. genres/blues/*.wav."
            f"{first_reason(rejected)}"
        )
    listed = _listed_subsets(root)
    subset_of = {t.clip_id: listed[t.clip_id] for t in found if t.clip_id in listed}
    texts = [row for genre in classes for row in _texts(genre)]
    frame = items.table([*tracks.rows(found, subset_of), *texts])
    n_repeated = len(in_genres) - len(path_of) - len(damaged)
    return Ingested(
        card=CARD,
        items=frame,
        splits=_listed_splits(frame, subset_of, request)
        if listed
        else splits.by_class(frame, classes, request),
        classes=classes,
        paired_by="class",
        root=str(root),
        notes=_notes(len(found), n_repeated, subset_of if listed else None),
        rejected=[*damaged, *rejected],
        scored=classes,
        descriptions={genre: DESCRIPTIONS[genre] for genre in classes},
    )


def _genre(path: str) -> str:
    """The genre that a file's folder is named after, "" if it is another folder."""
    folder = "".join(path.lower().split("/")[-2:-1])
    name = folder.replace("-", "").replace("_", "")
    return name if name in GENRES else ""


def _clip_id(path: str) -> str:
    """`blues.00029` of `blues/blues.00029` or `blues/blues.00029.wav`."""
    name = path.strip().lower().rpartition("/")[2]
    stem, _, ending = name.rpartition(".")
    return stem if f".{ending}" in tracks.SUFFIXES else name


def _listed_subsets(root: Path) -> dict[str, str]:
    """Clip -> subset, from the lists below the root; {} if there are none."""
    paths = media_files.listing(root)
    places = {name: found[0] for name in LISTS if (found := media_files.named(paths, name))}
    if places and len(places) < len(LISTS):
        raise UserError(
            f"{root} has only {' and '.join(places)}: expected all of {', '.join(LISTS)}, or none "
            "of them for random splits."
        )
    subset_of: dict[str, str] = {}
    for name, place in places.items():
        try:
            lines = (root / place).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"The list {place} cannot be read: {error}.") from error
        for line in lines:
            if subset_of.setdefault(_clip_id(line), LISTS[name]) != LISTS[name]:
                raise UserError(
                    f"The list {place} names {line}, which another list puts in another subset: "
                    "list every track once."
                )
    return subset_of


def _texts(genre: str) -> list[items.Item]:
    """Texts with a genre's name; "hiphop" also as two words."""
    texts = template_texts.of_class(IN_WORDS.get(genre, genre), TEMPLATES)
    return template_texts.class_items(genre, list(dict.fromkeys([genre, *texts])))


def _listed_splits(
    frame: pd.DataFrame, subset_of: dict[str, str], request: Request
) -> pd.DataFrame:
    """The lists' subsets of the tracks, the same in each split, and random subsets of the texts."""
    texts = items.of(frame, "text")
    genre_of = dict(zip(texts["clip_id"], items.single_labels(texts), strict=True))
    drawn = splits.drawn(genre_of, request, request.splits or 1)
    return items.split_table([subset_of | of_texts for of_texts in drawn])


def _notes(n_found: int, n_repeated: int, subset_of: Mapping[str, str] | None) -> list[str]:
    notes = [
        "The texts are templates filled with each genre's name, and sounds and texts are paired "
        "within each genre, so a space trained here has seen the genres' names. The published "
        "accuracies (0.394 by name, 0.283 by description) are for a space trained on other music. "
        "Encoders with a published shared space (clap_audio, clap_text) are measured here without "
        "any training.",
    ]
    if subset_of is None:
        notes.append(
            "The splits are random by track. The collection has repeated, mislabelled and "
            "one-artist tracks (Sturm 2013), so scores are too high. Put train_filtered.txt, "
            "valid_filtered.txt and test_filtered.txt into the folder to use the filtered split."
        )
    else:
        n_tested = sum(subset == splits.TESTED for subset in subset_of.values())
        notes.append(
            f"The split comes from the filtered lists: {len(subset_of) - n_tested:,} tracks to "
            f"train and {n_tested:,} to test. The other {n_found - len(subset_of):,} appear only "
            "on maps and in galleries."
        )
    if n_repeated:
        notes.append(f"{n_repeated:,} more files repeat a track's name and were not used.")
    return notes
