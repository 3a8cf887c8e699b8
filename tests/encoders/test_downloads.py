"""Downloads by encoder: our own, through the hub's library, through TensorFlow Hub's."""

import hashlib
import importlib.machinery
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from core import encoders
from core.encoders import downloads, hub, weights, yamnet
from core.encoders.base import Card, WeightsFile
from core.errors import MissingWeights, UserError
from tests.encoders.weights_server import COMMIT, CONTENT, Server, serving

SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAMES = ("config.json", "pytorch_model.bin")
HUB_CARD = replace(
    encoders.card("hog"),
    name="remote",
    repository="someone/net",
    weights=hub.files("someone/net", *NAMES),
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(folder))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as running:
        template = f"{running.root}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield running


def register(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = encoders.REGISTRY["hog"]
    monkeypatch.setitem(encoders.REGISTRY, "remote", entry._replace(card=card))


def test_a_file_is_downloaded_once(
    server: Server, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = WeightsFile("net.tflite", server.address, SHA256, len(CONTENT))
    register(replace(HUB_CARD, repository="", weights=(file,)), monkeypatch)
    downloads.download("remote", tmp_path / "mine")
    assert (tmp_path / "mine" / "net.tflite").read_bytes() == CONTENT
    downloads.download("remote", tmp_path / "mine")  # here already: nothing is requested
    assert len(server.asked) == 1
    downloads.download("remote")
    assert (cache / "net.tflite").read_bytes() == CONTENT
    downloads.download("logmel")  # nothing to fetch
    with pytest.raises(UserError, match="no encoder 'nope'"):
        downloads.download("nope")


def test_the_table_has_every_encoder_and_what_is_here(tmp_path: Path) -> None:
    (tmp_path / "yamnet.tflite").write_bytes(b"")
    rows = {row["name"]: row for row in downloads.table(tmp_path)}
    assert list(rows) == encoders.names()
    columns = ["name", "modality", "file", "size", "licence", "where_from", "present"]
    assert all(list(row) == columns for row in rows.values())
    assert rows["yamnet_lite"]["present"] is True
    assert rows["mobilenet_v2_lite"]["present"] is False
    assert rows["mobilenet_v2_lite"]["size"] == 3_577_952
    assert rows["hog"]["present"] is True
    assert rows["hog"]["file"] is None


# -- the Hugging Face Hub -----------------------------------------------------------------------


def test_a_repository_goes_to_the_hubs_cache(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(HUB_CARD, monkeypatch)
    assert not encoders.present("remote")
    downloads.download("remote")
    snapshot = tmp_path / "hub" / "models--someone--net" / "snapshots" / COMMIT
    assert weights.find_all(HUB_CARD) == tuple(snapshot / name for name in NAMES)
    n_requests = len(server.asked)
    downloads.download("remote")
    assert len(server.asked) == n_requests
    assert encoders.present("remote")


def test_a_repository_goes_to_a_named_folder(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(HUB_CARD, monkeypatch)
    downloads.download("remote", tmp_path / "mine")
    assert weights.folder(HUB_CARD, tmp_path / "mine") == tmp_path / "mine" / "net"
    assert (tmp_path / "mine" / "net" / "config.json").read_bytes() == CONTENT
    assert not (tmp_path / "hub").exists()


def test_a_repository_is_resumed_after_a_cut(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(HUB_CARD, monkeypatch)
    server.cut_after = 100_000
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 50_000)  # what a cut loses at most
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    downloads.download("remote", tmp_path)
    assert (tmp_path / "net" / "config.json").read_bytes() == CONTENT
    assert server.asked[:3] == [None, "bytes=100000-", "bytes=200000-"]


def test_another_sum_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tuple(replace(file, sha256="0" * 64) for file in HUB_CARD.weights)
    register(replace(HUB_CARD, weights=files), monkeypatch)
    with pytest.raises(UserError, match=rf"its SHA-256 is {SHA256}, expected 0000"):
        downloads.download("remote", tmp_path)


@pytest.mark.parametrize(
    ("offline", "status"), [(True, None), (False, 404), (False, 503)], ids=["offline", "404", "503"]
)
def test_a_repository_that_cannot_be_reached_is_one_sentence(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    offline: bool,
    status: int | None,
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    server.status = status
    register(HUB_CARD, monkeypatch)
    message = (
        r"weights of remote could not be downloaded from https://huggingface.co/someone/net \("
    )
    with pytest.raises(MissingWeights, match=message) as caught:
        downloads.download("remote", tmp_path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(". ") == 0


def test_a_full_disk_is_one_sentence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net").write_text("a file where the folder should be")
    register(HUB_CARD, monkeypatch)
    with pytest.raises(UserError, match=r"weights of remote cannot be written \("):
        downloads.download("remote", tmp_path)


# -- TensorFlow Hub -----------------------------------------------------------------------------


@pytest.fixture
def tensorflow_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for the package, with a cache of its own; the handles it resolved."""
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "tfhub"))
    resolved: list[str] = []

    def resolve(handle: str) -> str:
        resolved.append(handle)
        folder = tmp_path / "tfhub" / hashlib.sha1(handle.encode()).hexdigest()
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"graph")
        return str(folder)

    module = types.ModuleType("tensorflow_hub")
    module.__spec__ = importlib.machinery.ModuleSpec("tensorflow_hub", None)
    module.resolve = resolve  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_hub", module)
    return resolved


def test_tensorflow_hub_resolves_its_handles(tensorflow_hub: list[str], tmp_path: Path) -> None:
    downloads.download("yamnet")
    assert tensorflow_hub == ["https://tfhub.dev/google/yamnet/1"]
    found = weights.find(yamnet.CARD)
    assert found.parent == tmp_path / "tfhub"
    assert (found / "saved_model.pb").is_file()
    downloads.download("yamnet")
    assert len(tensorflow_hub) == 1


def test_a_named_folder_comes_before_tensorflow_hub(
    tensorflow_hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[tuple[str, Path]] = []
    monkeypatch.setattr(downloads, "fetch", lambda file, to: fetched.append((file.name, to)))
    downloads.download("yamnet", tmp_path / "mine")
    assert fetched == [("yamnet_1", tmp_path / "mine")]
    assert tensorflow_hub == []


def test_without_tensorflow_hub_the_archive_is_fetched(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[tuple[str, Path]] = []
    monkeypatch.setattr(downloads, "fetch", lambda file, to: fetched.append((file.name, to)))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    downloads.download("vggish")
    assert fetched == [("vggish_1", cache), ("vggish_pca_params.npz", cache)]


def test_a_handle_that_cannot_be_resolved_is_one_sentence(
    tensorflow_hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: str) -> str:
        raise OSError("<urlopen error [Errno -2] Name or service not known>")

    monkeypatch.setattr("tensorflow_hub.resolve", fail)
    with pytest.raises(MissingWeights, match=r"yamnet_1 could not be downloaded from .*Name or"):
        downloads.download("yamnet")
