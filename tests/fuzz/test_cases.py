"""A small share of `make fuzz`: malformed files end in a result or in one sentence."""

from pathlib import Path

import pytest

from tests.fuzz import cases

N_CASES = {"study_file": 150, "ontology": 400, "table": 40, "captions": 20, "media": 80}


@pytest.mark.parametrize("kind", list(cases.KINDS))
def test_malformed_files_end_in_a_result_or_one_sentence(tmp_path: Path, kind: str) -> None:
    problems = {}
    for seed in range(N_CASES[kind]):
        folder = tmp_path / str(seed)
        folder.mkdir()
        problem = cases.run(kind, seed, folder)
        if problem:
            problems[seed] = problem
    assert not problems, (
        f"{len(problems)} cases of {kind}, the first: {next(iter(problems.items()))}"
    )
