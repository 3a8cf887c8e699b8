"""SavedModels: batches, checks, a quiet process, an optional package."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.encoders import savedmodel, vggish, yamnet
from core.encoders.base import Card
from core.errors import MissingWeights, UserError
from tests.encoders import tiny_savedmodels

REPO = Path(__file__).resolve().parents[2]
N_SAMPLES = savedmodel.N_SAMPLES


@pytest.fixture(scope="module")
def tf() -> Any:
    return savedmodel.start(2)


def windows(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(-0.5, 0.5, (n, N_SAMPLES)).astype(np.float32)


def saved(tf: Any, path: Path, function: Any, *, callable_: bool = True) -> Path:
    """A SavedModel of one function of a waveform; by signature alone when not `callable_`."""
    module = tf.Module()
    module.weight = tf.Variable(tf.ones([1024]))
    of_waveform = tf.function(
        lambda waveform: function(waveform, module.weight),
        input_signature=[tf.TensorSpec([None], tf.float32, name="waveform")],
    )
    if callable_:
        module.__call__ = of_waveform
    tf.saved_model.save(module, str(path / "yamnet_1"), signatures=of_waveform)
    return path


def network(path: Path) -> savedmodel.SavedModelNetwork:
    return savedmodel.SavedModelNetwork(path / "yamnet_1", yamnet.CARD, 2)


# -- running ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "card"), [("yamnet", yamnet.CARD), ("vggish", vggish.CARD)])
def test_a_batch_is_one_run_without_a_loop(kind: str, card: Card, tmp_path: Path) -> None:
    path = tiny_savedmodels.save(tmp_path / kind, kind)
    run = savedmodel.SavedModelNetwork(path, card, 2)._run.get_concrete_function()
    graph = run.graph.as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    kinds = {node.op for node in nodes}
    assert "RFFT" in kinds
    assert not kinds & {"While", "StatelessWhile"}


def test_a_function_that_cannot_be_batched_runs_one_by_one(tf: Any, tmp_path: Path) -> None:
    def by_length_of_content(waveform: Any, weight: Any) -> Any:
        # The shape depends on the content, so it differs within a batch.
        kept = tf.boolean_mask(waveform, waveform > 0)
        total = tf.math.reduce_sum(tf.unique(kept)[0])
        return {"scores": total * tf.ones([1, 3]), "embedding": total * weight[None]}

    path = saved(tf, tmp_path, by_length_of_content, callable_=False)
    batch = windows(3)
    expected = np.where(batch > 0, batch, 0).sum(axis=1)
    vectors = network(path)(batch)
    np.testing.assert_allclose(vectors, np.repeat(expected[:, None], 1024, 1), rtol=1e-3)


def test_a_model_of_signatures_alone_is_run(tf: Any, tmp_path: Path) -> None:
    path = saved(
        tf,
        tmp_path,
        lambda waveform, weight: {"embedding": (tf.reduce_max(waveform) * weight)[None]},
        callable_=False,
    )
    batch = windows(4)
    vectors = network(path)(batch)
    np.testing.assert_allclose(vectors, np.repeat(batch.max(axis=1)[:, None], 1024, 1), rtol=1e-6)


def test_the_first_of_several_patches_is_used(tf: Any, tmp_path: Path) -> None:
    path = saved(
        tf,
        tmp_path,
        lambda waveform, weight: tf.signal.frame(waveform, 7_800, 7_800)[:, :1] * weight,
    )
    batch = windows(2)
    np.testing.assert_allclose(network(path)(batch)[:, 0], batch[:, 0])


def test_called_from_several_threads(savedmodel_folder: Path) -> None:
    run = network(savedmodel_folder)
    batches = [windows(6)[i:] for i in range(5)]
    expected = [run(batch) for batch in batches]
    with ThreadPoolExecutor(5) as pool:
        for found, wanted in zip(pool.map(run, batches), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-5)


# -- wrong models are one sentence ---------------------------------------------------------------


def test_absent_names_file_address_and_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="yamnet_1 is not on this machine") as caught:
        yamnet.load(tmp_path, 1)
    assert yamnet.CARD.weights[0].address in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "yamnet_1").mkdir()
    with pytest.raises(UserError, match=r"is no SavedModel: it has no file saved_model\.pb"):
        network(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x08\x01\x12\xff\xff"])
def test_a_damaged_graph_is_refused(
    savedmodel_folder: Path, tmp_path: Path, content: bytes
) -> None:
    shutil.copytree(savedmodel_folder / "yamnet_1", tmp_path / "yamnet_1")
    (tmp_path / "yamnet_1" / "saved_model.pb").write_bytes(content)
    with pytest.raises(UserError, match="is a cut-off or damaged SavedModel"):
        network(tmp_path)


@pytest.mark.parametrize("kept", [None, 1_000])
def test_cut_off_weights_are_refused(
    savedmodel_folder: Path, tmp_path: Path, kept: int | None
) -> None:
    shutil.copytree(savedmodel_folder / "yamnet_1", tmp_path / "yamnet_1")
    (data,) = (tmp_path / "yamnet_1" / "variables").glob("variables.data*")
    if kept is None:
        data.unlink()
    else:
        data.write_bytes(data.read_bytes()[:kept])
    with pytest.raises(UserError, match="is a cut-off or damaged SavedModel"):
        network(tmp_path)


def test_another_length_of_vector_is_refused(tmp_path: Path) -> None:
    tiny_savedmodels.save(tmp_path / "yamnet_1", "yamnet", dim=512)
    with pytest.raises(UserError, match="none of its outputs is one row of 1024 numbers a patch"):
        network(tmp_path)


def test_another_input_is_refused(tf: Any, tmp_path: Path) -> None:
    module = tf.Module()
    picture = tf.function(
        lambda value: tf.reduce_sum(value) * tf.ones([1, 1024]),
        input_signature=[tf.TensorSpec([None, 224, 224, 3], tf.float32)],
    )
    module.__call__ = picture
    tf.saved_model.save(module, str(tmp_path / "yamnet_1"), signatures=picture)
    with pytest.raises(UserError, match="it gives nothing for a window of 15,600 samples"):
        network(tmp_path)


def test_a_model_without_functions_is_refused(tf: Any, tmp_path: Path) -> None:
    tf.saved_model.save(tf.Module(), str(tmp_path / "yamnet_1"))
    with pytest.raises(UserError, match="it offers no function of a waveform"):
        network(tmp_path)


def test_vectors_that_are_not_finite_are_refused(tf: Any, tmp_path: Path) -> None:
    path = saved(tf, tmp_path, lambda waveform, weight: (tf.math.log(-1.0) * weight)[None])
    with pytest.raises(UserError, match="gives vectors that are not finite"):
        network(path)


def test_without_tensorflow_the_command_is_named(
    savedmodel_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(UserError, match=r"pip install -r requirements-tensorflow\.txt"):
        yamnet.load(savedmodel_folder, 1)


# -- the process it lives in --------------------------------------------------------------------

PROCESS = """
import sys
from pathlib import Path
import numpy as np
from core import encoders
assert "tensorflow" not in sys.modules
encoder = encoders.load("yamnet", Path(sys.argv[1]), 1)
assert encoder.embed([np.zeros(16_000, np.float32)]).shape == (1, 1024)
import os, tensorflow as tf
print(tf.config.threading.get_intra_op_parallelism_threads(), "keras" in sys.modules)
print(os.environ.get("TF_USE_LEGACY_KERAS"))
"""


def test_a_fresh_process_is_quiet_obeys_threads_and_leaves_keras_alone(
    savedmodel_folder: Path,
) -> None:
    command = [sys.executable, "-c", PROCESS, str(savedmodel_folder)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    done = subprocess.run(
        command, cwd=REPO, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.split() == ["1", "False", "None"]
