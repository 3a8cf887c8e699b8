"""SavedModels with the signatures of `google/yamnet/1` and `google/vggish/1`, made here.

Each holds the log-mel front end of its published definition (64 mel bands of 125 to 7,500 Hz,
windows of 25 ms every 10 ms, patches of 96 frames), written with TensorFlow, and after it a network
with random weights: a tiny one, or one with the layers of the published definition.

    yamnet  waveform (n,) -> [scores (p, 521), embeddings (p, 1024), log-mel (f, 64)]; p patches
            every 0.48 s, the waveform padded to whole ones
    vggish  waveform (n,) -> embeddings (p, 128); p whole patches every 0.96 s
"""

from pathlib import Path
from typing import Any

import numpy as np

RATE_HZ = 16_000
N_WINDOW, N_HOP, N_FFT = 400, 160, 512
N_FRAMES, N_BANDS = 96, 64
N_PATCH = (N_FRAMES - 1) * N_HOP + N_WINDOW  # samples of one patch: 15,600
LOG_OFFSET = {"yamnet": 0.001, "vggish": 0.01}

# What follows the first convolution of YAMNet: (stride, channels) of each separable one.
SEPARABLE = [
    *((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)),
    *((1, 512),) * 5,
    *((2, 1024), (1, 1024)),
]
# VGGish: the channels of each 3 x 3 convolution, 0 for a max-pooling of 2; then three dense layers.
VGG = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0)
DENSE = (4096, 4096, 128)


def folder(path: Path) -> Path:
    """`path` filled with a tiny SavedModel, and PCA, under each name that an encoder looks for."""
    from core.encoders import vggish, yamnet

    save(path / yamnet.CARD.weights[0].name, "yamnet")
    save(path / vggish.CARD.weights[0].name, "vggish")
    save_pca(path / vggish.CARD.weights[1].name)
    return path


def save_pca(path: Path, seed: int = 0, **changes: np.ndarray) -> dict[str, np.ndarray]:
    """A `vggish_pca_params.npz` of the published shapes; `changes` replace arrays."""
    rng = np.random.default_rng(seed)
    arrays = {
        "pca_eigen_vectors": 0.03 * rng.standard_normal((128, 128)).astype(np.float32),
        "pca_means": rng.uniform(-0.1, 0.1, (128, 1)).astype(np.float32),
    } | changes
    np.savez(path, **arrays)
    return arrays


def save(path: Path, kind: str, **changes: Any) -> Path:
    """A SavedModel of `kind`, "yamnet" or "vggish"; `changes` go to `module`."""
    import tensorflow as tf

    built = module(kind, **changes)
    signature = built.__call__.get_concrete_function(tf.TensorSpec([None], tf.float32))
    tf.saved_model.save(built, str(path), signatures=signature)
    return path


def log_mel(waveform: Any, log_offset: float) -> Any:
    """`(f, 64)` log-mel frames of `(n,)` samples, as the published `features.py` computes them."""
    import tensorflow as tf

    magnitudes = tf.abs(tf.signal.stft(waveform, N_WINDOW, N_HOP, N_FFT))
    to_mel = tf.signal.linear_to_mel_weight_matrix(
        num_mel_bins=N_BANDS,
        num_spectrogram_bins=N_FFT // 2 + 1,
        sample_rate=RATE_HZ,
        lower_edge_hertz=125.0,
        upper_edge_hertz=7500.0,
    )
    return tf.math.log(tf.matmul(magnitudes, to_mel) + log_offset)


def _padded(waveform: Any) -> Any:
    """The waveform with zeros after it, up to a whole number of half patches (YAMNet)."""
    import tensorflow as tf

    hop = N_FRAMES // 2 * N_HOP
    beyond = tf.maximum(0, tf.shape(waveform)[0] - N_PATCH)
    wanted = N_PATCH + -(-beyond // hop) * hop
    return tf.pad(waveform, [[0, wanted - tf.shape(waveform)[0]]])


def module(kind: str, *, whole: bool = False, dim: int | None = None, seed: int = 0) -> Any:
    """The module of `kind`: with its published layers when `whole`, else a tiny one.

    dim : of the vectors of a tiny one, where not the published
    """
    import tensorflow as tf

    rng = np.random.default_rng(seed)

    class Yamnet(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            width = dim or 1024
            self.weights = _mobilenet_weights(rng) if whole else _pooled_weights(rng, width)
            self.classifier = _variable(rng, width, 521)

        @tf.function
        def __call__(
            self,
            waveform: Any,
            as_dict: bool = False,
            returns: tuple[str, ...] = ("predictions", "embeddings", "log_mel_spectrogram"),
            training: bool = False,
        ) -> Any:
            frames = log_mel(_padded(waveform), LOG_OFFSET["yamnet"])
            patches = tf.signal.frame(frames, N_FRAMES, N_FRAMES // 2, axis=0)
            network = _mobilenet if whole else _pooled
            embeddings = network(patches, self.weights)
            outputs = {
                "predictions": tf.sigmoid(embeddings @ self.classifier),
                "embeddings": embeddings,
                "log_mel_spectrogram": frames,
            }
            if as_dict:
                return {name: outputs[name] for name in returns}
            return [outputs[name] for name in returns]

    class Vggish(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = _vgg_weights(rng) if whole else _pooled_weights(rng, dim or 128)
            signature = [tf.TensorSpec([None], tf.float32)]
            # A graph of TensorFlow 1 inside a function of TensorFlow 2, as the published one is.
            self.network = tf.compat.v1.wrap_function(self._define, signature=signature)

        def _define(self, waveform: Any) -> Any:
            frames = log_mel(waveform, LOG_OFFSET["vggish"])
            patches = tf.signal.frame(frames, N_FRAMES, N_FRAMES, axis=0)
            return (_vgg if whole else _pooled)(patches, self.weights)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, waveform: Any) -> Any:
            return self.network(waveform)

    return Yamnet() if kind == "yamnet" else Vggish()


# -- networks: their weights, and their function of `(p, 96, 64)` patches -----------------------


def _variable(rng: np.random.Generator, *shape: int) -> Any:
    """Weights that keep the scale of activations (He et al. 2015)."""
    import tensorflow as tf

    scale = np.sqrt(2 / np.prod(shape[:-1]))
    return tf.Variable(rng.standard_normal(shape).astype(np.float32) * np.float32(scale))


def _pooled_weights(rng: np.random.Generator, dim: int) -> list[Any]:
    """For the first and second half of the time separately, so that a shift changes the vector."""
    return [_variable(rng, 2 * N_BANDS, dim)]


def _pooled(patches: Any, weights: list[Any]) -> Any:
    import tensorflow as tf

    halves = tf.reshape(patches, [-1, 2, N_FRAMES // 2, N_BANDS])
    return tf.reshape(tf.reduce_mean(halves, 2), [-1, 2 * N_BANDS]) @ weights[0]


def _mobilenet_weights(rng: np.random.Generator) -> list[list[Any]]:
    """Per convolution its kernel and its batch norm's shift, mean and variance; no scale."""
    import tensorflow as tf

    def normed(kernel: Any, n_channels: int) -> list[Any]:
        moments = [tf.zeros([n_channels]), tf.zeros([n_channels]), tf.ones([n_channels])]
        return [kernel, *(tf.Variable(each) for each in moments)]

    n_channels = 32
    layers = [normed(_variable(rng, 3, 3, 1, n_channels), n_channels)]
    for _, n_next in SEPARABLE:
        depthwise = _variable(rng, 3, 3, 1, n_channels)  # each channel sees itself alone
        layers.append(normed(tf.Variable(tf.reshape(depthwise, [3, 3, -1, 1])), n_channels))
        layers.append(normed(_variable(rng, 1, 1, n_channels, n_next), n_next))
        n_channels = n_next
    return layers


def _mobilenet(patches: Any, weights: list[list[Any]]) -> Any:
    import tensorflow as tf

    def normed(value: Any, shift: Any, mean: Any, variance: Any) -> Any:
        normalised = tf.compat.v1.nn.fused_batch_norm(
            value, tf.ones_like(shift), shift, mean, variance, epsilon=1e-4, is_training=False
        )
        return tf.nn.relu(normalised[0])

    (kernel, *norm), *separable = weights
    value = normed(tf.nn.conv2d(patches[..., tf.newaxis], kernel, 2, "SAME"), *norm)
    for index, (stride, _) in enumerate(SEPARABLE):
        kernel, *norm = separable[2 * index]
        strides = [1, stride, stride, 1]
        value = normed(tf.nn.depthwise_conv2d(value, kernel, strides, "SAME"), *norm)
        kernel, *norm = separable[2 * index + 1]
        value = normed(tf.nn.conv2d(value, kernel, 1, "SAME"), *norm)
    return tf.reduce_mean(value, [1, 2])


def _vgg_weights(rng: np.random.Generator) -> list[list[Any]]:
    """Per layer its kernel and its bias."""
    import tensorflow as tf

    layers, n_channels = [], 1
    for n_next in filter(None, VGG):
        kernel = _variable(rng, 3, 3, n_channels, n_next)
        layers.append([kernel, tf.Variable(tf.zeros([n_next]))])
        n_channels = n_next
    n_channels *= (N_FRAMES // 16) * (N_BANDS // 16)
    for n_next in DENSE:
        layers.append([_variable(rng, n_channels, n_next), tf.Variable(tf.zeros([n_next]))])
        n_channels = n_next
    return layers


def _vgg(patches: Any, weights: list[list[Any]]) -> Any:
    import tensorflow as tf

    layers = iter(weights)
    value = patches[..., tf.newaxis]
    for n_channels in VGG:
        if n_channels:
            kernel, bias = next(layers)
            value = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(value, kernel, 1, "SAME"), bias))
        else:
            value = tf.nn.max_pool2d(value, 2, 2, "SAME")
    value = tf.reshape(value, [-1, weights[len(weights) - len(DENSE)][0].shape[0]])
    *hidden, last = layers
    for kernel, bias in hidden:
        value = tf.nn.relu(value @ kernel + bias)
    return value @ last[0] + last[1]  # before any activation, as published
