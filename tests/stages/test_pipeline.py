"""The demo through all stages by the command line: nothing is repeated, nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from core.stages.table import STAGES
from core.store import Store
from core.studies import headlines, measure
from core.study import open_study
from tests.precompute_runs import REPO, SMALL_DEMO, manifests, precompute, wait_until_at_work


def numbers(root: Path) -> pd.DataFrame:
    return open_study(Store(root)).measurements()


def test_every_stage_leaves_an_artefact_with_its_provenance(demo_workspace: Path) -> None:
    study = open_study(Store(demo_workspace))
    names = {name.split(":")[0] for name in study.artefacts}
    assert names == set(STAGES)
    for name in study.artefacts:
        manifest = study.artefact(name).manifest
        for field in ("schema_version", "code_version", "key", "files", "created", "wall_s"):
            assert field in manifest, (name, field)
    assert study.record["finished"]
    assert study.config["size"] == 360


def test_a_second_run_does_nothing(demo_workspace: Path) -> None:
    before = manifests(demo_workspace)
    started = time.monotonic()
    ran = precompute("all", *SMALL_DEMO, "--workspace", demo_workspace)
    assert ran.returncode == 0, ran.stderr
    assert time.monotonic() - started < 300  # a hang is a failure; speed is measured elsewhere
    assert manifests(demo_workspace) == before
    assert ran.stderr.count("already there") == len(STAGES)


def test_the_report_has_all_columns_and_metrics(demo_workspace: Path) -> None:
    ran = precompute("report", "--workspace", demo_workspace, "--json")
    rows = json.loads(ran.stdout)
    assert {row["study"] for row in rows} == {
        "ranking",
        "classification",
        "mix_in",
        "centroids",
        "distribution",
        "zero_shot",
        "geometry",
        "similarity",
    }
    assert {key for row in rows for key in row} == set(measure.COLUMNS)
    metrics = {row["metric"] for row in rows}
    wanted = "ndcg@30 recall@1 recall@5 recall@10 precision@10 median_rank map macro_f1 f1"
    assert metrics >= {*wanted.split(), "centroid_distance", "confusion", "label_count"}
    for row in rows:
        assert row["value"] is not None
        if row["study"] == "ranking":
            assert row["direction"] in headlines.DIRECTIONS
            assert row["gallery_size"] > 0
    zero_shot = [row for row in rows if row["study"] == "mix_in" and row["n_target"] == 0]
    assert {row["system"] for row in zero_shot} == {"MMP", "MMT", "SMT"}
    for system in ("MMP", "MMT", "SMT"):
        for target in ("audio", "image"):
            mine = [r for r in zero_shot if (r["system"], r["target"]) == (system, target)]
            assert len({row["seed"] for row in mine}) >= 5


@pytest.mark.slow
def test_a_run_killed_in_every_stage_gives_the_same_numbers(
    demo_workspace: Path, tmp_path: Path
) -> None:
    root = tmp_path / "killed"
    command = [sys.executable, "-m", "precompute", "all", *SMALL_DEMO, "--workspace", str(root)]
    kept: dict[str, int] = {}
    seen = []
    for stage in STAGES:
        process = subprocess.Popen(
            command, cwd=REPO, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if wait_until_at_work(root, stage, process):
            seen.append(stage)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if stage == "ingest":
            kept = {
                row["path"]: (shard.parents[1] / "media" / row["path"]).stat().st_mtime_ns
                for shard in root.glob("ingest/*.partial/shards/*.json")
                for clip in json.loads(shard.read_text())["found"]
                for row in clip
                if row["path"]
            }
    subprocess.run(command, cwd=REPO, check=True, stderr=subprocess.DEVNULL)
    assert kept
    assert len(seen) >= 5, f"only {seen} were killed at work"  # a fast stage may end too soon
    (media,) = root.glob("ingest/*/media")
    for name, modified in kept.items():  # what was rendered is not rendered again
        assert (media / name).stat().st_mtime_ns == modified
    assert not list(root.glob("*/*.partial"))
    pd.testing.assert_frame_equal(numbers(root), numbers(demo_workspace))
