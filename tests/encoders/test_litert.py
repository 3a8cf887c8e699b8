"""LiteRT networks: their vectors, and wrong files."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core import encoders
from core.encoders import litert, mobilenet_v2_lite, yamnet_lite
from core.errors import UserError
from tests.encoders import tiny_tflite

REPO = Path(__file__).resolve().parents[2]
YAMNET, MOBILENET = yamnet_lite.CARD.weights[0], mobilenet_v2_lite.CARD.weights[0]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tiny_tflite.folder(tmp_path)


@pytest.fixture(scope="session")
def real(shared_dir: Path) -> Path:
    return shared_dir / "weights"


def second(seed: int = 0, gain: float = 0.1) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(16_000)
    return (gain * noise).astype(np.float32)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (120, 300, 3), dtype=np.uint8)


def test_float_vector_is_the_named_tensor(tiny: Path) -> None:
    found = encoders.load("yamnet_lite", tiny).embed([second()])[0]
    heard = yamnet_lite.prepare(second())[: 15 * 1024].reshape(15, 1024)
    np.testing.assert_allclose(found, heard.mean(0), atol=1e-6)


def test_eight_bit_vector_is_dequantised(tiny: Path) -> None:
    found = encoders.load("mobilenet_v2_lite", tiny).embed([picture()])[0]
    seen = mobilenet_v2_lite.prepare(picture()).ravel()[: 117 * 1280].reshape(117, 1280)
    expected = tiny_tflite.SCALE * (seen.mean(0) - tiny_tflite.ZERO_POINT)
    np.testing.assert_allclose(found, expected, atol=tiny_tflite.SCALE)


def test_yamnet_hears_the_middle_at_one_level() -> None:
    heard = yamnet_lite.prepare(second())
    assert heard.shape == (15_600,)
    assert heard.dtype == np.float32
    np.testing.assert_allclose(np.sqrt(np.mean(heard**2)), 10 ** (-26 / 20), rtol=1e-5)
    np.testing.assert_allclose(heard / heard[0], second()[200:15_800] / second()[200], rtol=1e-4)
    np.testing.assert_allclose(yamnet_lite.prepare(second(gain=0.01)), heard, rtol=1e-4)


def test_yamnet_does_not_lift_hiss() -> None:
    hiss = yamnet_lite.prepare(second(gain=1e-5))
    np.testing.assert_allclose(hiss, 100 * second(gain=1e-5)[200:15_800], rtol=1e-4)
    assert not yamnet_lite.prepare(np.zeros(16_000, np.float32)).any()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is no TFLite network: it is empty"),
        (b"hello, I am a text file\n", r"is no TFLite network: it begins with b'hello, I'"),
        (b"\x1c\0\0\0TFL3", "is a cut-off or damaged TFLite network"),
        (b"\x1c\0\0\0TFL3" + bytes(range(256)) * 20, "is a cut-off or damaged TFLite network"),
        (tiny_tflite.yamnet()[:-40], "is a cut-off or damaged TFLite network"),
        (tiny_tflite.mobilenet(), r"takes 1x224x224x3 uint8, expected 15600 float32"),
        (tiny_tflite.yamnet(dtype=np.uint8), r"takes 15600 uint8, expected 15600 float32"),
        (tiny_tflite.yamnet(dim=512), "no tensor global_average_pooling2d/Mean of 1024 numbers"),
    ],
)
def test_wrong_files_are_one_sentence(tmp_path: Path, content: bytes, match: str) -> None:
    path = tmp_path / YAMNET.name
    path.write_bytes(content)
    with pytest.raises(UserError, match=match) as caught:
        encoders.load("yamnet_lite", tmp_path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert f"yamnet_lite expects {YAMNET.name} from {YAMNET.address}" in message
    assert "\n" not in message


def test_a_folder_in_the_files_place_counts_as_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JEE_WEIGHTS", str(tmp_path / "cache"))
    (tmp_path / YAMNET.name).mkdir()
    with pytest.raises(UserError, match="is not on this machine"):
        encoders.load("yamnet_lite", tmp_path)


def test_a_build_with_other_names_is_taken(tmp_path: Path) -> None:
    (tmp_path / YAMNET.name).write_bytes(tiny_tflite.yamnet(tensor="tower0/embedding"))
    (vector,) = encoders.load("yamnet_lite", tmp_path).embed([second()])
    heard = yamnet_lite.prepare(second())[: 15 * 1024].reshape(15, 1024)
    np.testing.assert_allclose(vector, heard.mean(0), atol=1e-6)


def test_without_the_package_its_command_is_named(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UserError, match=r"ai-edge-litert, .* is not installed: run `make env`"):
        encoders.load("yamnet_lite", tiny)


def test_the_terminal_stays_clean(tiny: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from core import encoders; "
        "encoders.load('yamnet_lite', Path(sys.argv[1])); print('done', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tiny)], cwd=REPO, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "done\n")


def details(*named: tuple[str, tuple[int, ...]]) -> list[dict[str, object]]:
    return [{"name": name, "shape": np.array(shape)} for name, shape in named]


def test_find_tensor_prefers_the_name() -> None:
    both = details(("a/Mean", (1, 8)), ("b/Relu", (1, 8)), ("a/Mean/axis", (2,)))
    assert litert.find_tensor(both, "a/Mean", 8) is both[0]
    joined = details(("x;a/Mean;y", (1, 1, 1, 8)), ("b", (1, 8)))
    assert litert.find_tensor(joined, "a/Mean", 8) is joined[0]


def test_find_tensor_takes_no_guess() -> None:
    two = details(("b", (1, 8)), ("c", (1, 8)))
    assert litert.find_tensor(two, "a/Mean", 8) is None
    biases = details(("bias", (8,)), ("filters", (3, 8)), ("a/Mean", (1, 9)), ("", ()))
    assert litert.find_tensor(biases, "a/Mean", 8) is None


# -- with the real networks ------------------------------------------------------------------


def direct(path: Path, value: np.ndarray, ending: str) -> np.ndarray:
    """The tensor read in the plainest way."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], value)
    interpreter.invoke()
    (tensor,) = [t for t in interpreter.get_tensor_details() if t["name"].endswith(ending)]
    scale, zero = tensor["quantization"]
    raw = interpreter.get_tensor(tensor["index"]).ravel().astype(np.float32)
    return scale * (raw - zero) if scale else raw


@pytest.mark.filterwarnings("ignore:Warning. Enabling `experimental_preserve_all_tensors`")
def test_real_vectors_are_those_of_a_plain_interpreter(real: Path) -> None:
    vector = encoders.load("yamnet_lite", real).embed([second()])[0]
    ending = yamnet_lite.SIGNATURE.tensor
    expected = direct(real / YAMNET.name, yamnet_lite.prepare(second()), ending)
    np.testing.assert_allclose(vector, expected, atol=1e-5)
    vector = encoders.load("mobilenet_v2_lite", real).embed([picture()])[0]
    seen = mobilenet_v2_lite.prepare(picture())[None]
    expected = direct(real / MOBILENET.name, seen, mobilenet_v2_lite.SIGNATURE.tensor)
    np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_real_files_are_those_on_the_cards(real: Path) -> None:
    for name in ("yamnet_lite", "mobilenet_v2_lite"):
        encoder = encoders.load(name, real)
        (file,) = encoder.card.weights
        assert encoder.weights_sha256 == file.sha256
        assert (real / file.name).stat().st_size == file.size


def test_one_flipped_bit_is_noticed(real: Path, tmp_path: Path) -> None:
    content = bytearray((real / YAMNET.name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / YAMNET.name).write_bytes(content)
    with pytest.raises(UserError, match="has the right size and the wrong sum"):
        encoders.load("yamnet_lite", tmp_path)


def test_another_real_network_is_refused(real: Path, tmp_path: Path) -> None:
    other = real / "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite"
    (tmp_path / MOBILENET.name).write_bytes(other.read_bytes())
    with pytest.raises(UserError, match="no tensor MobilenetV2/Logits/AvgPool of 1280 numbers"):
        encoders.load("mobilenet_v2_lite", tmp_path)
