"""Keras's networks as their users run them: `predict` of one picture or second per call.

`resnet50` and `vgg16` are those of `keras.applications`; OpenL3's two are put together layer by
layer as the `openl3` package does. Keras's backend here is TensorFlow, its default, with the
default number of threads. `predict` is the call of Keras's own examples and of that package; of its
time 36 (ResNet-50), 74 (VGG-16) and 46 ms (OpenL3) a picture are overhead, which `predict_on_batch`
avoids.
"""

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np

from core import encoders
from core.encoders import keras_h5, openl3, savedmodel
from core.encoders.base import Encoder
from core.errors import UserError

os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def load(name: str, weights_dir: Path) -> tuple[Any, Encoder]:
    """Keras's network of an encoder, and the encoder, for its preprocessing."""
    savedmodel.start(os.cpu_count() or 1)
    encoder = encoders.load(name, weights_dir)
    path = weights_dir / encoder.card.weights[0].name
    return BUILDERS[name](path), encoder


def vector_of(state: tuple[Any, Any], medium: np.ndarray) -> np.ndarray:
    """`(dim,)` float32 of one `(h, w, 3)` uint8 picture, or of one second of sound."""
    model, encoder = state
    return np.asarray(model.predict(encoder.prepare(medium)[None], verbose=0)[0])


def forward(state: tuple[Any, Any], batch: np.ndarray) -> np.ndarray:
    """`(b, dim)` float32 of prepared inputs, without the bookkeeping of `predict`."""
    return np.asarray(state[0].predict_on_batch(batch))


def _application(name: str, path: Path) -> Any:
    import keras

    build = getattr(keras.applications, name)
    model = build(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
    model.load_weights(path, by_name=True)
    return model


def _openl3(name: str, input_shape: tuple[int, int, int], path: Path) -> Any:
    """Eight convolutions; for pictures, the second one's ReLU comes before its norm."""
    import keras

    layers = keras.layers
    last = len(openl3.N_CHANNELS)
    steps: list[Any] = [keras.Input(input_shape)]
    steps.append(layers.BatchNormalization(epsilon=openl3.EPSILON))
    for n, n_channels in enumerate(openl3.N_CHANNELS, 1):
        steps.append(layers.Conv2D(n_channels, 3, padding="same"))
        if n < last:
            after = [layers.BatchNormalization(epsilon=openl3.EPSILON), layers.ReLU()]
            steps += after[::-1] if n == 2 and input_shape[-1] == 3 else after
        if n in openl3.POOLED_AFTER:
            steps.append(layers.MaxPooling2D(2))
    steps += [layers.MaxPooling2D(openl3.FIELDS[name]), layers.Flatten()]
    model = keras.Sequential(steps)
    with_weights = [layer for layer in model.layers if layer.weights]
    stored = keras_h5.read(path, _refuse).values()
    for layer, arrays in zip(with_weights, stored, strict=True):
        names = [weight.name for weight in layer.weights]
        layer.set_weights([arrays[name] for name in names])
    return model


def _refuse(found: str) -> UserError:
    return UserError(f"The weights made for the benchmark {found}.")


BUILDERS = {
    "resnet50": functools.partial(_application, "ResNet50"),
    "vgg16": functools.partial(_application, "VGG16"),
    "openl3_image": functools.partial(_openl3, "openl3_image", (openl3.SIZE_PX, openl3.SIZE_PX, 3)),
    "openl3_audio": functools.partial(_openl3, "openl3_audio", (openl3.N_MELS, openl3.N_FRAMES, 1)),
}
