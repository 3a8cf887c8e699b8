"""`audioset:FOLDER`: AudioSet's segment lists, its ontology, and the clips that one has of it.

    python -m precompute all --dataset audioset:FOLDER --audio yamnet --image resnet50

The folder holds one or more `*_segments.csv`, an `*ontology*.json` and, anywhere below, media
named `<ytid>_<start>.*` or `<ytid>.*` (see `clips`). Items are one second of sound and one
frame of the same second of every clip that qualifies (see `classes`); subsets are W's (see
`subsets`). `labels` are those of W's 18 classes that apply; all of AudioSet's labels stand in
`facts`, and retrieval is scored by them.

Segments without a file are counted, and some of them listed. Nothing is copied: items point at
the files where they lie.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core import items, taxonomy
from core.datasets.audioset import classes, clips, segments, subsets
from core.datasets.base import Card, Ingested, ParallelMap, Rejected, Request, n_splits
from core.errors import UserError
from core.store import Draft
from core.taxonomy import Taxonomy

SHARD_SIZE = 256
N_ABSENT_LISTED = 20

CARD = Card(
    name="audioset",
    title="AudioSet: clips with sound and picture",
    licence=(
        "segment lists CC BY 4.0, ontology CC BY-SA 4.0 (Google); each clip as its owner gave it"
    ),
    citation=(
        "Gemmeke, Ellis, Freedman, Jansen, Lawrence, Moore, Plakal, Ritter: Audio Set: An ontology "
        "and human-labeled dataset for audio events (ICASSP 2017)"
    ),
    description=(
        "One second of sound and the frame in the middle of it, from every local clip with a label "
        "below Musical instrument, Singing or Tools. A clip belongs to one of the 18 "
        "classes of Wu et al. (2021) when the labels of exactly one of them apply: the labels "
        "themselves (Drum or Drum kit for drums, Choir for voice), not those below them in the "
        "ontology. Unlike theirs, the test subset was not audited by ear and eye."
    ),
)


def fingerprint(request: Request) -> Mapping[str, Any]:
    """Paths, sizes and times of every file below the root, and how many clips are asked for."""
    root = request.spec.root()
    text = hashlib.sha256()
    for file in clips.listing(root):
        text.update(f"{file.path}\0{file.size}\0{file.mtime_ns}\n".encode())
    return {"root": str(root), "files": text.hexdigest(), "size": request.size, "version": 1}


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Find the files of all qualifying segments, draw a second of each, and make W's subsets.

    Raises
    ------
    UserError
        The folder has no segment list, or none or several ontologies; one of these cannot be
        read; no segment has a file with sound and picture; or too few do for two classes.
    """
    root = request.spec.root()
    paths = [file.path for file in clips.listing(root)]
    ontology_path = _ontology_path(str(root), paths)
    ontology = taxonomy.read(root / ontology_path)
    known = taxonomy.parse(ontology, ontology_path)
    lists = [path for path in paths if path.lower().endswith(segments.SUFFIX)]
    if not lists:
        raise UserError(
            f"{root} holds no *{segments.SUFFIX}: expected AudioSet's lists of segments there, "
            "e.g. balanced_train_segments.csv."
        )
    listed = segments.read([(path, root / path) for path in lists], known, ontology_path)
    if listed.table.empty:
        raise UserError(f"No segment could be taken in. {_first(listed.rejected)}")
    qualifies = classes.qualifying(listed, known, ontology_path)
    if not qualifies.any():
        raise UserError(
            f"None of the {len(listed.table):,} segments has a label below "
            f"{', '.join(classes.TOPS)}: expected lists with clips of instruments."
        )
    matched, n_strange = clips.match(listed.table, paths)
    there = [clip for clip in matched if qualifies[clip.row]]
    absent = _absent(listed.table, qualifies, there)
    if not there:
        raise UserError(
            f"None of the {len(absent):,} segments of instruments has a file below {root}: "
            f"expected media named like {absent[0]}.mp4."
        )
    seconds, unusable = _look(there, draft, run, str(root), request.seed)
    if not seconds:
        raise UserError(
            f"None of the {len(there):,} clips below {root} has both sound and picture. "
            f"{_first(unusable)}"
        )
    applying = classes.applying(listed, known)
    class_of = classes.single(applying)[[second["row"] for second in seconds]]
    plan = subsets.plan(class_of, len(classes.CLASSES), request.size)
    assignments = _assignments([second["clip_id"] for second in seconds], class_of, plan, request)
    used = [second for second in seconds if second["clip_id"] in assignments[0]]
    frame = items.table(_rows(used, listed, applying, known))
    return Ingested(
        card=CARD,
        items=frame,
        splits=items.split_table(assignments),
        classes=classes.CLASSES,
        paired_by="clip",
        root=str(root),
        notes=[
            f"{len(listed.table):,} segments are listed and {int(qualifies.sum()):,} of them have "
            f"a label below {', '.join(classes.TOPS)}; {len(there):,} of these have files here, "
            f"{len(absent):,} have none, and {len(seconds):,} have both sound and picture.",
            *_notes(plan, class_of, len(used), n_strange + len(matched) - len(there)),
        ],
        rejected=[*_tell_absent(absent), *listed.rejected, *unusable],
        ontology=ontology,
        scored=[classes.CLASSES[number] for number in plan.scored],
    )


def _ontology_path(root: str, paths: list[str]) -> str:
    """The ontology nearest to the root."""
    found = [
        path
        for path in paths
        if path.lower().endswith(".json") and "ontology" in path.rsplit("/", 1)[-1].lower()
    ]
    nearest = [path for path in found if path.count("/") == min(p.count("/") for p in found)]
    if len(nearest) == 1:
        return nearest[0]
    what = f"{len(nearest)} ontologies ({', '.join(nearest)})" if nearest else "no *ontology*.json"
    raise UserError(f"{root} holds {what}: expected AudioSet's ontology.json there, and no other.")


def _first(rejected: list[Rejected]) -> str:
    return f"The first reason: {rejected[0].reason}" if rejected else ""


def _absent(table: pd.DataFrame, qualifies: np.ndarray, there: list[clips.Clip]) -> list[str]:
    """The clips of qualifying segments without a file, in the order of the lists."""
    missing = qualifies.copy()
    missing[[clip.row for clip in there]] = False
    rows = table.loc[missing, ["ytid", "start_s"]]
    return [clips.clip_id(*row) for row in rows.itertuples(index=False, name=None)]


def _tell_absent(absent: list[str]) -> list[Rejected]:
    """One row for all clips without a file, naming some of them."""
    if not absent:
        return []
    named = ", ".join(absent[:N_ABSENT_LISTED])
    more = len(absent) - N_ABSENT_LISTED
    reason = (
        f"{len(absent):,} listed segments of instruments have no file below the folder: {named}"
        f"{f' and {more:,} more' if more > 0 else ''}."
    )
    return [Rejected("", "clip", reason)]


def _look(
    there: list[clips.Clip], draft: Draft, run: ParallelMap, root: str, seed: int
) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """Every clip's second (see `clips.Second`), and what cannot be used; finished shards stay."""
    shards = [
        clips.Shard(
            store_root=draft.store.root,
            folder=draft.folder,
            name=f"shards/{start // SHARD_SIZE:05d}.json",
            media_root=root,
            seed=seed,
            clips=tuple(there[start : start + SHARD_SIZE]),
        )
        for start in range(0, len(there), SHARD_SIZE)
    ]
    missing = [shard for shard in shards if not draft.has(shard.name)]
    for _ in run(clips.read_shard, missing, "looking into the clips"):
        pass
    outcomes = [draft.json(shard.name) for shard in shards]
    draft.remove("shards")
    return (
        [second for outcome in outcomes for second in outcome["seconds"]],
        [Rejected(**row) for outcome in outcomes for row in outcome["rejected"]],
    )


def _assignments(
    clip_ids: list[str], class_of: np.ndarray, plan: subsets.Plan, request: Request
) -> list[dict[str, str]]:
    """One `{clip_id: subset}` a split; all splits are of the clips that the first one uses."""
    names = np.array(clip_ids)
    found: list[dict[str, str]] = []
    for split in range(n_splits(request, 2 * plan.n_pairs)):
        drawn = subsets.draw(class_of, plan, np.random.default_rng([request.seed, split]))
        kept = drawn >= 0
        pairs = zip(names[kept].tolist(), drawn[kept].tolist(), strict=True)
        found.append({clip_id: items.SUBSETS[number] for clip_id, number in pairs})
        names, class_of = names[kept], class_of[kept]
    return found


def _rows(
    used: list[dict[str, Any]],
    listed: segments.Segments,
    applying: np.ndarray,
    known: Taxonomy,
) -> list[items.Item]:
    """Two items a clip."""
    rows = np.array([second["row"] for second in used])
    first, last = (np.searchsorted(listed.label_row, rows, side) for side in ("left", "right"))
    segment = listed.table.iloc[rows]
    found = []
    for number, (second, ytid, source) in enumerate(
        zip(used, segment["ytid"], segment["source"], strict=True)
    ):
        nodes = dict.fromkeys(listed.label_node[first[number] : last[number]].tolist())
        labels = tuple(classes.CLASSES[c] for c in np.flatnonzero(applying[rows[number]]))
        facts = json.dumps(
            {
                "all_labels": [known.names[node] for node in nodes],
                "video": ytid,
                "listed_in": source,
            }
        )
        for modality, role in (("audio", "sound"), ("image", "picture")):
            found.append(
                items.Item(
                    item_id=f"{modality}:{second['clip_id']}",
                    clip_id=second["clip_id"],
                    modality=modality,
                    labels=labels,
                    path=second[role],
                    start_s=second[f"{role}_at_s"],
                    facts=facts,
                )
            )
    return found


def _notes(plan: subsets.Plan, class_of: np.ndarray, n_used: int, n_strange: int) -> list[str]:
    n_classified = plan.per_class * len(plan.scored)
    notes = [
        f"Of the 158,000 pairs of Wu et al. (2021) this study has {n_used:,} "
        f"({n_used / subsets.FULL_SIZE:.2%}): "
        f"{plan.n_crossmodal:,} for retrieval and {n_classified:,} for classification "
        f"({plan.per_class:,} of each class, {plan.n_test_per_class:,} of them to test), the "
        "others to train translations.",
        "A clip is of a class when its own labels name exactly one of their 18; labels further "
        "down the ontology do not count. Their test clips were audited by hand, these were not.",
    ]
    counts = np.bincount(class_of[class_of >= 0], minlength=len(classes.CLASSES))
    rare = [
        f"{name} ({counts[number]})"
        for number, name in enumerate(classes.CLASSES)
        if number not in plan.scored
    ]
    if rare:
        notes.append(
            f"{len(rare)} of 18 classes have too few clips for a balanced classification "
            f"({', '.join(rare)}): they are in retrieval and translation alone."
        )
    if n_strange:
        notes.append(
            f"{n_strange:,} media files belong to segments without a label of an instrument, or to "
            "none that is listed: they were left alone."
        )
    return notes
