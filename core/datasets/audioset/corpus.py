"""`audioset:FOLDER`: AudioSet's segment lists, its ontology, and your copies of its clips.

    python -m precompute all --dataset audioset:FOLDER --audio yamnet --image resnet50

The folder has one or more `*_segments.csv`, one `*ontology*.json` and, anywhere below, media named
`<ytid>_<start>.*` or `<ytid>.*` (see `clips`). Each clip that qualifies (see `classes`) gives two
items: one second of sound, and one frame of the same second. Subsets are those of W (see
`subsets`). `labels` are the classes of W that apply, out of 18; all of AudioSet's labels are in
`facts`, and retrieval is scored by these.

Segments without a file are counted, and some of them are named.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from core import items, taxonomy
from core.datasets import media_files
from core.datasets.audioset import classes, clips, segments, subsets
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Request, first_reason
from core.datasets.splits import n_splits
from core.errors import UserError
from core.store import Draft
from core.taxonomy import Taxonomy

SHARD_SIZE = 256

CARD = DatasetCard(
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
        "classes of Wu et al. (2021) if it has the labels of exactly one class: the labels "
        "themselves (Drum or Drum kit for drums, Choir for voice), not those below them in the "
        "ontology. Unlike theirs, the test subset was not audited by ear and eye."
    ),
)


def fingerprint(request: Request) -> Mapping[str, Any]:
    """Paths, sizes and times of every file below the root, and the size."""
    return media_files.fingerprint(request.spec.root(), size=request.size)


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Find the files of all qualifying segments, draw a second of each, and make W's subsets."""
    root = request.spec.root()
    paths = media_files.listing(root)
    ontology_path = _ontology_path(str(root), paths)
    ontology = taxonomy.read(root / ontology_path)
    known = taxonomy.parse(ontology, ontology_path)
    lists = [path for path in paths if path.lower().endswith(segments.SUFFIX)]
    if not lists:
        raise UserError(
            f"{root} has no *{segments.SUFFIX}: expected AudioSet's lists of segments there, e.g. "
            "balanced_train_segments.csv."
        )
    listed = segments.read([(path, root / path) for path in lists], known, ontology_path)
    if listed.table.empty:
        raise UserError(
            f"None of the segments in {', '.join(lists)} can be used: expected rows of the layout "
            f"{segments.LAYOUT}.{first_reason(listed.rejected)}"
        )
    qualifies = classes.qualifying(listed, known, ontology_path)
    if not qualifies.any():
        raise UserError(
            f"None of the {len(listed.table):,} segments has a label below "
            f"{', '.join(classes.TOPS)}: expected lists with clips of instruments."
        )
    matched, n_others = clips.match(listed.table, paths)
    there = [files for files in matched if qualifies[files.row]]
    without = qualifies.copy()
    without[[files.row for files in there]] = False
    rows = listed.table.loc[without, ["ytid", "start_s"]]
    absent = [clips.clip_id(*row) for row in rows.itertuples(index=False, name=None)]
    if not there:
        raise UserError(
            f"None of the {len(absent):,} instrument segments has a file below {root}: expected "
            f"media named like {absent[0]}.mp4."
        )
    check = partial(clips.draw_second, root, request.seed)
    seconds, unusable = media_files.check_all(
        check, there, draft, run, "checking the clips", SHARD_SIZE
    )
    if not seconds:
        raise UserError(
            f"None of the {len(there):,} clips below {root} has both sound and picture: expected "
            f"videos, or a sound and a picture of the same name.{first_reason(unusable)}"
        )
    applying = classes.applying(listed, known)
    class_of = classes.single(applying)[[second["row"] for second in seconds]]
    plan = subsets.plan(class_of, len(classes.CLASSES), request.size)
    assignments = _assignments([second["clip_id"] for second in seconds], class_of, plan, request)
    used = [second for second in seconds if second["clip_id"] in assignments[0]]
    return Ingested(
        card=CARD,
        items=items.table(_rows(used, listed, applying, known)),
        splits=items.split_table(assignments),
        classes=classes.CLASSES,
        paired_by="clip",
        root=str(root),
        notes=[
            f"{len(listed.table):,} segments are listed and {int(qualifies.sum()):,} of them have "
            f"a label below {', '.join(classes.TOPS)}; {len(there):,} of these have files here, "
            f"{len(absent):,} have none, and {len(seconds):,} have both sound and picture.",
            *_notes(plan, class_of, len(used), n_others + len(matched) - len(there)),
        ],
        rejected=[
            *media_files.missing(absent, "instrument segments listed", "clip"),
            *listed.rejected,
            *unusable,
        ],
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
    raise UserError(f"{root} has {what}: expected AudioSet's ontology.json there, and no other.")


def _assignments(
    clip_ids: list[str], class_of: np.ndarray, plan: subsets.Plan, request: Request
) -> list[dict[str, str]]:
    """One `{clip_id: subset}` per split; all splits use the clips of the first one."""
    names = np.array(clip_ids)
    found: list[dict[str, str]] = []
    for split in range(n_splits(request, 2 * plan.n_pairs)):
        drawn = subsets.draw(class_of, plan, np.random.default_rng([request.seed, split]))
        kept = drawn >= 0
        chosen = zip(names[kept].tolist(), drawn[kept].tolist(), strict=True)
        found.append({clip_id: items.SUBSETS[number] for clip_id, number in chosen})
        names, class_of = names[kept], class_of[kept]
    return found


def _rows(
    used: list[dict[str, Any]],
    listed: segments.Segments,
    applying: np.ndarray,
    known: Taxonomy,
) -> list[items.Item]:
    """Two items for each clip."""
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


def _notes(plan: subsets.Plan, class_of: np.ndarray, n_used: int, n_others: int) -> list[str]:
    n_classified = plan.per_class * len(plan.scored)
    notes = [
        f"Of the 158,000 pairs of Wu et al. (2021) this study has {n_used:,} "
        f"({n_used / subsets.FULL_SIZE:.2%}): "
        f"{plan.n_crossmodal:,} for retrieval and {n_classified:,} for classification "
        f"({plan.per_class:,} of each class, {plan.n_test_per_class:,} of them for testing); the "
        "others train translations.",
        "A clip belongs to a class if its own labels name exactly one of their 18 classes; labels "
        "further down the ontology do not count. Their test clips were audited by hand, these "
        "were not.",
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
            f"({', '.join(rare)}): they are used only for retrieval and translation."
        )
    if n_others:
        notes.append(
            f"{n_others:,} media files were not used: their segments are not listed or have no "
            "instrument label."
        )
    return notes
