"""Every kind of file of a finished workspace × every kind of damage: no other answer, no traceback.

A look gives what it gave before, or one `Damaged` that names the file and the command.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import item_media
from core.errors import Damaged, MissingArtefact
from core.retrieval.query_inputs import WeightedInput
from core.retrieval.retriever import Retriever, as_json
from core.store import Store
from core.study import Study, open_study
from precompute import report
from tests.dashboard.conftest import Open
from tests.dashboard.retrieve_page import notices

DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "lengthened": lambda content: content + b"\n",
    "deleted": lambda content: None,
    "a bit flipped": lambda content: (
        content[: len(content) // 2]
        + bytes([content[len(content) // 2] ^ 4])
        + content[len(content) // 2 + 1 :]
    ),
    "zeros": lambda content: bytes(len(content)),
    "0xFF": lambda content: b"\xff" * len(content),
    "other JSON": lambda content: b'{"schema_version":1}',
    "null": lambda content: b"null",
}


def _search(study: Study) -> object:
    retriever = Retriever(study)
    item = study.items()[study.items()["modality"] == "audio"].index[0]
    query = [WeightedInput(retriever.embed_item(item))]
    answer = as_json("", retriever.search(query, "image", 5))
    placed = retriever.place(query, "translation", "umap").tolist()
    votes = retriever.class_scores(query[0]).to_json()
    return {**answer, "timings_ms": None}, placed, votes


def _media(study: Study) -> object:
    items = [
        study.items()[study.items()["modality"] == kind].index[0] for kind in ("audio", "image")
    ]
    sound = item_media.sound(study, items[0]).samples
    return sound.tolist(), item_media.picture(study, items[1]).tolist()


LOOKS: dict[str, Callable[[Study], object]] = {
    "report": lambda study: str(report.rows(study)),
    "search": _search,
    "media": _media,
    "tables": lambda study: (
        study.history("logmel+hog").to_json(),
        study.queries("logmel+hog").to_json(),
        study.predictions("logmel+hog").to_json(),
        study.native("logmel").array.tolist(),
        study.shared("logmel+hog", "pca", "image").array.tolist(),
    ),
}


def look(root: Path, name: str) -> object:
    return LOOKS[name](open_study(Store(root)))


@pytest.fixture(scope="module")
def copy(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("damaged") / "w"
    shutil.copytree(tiny, root)
    return root


def one_of_each_kind(root: Path) -> list[Path]:
    """One file of each stage and name, and one sound and one picture."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            stage = path.relative_to(root).parts[0]
            found.setdefault((stage, path.suffix if "media" in path.parts else path.name), path)
    return list(found.values())


@pytest.fixture(scope="module")
def sound_answers(copy: Path) -> dict[str, object]:
    return {name: look(copy, name) for name in LOOKS}


@pytest.fixture(params=list(DAMAGE))
def harmed(request: pytest.FixtureRequest, copy: Path) -> Iterator[Callable[[Path], None]]:
    """Damages a file; it is whole again after the test."""
    before: dict[Path, bytes] = {}

    def harm(path: Path) -> None:
        for other, content in before.items():
            other.write_bytes(content)
        before.clear()
        before[path] = path.read_bytes()
        content = DAMAGE[request.param](before[path])
        path.unlink()
        if content is not None:
            path.write_bytes(content)

    yield harm
    for path, content in before.items():
        path.write_bytes(content)


def test_no_other_answer_and_no_traceback(
    copy: Path, sound_answers: dict[str, object], harmed: Callable[[Path], None]
) -> None:
    n_told = 0
    for path in one_of_each_kind(copy):
        harmed(path)
        for name in LOOKS:
            try:
                assert look(copy, name) == sound_answers[name], (path, name)
            except Damaged as error:
                said = str(error)
                assert f"check --workspace {copy} --repair" in said
                part = path.relative_to(copy)
                assert part.name in said or f"{part.parts[0]}/{part.parts[1]}" in said
                n_told += 1
            except MissingArtefact as error:  # with its record a whole study is gone
                if path.name not in ("study.json", "settings.json"):
                    raise AssertionError(f"{path}: {error}") from error
    assert n_told > 20


def test_pages_say_which_file_is_damaged_and_the_others_go_on(copy: Path, open_page: Open) -> None:
    path = next(copy.glob("evaluate/*/measurements.parquet"))
    content = path.read_bytes()
    path.write_bytes(content[:-8] + bytes(8))
    try:
        page = open_page("classify", copy)
        assert not page.exception
        assert any("measurements.parquet in the workspace" in said for said in notices(page))
        assert not any("could not be drawn" in said for said in notices(page))
        other = open_page("map", copy)
        assert not other.exception
        assert notices(other) == []
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("content", [b"", b"null", b'{"schema_version":1}'])
def test_one_damaged_record_leaves_the_other_studies_open(
    tiny: Path, tmp_path: Path, open_page: Open, content: bytes
) -> None:
    root = tmp_path / "w"
    shutil.copytree(tiny, root)
    mine = open_study(Store(root))
    other = root / "studies" / "0123456789abcdef"
    shutil.copytree(root / "studies" / mine.digest, other)
    (other / "study.json").write_bytes(content)
    page = open_page("overview", root)
    assert not page.exception
    said = notices(page)
    assert len([one for one in said if "0123456789abcdef/study.json" in one]) == 1
    assert page.title[0].value
    assert any("provenance" in one.body for one in page.get("html"))
    assert open_study(Store(root), mine.digest[:8]).digest == mine.digest
    for digest in (None, "0123"):  # it may be the newest, or it is the one
        with pytest.raises(Damaged, match="0123456789abcdef"):
            open_study(Store(root), digest)
