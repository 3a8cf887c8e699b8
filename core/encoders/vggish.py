"""`vggish`: VGGish with AudioSet's post-processing, as TensorFlow Hub publishes the network.

The SavedModel holds the way from samples to 128 numbers a patch: 16 kHz in [-1, 1], 64 mel bands of
125 to 7,500 Hz, windows of 25 ms every 10 ms, log(mel + 0.01), patches of 96 frames that do not
overlap (`research/audioset/vggish` of the TensorFlow Model Garden). Of a second the middle 15,600
samples are heard, which is exactly one patch; see `core.encoders.yamnet`.

The post-processing is that of AudioSet's released embeddings (`vggish_postprocess.py`), used by Wu
et al. 2021: a whitening PCA, clipped to [-2, 2], as whole numbers of 8 bits. The vector holds those
numbers, 0 to 255, as float32. They are cut, not rounded: what the network gives for one window
alone and in a batch differs in its seventh digit, which now and then is one step of the 255.

The published layers have 72.1 million numbers; table 1 of Wu et al. says 62M.
"""

import zipfile
from pathlib import Path

import numpy as np

from core.encoders import savedmodel, weights
from core.encoders.base import Card, Encoder, WeightsFile, fit_length
from core.errors import UserError

RATE_HZ = 16_000
N_SAMPLES = 15_600
DIM = 128
CLIP = 2.0  # the whitened values are kept within [-CLIP, CLIP]
N_STEPS = 255  # of the 8-bit scale
HANDLE = "https://tfhub.dev/google/vggish/1"

CARD = Card(
    name="vggish",
    modality="audio",
    dim=DIM,
    title="VGGish",
    licence="Apache-2.0",
    citation=(
        "Hershey et al., CNN architectures for large-scale audio classification, ICASSP 2017; "
        "Gemmeke et al., Audio Set: An ontology and human-labeled dataset for audio events, "
        "ICASSP 2017"
    ),
    parameters=72_141_184,
    rate_hz=RATE_HZ,
    window_s=N_SAMPLES / RATE_HZ,
    weights=(
        WeightsFile(
            name="vggish_1",
            address=f"{HANDLE}?tf-hub-format=compressed",
            aliases=("google/vggish/1",),
            caches=savedmodel.hub_caches(HANDLE, "google/vggish/tensorFlow2/vggish/1"),
            unpack="tar.gz",
        ),
        WeightsFile(
            name="vggish_pca_params.npz",
            address="https://storage.googleapis.com/audioset/vggish_pca_params.npz",
        ),
    ),
)


def prepare(samples: np.ndarray) -> np.ndarray:
    """`(15600,)` float32: the middle of a second at 16 kHz, at its own level."""
    return fit_length(samples, N_SAMPLES)


def postprocess(embeddings: np.ndarray, eigen_vectors: np.ndarray, means: np.ndarray) -> np.ndarray:
    """`(n, 128)` float32 of whole numbers 0 to 255: AudioSet's post-processing.

    embeddings : `(n, 128)`, of the network
    eigen_vectors : `(128, 128)`, one row a component, scaled so that it whitens
    means : `(128,)`

    Source: `vggish_postprocess.py`, `Postprocessor.postprocess`.
    """
    whitened = (embeddings.astype(np.float64) - means) @ eigen_vectors.T
    steps = (np.clip(whitened, -CLIP, CLIP) + CLIP) * (N_STEPS / (2 * CLIP))
    return np.floor(steps).astype(np.float32)


def read_pca(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The `(128, 128)` eigen vectors and `(128,)` means, float64, of a `vggish_pca_params.npz`.

    Raises UserError when the file is damaged or holds other arrays.
    """
    refusal = (
        f"expected vggish_pca_params.npz from {CARD.weights[1].address}: put that file in its place"
    )
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {
                name: np.asarray(arrays[name], np.float64)
                for name in ("pca_eigen_vectors", "pca_means")
            }
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged or holds no PCA; {refusal}.") from error
    eigen_vectors, means = found.values()
    if eigen_vectors.shape != (DIM, DIM) or means.size != DIM:
        raise UserError(
            f"{path} holds eigen vectors of shape {eigen_vectors.shape} and {means.size} means, "
            f"not ({DIM}, {DIM}) and {DIM}; {refusal}."
        )
    if not (np.isfinite(eigen_vectors).all() and np.isfinite(means).all()):
        raise UserError(f"{path} holds numbers that are not finite; {refusal}.")
    return eigen_vectors, means.ravel()


def load(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `vggish` encoder; raises as `core.encoders.savedmodel.load` and `read_pca`."""
    pca = read_pca(weights.find_all(CARD, weights_dir)[1])
    return savedmodel.load(
        CARD,
        N_SAMPLES,
        prepare,
        weights_dir,
        n_threads,
        finish=lambda embeddings: postprocess(embeddings, *pca),
    )
