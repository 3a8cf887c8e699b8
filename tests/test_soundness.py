"""Damage found by `check`, and its repair: only what is damaged, and what was made of it."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from core import record, soundness
from core.config import Config
from core.errors import Damaged
from core.stages import table as stages
from core.store import Store
from core.study import open_study
from precompute import check
from tests import ready_vectors
from tests.precompute_runs import HereEngine, manifests


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A study of ready vectors up to its translation."""
    path = ready_vectors.write_table(tmp_path)
    store = Store(tmp_path / "w")
    with HereEngine() as engine:
        stages.run(Config(f"table:{path}", splits=1), store, engine, until="train")
    return store


def file_of(store: Store, pattern: str) -> Path:
    return next(Path(store.root).glob(pattern))


def contents(store: Store) -> dict[str, bytes]:
    root = Path(store.root)
    kinds = (".npy", ".parquet", ".safetensors")
    found = (path for path in root.rglob("*") if path.suffix in kinds)
    return {str(path): path.read_bytes() for path in found if "history" not in path.name}


@pytest.mark.parametrize(
    "pattern",
    ["ingest/*/splits.parquet", "extract/*/vectors.npy", "train/*/manifest.json"],
)
def test_repair_makes_the_damaged_part_again_and_leaves_the_rest(
    store: Store, pattern: str
) -> None:
    before, kept = contents(store), manifests(Path(store.root))
    path = file_of(store, pattern)
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    found = soundness.damage(store)
    part = str(path.parent.relative_to(store.root))
    assert [one.part for one in found] == [part]
    assert path.name in found[0].problems[0]
    console = Console(record=True, width=500)
    assert not check.run(store, False, HereEngine(), console)
    assert check.run(store, True, HereEngine(), console)
    assert "sound again" in console.export_text()
    assert contents(store) == before
    now = manifests(Path(store.root))
    made = {name for name in kept if now[name] != kept[name]}
    assert {str(Path(name).parent.relative_to(store.root)) for name in made} == {part}


@pytest.mark.parametrize(
    "damage", [b"", b"null", b"[]", b'{"schema_version": 1}', b"\xff\xfe", None]
)
def test_a_lost_record_is_made_from_the_settings(store: Store, damage: bytes | None) -> None:
    digest = open_study(store).digest
    path = file_of(store, "studies/*/study.json")
    before = json.loads(path.read_bytes())
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(Damaged, match=r"study\.json .* is damaged .*check --workspace"):
        open_study(store)
    kept = manifests(Path(store.root))
    assert check.run(store, True, HereEngine(), Console(quiet=True))
    assert manifests(Path(store.root)) == kept
    assert open_study(store, digest).artefacts == before["artefacts"]


def test_what_a_damaged_part_was_used_for_is_named(store: Store) -> None:
    ingested = open_study(store).artefacts["ingest"]
    made = soundness.made_of(store, ["/".join(ingested)])
    assert {part.split("/")[0] for part in made} == {"train"}
    assert soundness.studies_with(store, made) == record.digests(store)


def test_a_run_makes_a_file_with_a_flipped_bit_again(store: Store, tmp_path: Path) -> None:
    before = contents(store)
    path = file_of(store, "extract/*/vectors.npy")
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with HereEngine() as engine:
        config = Config(f"table:{tmp_path / 'items.parquet'}", splits=1)
        run = stages.run(config, store, engine, until="train")
    assert [outcome.n_made for outcome in run.outcomes.values()] == [0, 1, 0]
    assert contents(store) == before


def test_an_artefact_that_is_gone_is_damage(store: Store) -> None:
    part = "/".join(open_study(store).artefacts["ingest"])
    store.remove(part)
    with pytest.raises(Damaged, match=f"{part} .* is damaged .it is missing"):
        open_study(store).artefact("ingest")
    assert [one.part for one in soundness.damage(store)] == [part]
