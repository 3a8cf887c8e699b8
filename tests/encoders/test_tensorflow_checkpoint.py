"""Checkpoints of TensorFlow: its own files, ours in the same layout, and damaged ones."""

from pathlib import Path

import numpy as np
import pytest

from core.encoders import musicnn, tensorflow_checkpoint
from core.errors import UserError
from tests.encoders import tiny_checkpoint

CARD = musicnn.CARD
INDEX, DATA = ".index", ".data-00000-of-00001"
RNG = np.random.default_rng(0)
VARIABLES = {
    **{f"layer_{n}/kernel": RNG.standard_normal((2, 3), np.float32) for n in range(50)},
    "layer/bias": RNG.standard_normal(200, np.float32),
    "scale": np.array(2.5, np.float32),
    "step": np.array(300, np.int64),
}
SHAPES = {name: array.shape for name, array in VARIABLES.items() if name != "step"}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    tiny_checkpoint.save(tmp_path, VARIABLES)
    return tmp_path


def read(folder: Path, shapes: dict[str, tuple[int, ...]] = SHAPES) -> dict[str, np.ndarray]:
    return tensorflow_checkpoint.read(folder / INDEX, folder / DATA, CARD, shapes)


def refused(folder: Path, file: str, match: str, **shapes: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=match) as caught:
        read(folder, shapes or SHAPES)
    message = str(caught.value)
    assert message.startswith(f"{folder / file} ")
    assert f"musicnn expects MTT_musicnn/{file} from {CARD.weights[0].address}" in message
    assert "\n" not in message


def assert_variables(found: dict[str, np.ndarray]) -> None:
    assert list(found) == list(SHAPES)
    for name, array in found.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, VARIABLES[name])


def test_variables_of_several_blocks(checkpoint: Path) -> None:
    assert_variables(read(checkpoint))


def test_a_file_that_tensorflow_wrote(tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="requirements-tensorflow.txt")
    tensorflow.raw_ops.SaveV2(
        prefix=str(tmp_path / "saved"),
        tensor_names=list(VARIABLES),
        shape_and_slices=[""] * len(VARIABLES),
        tensors=list(VARIABLES.values()),
    )
    for file in (INDEX, DATA):
        (tmp_path / f"saved{file}").rename(tmp_path / file)
    assert_variables(read(tmp_path))


def test_other_networks_are_one_sentence(checkpoint: Path) -> None:
    refused(checkpoint, INDEX, "another network: other/bias is absent", **{"other/bias": (2,)})
    refused(checkpoint, INDEX, "another network: scale is one number, expected 2x3", scale=(2, 3))
    refused(checkpoint, INDEX, "another network: step is absent, expected one number", step=())
    refused(checkpoint, INDEX, "layer/bias is 200, expected 100", **{"layer/bias": (100,)})


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    tiny_checkpoint.save(tmp_path, VARIABLES | {"scale": np.array(np.nan, np.float32)})
    refused(tmp_path, INDEX, "scale holds numbers that are not finite")


@pytest.mark.parametrize("content", [b"", b"I am a text file", bytes(5000)])
def test_other_files_are_one_sentence(checkpoint: Path, content: bytes) -> None:
    (checkpoint / INDEX).write_bytes(content)
    refused(checkpoint, INDEX, "is no index of a TensorFlow checkpoint, or a cut-off one")


@pytest.mark.parametrize("file", [INDEX, DATA])
def test_an_unreadable_file_is_one_sentence(checkpoint: Path, file: str) -> None:
    (checkpoint / file).unlink()
    (checkpoint / file).mkdir()
    refused(checkpoint, file, r"cannot be read \(Is a directory\)")


def test_cut_off_values_are_one_sentence(checkpoint: Path) -> None:
    path = checkpoint / DATA
    path.write_bytes(path.read_bytes()[:-40])
    refused(checkpoint, DATA, r"is cut off: layer_8/kernel ends at byte [\d,]+ of [\d,]+")


def test_a_compressed_or_cut_off_index_is_one_sentence(checkpoint: Path) -> None:
    path = checkpoint / INDEX
    whole = path.read_bytes()
    for n_lost in (50, 500, len(whole) - 60):  # bytes before the footer
        path.write_bytes(whole[: -48 - n_lost] + whole[-48:])
        refused(checkpoint, INDEX, "is a damaged index|is absent")
    path.write_bytes(whole[:-53] + b"\1" + whole[-52:])  # the last block's compression
    refused(checkpoint, INDEX, "is a damaged index of a TensorFlow checkpoint")


def test_any_changed_byte_is_one_sentence_or_harmless(checkpoint: Path) -> None:
    path = checkpoint / INDEX
    whole = path.read_bytes()
    messages = []
    for position in range(len(whole)):
        for value in (0x00, 0xFF, whole[position] ^ 0x01):
            path.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
            try:
                read(checkpoint)
            except UserError as error:
                messages.append(str(error))
    assert len(messages) > len(whole)
    assert not any("\n" in message for message in messages)
