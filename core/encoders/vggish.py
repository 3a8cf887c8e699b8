"""`vggish`: VGGish from TensorFlow Hub, with AudioSet's post-processing.

The SavedModel starts from samples: 16 kHz in [-1, 1], 64 mel bands of 125 to 7,500 Hz, windows of
25 ms every 10 ms, log(mel + 0.01), patches of 96 frames that do not overlap, 128 numbers a patch
(`research/audioset/vggish` of the TensorFlow Model Garden). It hears one patch of each second
(`core.encoders.savedmodel`).

The post-processing is that of AudioSet's released embeddings (`vggish_postprocess.py`), used by Wu
et al. 2021: a whitening PCA, clipped to [-2, 2], as whole numbers of 8 bits. The vector holds those
numbers, 0 to 255, as float32. They are truncated, not rounded: alone and in a batch the network's
output differs in the seventh digit, which sometimes is one step of the 255.

The published layers have 72.1 million numbers; table 1 of Wu et al. says 62M.
"""

import zipfile
from pathlib import Path

import numpy as np

from core.encoders import savedmodel, weights
from core.encoders.base import Card, Encoder, WeightsFile, checked, refusal

DIM = 128
CLIP = 2.0  # the whitened values are kept within [-CLIP, CLIP]
N_STEPS = 255  # of the 8-bit scale

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
    rate_hz=savedmodel.RATE_HZ,
    window_s=savedmodel.N_SAMPLES / savedmodel.RATE_HZ,
    weights=(
        savedmodel.hub_file("vggish"),
        WeightsFile(
            name="vggish_pca_params.npz",
            address="https://storage.googleapis.com/audioset/vggish_pca_params.npz",
        ),
    ),
)


def postprocess(embeddings: np.ndarray, eigen_vectors: np.ndarray, means: np.ndarray) -> np.ndarray:
    """`(n, 128)` float32 of whole numbers 0 to 255: AudioSet's post-processing.

    embeddings : `(n, 128)`, of the network
    eigen_vectors : `(128, 128)`, one row per component, scaled for whitening
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
    refuse = refusal(path, CARD)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {
                "pca_eigen_vectors": np.asarray(file["pca_eigen_vectors"], np.float64),
                "pca_means": np.asarray(file["pca_means"], np.float64).ravel(),
            }
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise refuse("is damaged or holds no PCA") from error
    shapes = {"pca_eigen_vectors": (DIM, DIM), "pca_means": (DIM,)}
    eigen_vectors, means = checked(arrays, shapes, refuse).values()
    return eigen_vectors, means


def load(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `vggish` encoder; raises as `core.encoders.savedmodel.load` and `read_pca`."""
    pca = read_pca(weights.find_all(CARD, weights_dir)[1])
    return savedmodel.load(
        CARD, weights_dir, n_threads, lambda embeddings: postprocess(embeddings, *pca)
    )
