"""The workspace, the studies in it, and where their numbers come from."""

import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from core import encoders, recipe_changes, tested_study
from core import study as studies_
from core.encoder_sets import CROSS, READY, encoder_set_name, ready_name, spaced
from core.encoders import joined
from core.encoders.base import Card
from core.errors import UserError
from core.items import MODALITIES
from core.lab import runs
from core.record import readable
from core.references import study_setting
from core.references.reference import Setting
from core.store import CODE_VERSION, Store, digest
from core.study import Study
from core.vectors import Vectors

DEFAULT_WORKSPACE = "workspace/demo"
RECORDS_TTL_S = 3.0  # how soon a page sees that a stage has been computed meanwhile


class Handle(NamedTuple):
    """One state of a study in a workspace: short strings, so that it is a cache key.

    With a `test_set` it is the study seen through this test dataset (`core.tested_study`).
    """

    root: str
    digest: str
    stamp: str
    test_set: str = ""


def workspace() -> str:
    """The workspace to show: `-- --workspace DIR`, else `JEE_WORKSPACE`, else the demo."""
    arguments = sys.argv[1:]
    for place, argument in enumerate(arguments):
        if argument == "--workspace" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--workspace="):
            return argument.split("=", 1)[1]
    return os.environ.get("JEE_WORKSPACE") or DEFAULT_WORKSPACE


@st.cache_resource(show_spinner=False, max_entries=8)
def _store(root: str) -> Store:
    return Store(root)


@st.cache_data(show_spinner=False, ttl=RECORDS_TTL_S, max_entries=8)
def records(root: str) -> list[dict[str, Any]]:
    """The records of all studies in a workspace, newest first, and then of the lab's runs."""
    found, _ = readable(_store(root))
    return found + runs.records(_store(root)) if found else found


@st.cache_data(show_spinner=False, ttl=RECORDS_TTL_S, max_entries=8)
def damaged_studies(root: str) -> list[str]:
    """A sentence on every study whose record is damaged; the others are shown."""
    return [str(error) for error in readable(_store(root))[1].values()]


def open_study(root: str, digest_: str = "") -> Handle:
    """The newest study, or the one whose digest starts like this."""
    for look in range(2):
        if look:
            records.clear()  # it may be a moment old
        for record in records(root):
            if record["digest"].startswith(digest_):
                stamp = digest([record["artefacts"], record["finished"]])
                return Handle(root, record["digest"], stamp)
    studies_.open_study(_store(root), digest_ or None)  # raises, in its own words
    raise UserError("The study has just been computed: reload the page.")


@st.cache_resource(show_spinner=False, max_entries=8)
def study(handle: Handle) -> Study:
    """The study, shared by all visitors: never change what it returns.

    Pages read only facts from it (classes, encoder sets, the dataset's card). Everything that is
    stored in an artefact comes from the functions of this package.
    """
    if handle.test_set:
        return tested_study.open_tested(study(handle._replace(test_set="")), handle.test_set)
    return studies_.open_study(_store(handle.root), handle.digest)


def shared_vectors(
    handle: Handle, encoder_set: str, space: str, modality: str, split: int
) -> Vectors:
    """The vectors of one modality in a space; shared and read-only."""
    return study(handle).shared(encoder_set, space, modality, split)


def test_sets(handle: Handle) -> list[str]:
    """The names of the test datasets of a study."""
    return tested_study.names(study(handle))


def encoder_set_names(handle: Handle) -> list[str]:
    """The names of a study's encoder sets, in its order."""
    return [encoder_set_name(*names) for names in study(handle).encoder_sets]


def encoder_cards(handle: Handle, encoder_set: str) -> list[Card]:
    """The card of every network of an encoder set; a joined encoder has several."""
    named = study(handle).modalities(encoder_set).values()
    return [
        encoders.card(part.name)
        for name in named
        if not name.startswith(READY)
        for part in joined.parts(name)
    ]


@st.cache_data(show_spinner=False, max_entries=64)
def examined(handle: Handle, encoder_set: str) -> dict[str, str]:
    """`{encoder: the faults found in one sentence, "" for none}` of the encoders that were examined
    before they embedded the collection (`core.encoders.doctor`)."""
    opened, found = study(handle), {}
    for card in encoder_cards(handle, encoder_set):
        if opened.own.has(f"extract:{card.name}"):
            artefact = opened.extracted(card.name)
            if artefact.has("examined.json"):
                found[card.name] = str(artefact.json("examined.json")["told"])
    return found


def encodes_text(root: str) -> bool:
    """Whether a study of the workspace embeds text with a network."""
    try:
        names = {name for record in records(root) for name in record["config"].get("text") or ()}
        return any(not encoders.card(name).fitted for name in names - {ready_name("text")})
    except UserError:
        return False  # the page has said why


def study_titles(root: str) -> dict[str, str]:
    """`{digest: title}` of all studies, newest first; equal titles end with part of the digest."""
    titles = {record["digest"]: _title(record) for record in records(root)}
    often = Counter(titles.values())
    return {
        name: f"{title} · {name[:6]}" if often[title] > 1 else title
        for name, title in titles.items()
    }


def _title(record: dict[str, Any]) -> str:
    """A study in one line: its data, its encoders, its date; or a run: its name, its changes."""
    config = record["config"]
    if "run" in record:
        name = record["run"]["name"]
        return f"Run {f'“{name}”, ' if name else ''}{record['run']['changes']}"
    name = str(config["dataset"])
    if ":" in name:
        kind, path = name.split(":", 1)
        name = f"{Path(path).name or path} ({kind})"
    if config.get("size"):
        name += f" {config['size']}"
    by_modality = (config.get(modality) for modality in MODALITIES)
    encoder_names = CROSS.join(", ".join(names) for names in by_modality if names)
    state = "" if record.get("finished") else ", unfinished"
    changes = recipe_changes.in_words(config)
    parts = [name, encoder_names, *([changes] if changes else []), str(record["started"])[:10]]
    return f"{' · '.join(parts)}{state}"


# -- provenance ----------------------------------------------------------------------------------


@st.cache_data(show_spinner=False, max_entries=64)
def provenance(handle: Handle, encoder_set: str = "") -> dict[str, str]:
    """Where the numbers of a page come from: short texts, in the order of the footer."""
    opened = study(handle)
    dataset, frame = opened.dataset, opened.items()
    n_of = frame["modality"].value_counts()
    sizes = ", ".join(f"{n_of[name]:,} {name}" for name in MODALITIES if name in n_of)
    of_encoders = set()
    if encoder_set:
        of_encoders = {f"extract:{name}" for name in opened.modalities(encoder_set).values()}
    own = f":{encoder_set}"
    artefacts = [
        f"{name.replace(own, '') if encoder_set else name} {digest_[:8]}"
        for name, (_, digest_) in sorted(opened.artefacts.items())
        if not encoder_set
        or name.endswith(own)
        or f"{own}:" in name
        or name == "ingest"
        or name in of_encoders
    ]
    trained = opened.trained_with(encoder_set or opened.default_encoder_set)
    splits = "1 split" if opened.n_splits == 1 else f"{opened.n_splits} random splits by clip"
    code = opened.artefact("ingest").manifest.get("code_version", CODE_VERSION)
    changes = recipe_changes.in_words(opened.config)
    tested = {"tested on": f"{handle.test_set}, which nothing was trained on"}
    return {
        "dataset": f"{dataset.get('title') or dataset['name']}, {dataset.get('licence', '')}",
        **(tested if handle.test_set else {}),
        "encoders": spaced(encoder_set)
        if encoder_set
        else CROSS.join(", ".join(names) for names in opened.encoders.values()),
        "n": f"{len(frame):,} items ({sizes}) of {frame['clip_id'].nunique():,} clips",
        "splits": f"{splits}, seed {opened.config.get('seed', 0)}",
        **trained,
        **({"changed": changes} if changes else {}),
        "computed": str(opened.record.get("finished") or f"{opened.record['started']}, unfinished"),
        "code": str(code),
        "study": opened.digest,
        "artefacts": ", ".join(artefacts),
    }


@st.cache_data(show_spinner=False, max_entries=64)
def setting(handle: Handle, encoder_set: str = "", space: str = "") -> Setting:
    """How the study's numbers came about, to be compared with the papers'."""
    return study_setting.of(study(handle), encoder_set, space)


def short_provenance(handle: Handle, encoder_set: str = "") -> str:
    """One line for the corner of a figure."""
    facts = provenance(handle, encoder_set)
    where = f", tested on {handle.test_set}" if handle.test_set else ""
    return (
        f"{study(handle).own.dataset['name']}{where} · {facts['encoders']} · "
        f"{facts['computed'][:10]} · code {facts['code']} · study {facts['study'][:8]}"
    )


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
