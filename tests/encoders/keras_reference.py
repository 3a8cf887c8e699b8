"""What Keras itself gives: ResNet-50 and VGG-16 with random weights, saved by Keras, and vectors.

    python -m tests.encoders.keras_reference FOLDER

writes `resnet50.h5`, `vgg16.h5` (whole models, `Model.save`) and `reference.npz`: `pictures`
(uint8), and for each network `NAME_input` (its `preprocess_input` of them), `NAME_vectors` (of the
network with average pooling) and `NAME_parameters`. A process of its own, because Keras chooses its
backend once in each.
"""

import os
import sys
from pathlib import Path

import numpy as np

os.environ["KERAS_BACKEND"] = "torch"
sys.modules["tensorflow"] = None  # type: ignore[assignment]  # Keras imports it where it is

SIZE_PX = 64  # the networks take any size; small is quick


def main(folder: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (2, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    values = {"pictures": pictures}
    for name, build, module in (
        ("resnet50", keras.applications.ResNet50, keras.applications.resnet),
        ("vgg16", keras.applications.VGG16, keras.applications.vgg16),
    ):
        shape = (SIZE_PX, SIZE_PX, 3)
        model = build(weights=None, include_top=False, pooling="avg", input_shape=shape)
        for layer in model.layers:
            layer.set_weights([disturbed(rng, array) for array in layer.get_weights()])
        model.save(folder / f"{name}.h5")
        values[f"{name}_input"] = module.preprocess_input(pictures.astype(np.float32))
        values[f"{name}_vectors"] = model.predict(values[f"{name}_input"], verbose=0)
        values[f"{name}_parameters"] = np.array(model.count_params())
    np.savez(folder / "reference.npz", **values)


def disturbed(rng: np.random.Generator, array: np.ndarray) -> np.ndarray:
    """Biases and norms that matter: Keras begins with zeros and ones, kernels are random."""
    if array.ndim > 1:
        return array
    return array * rng.uniform(0.7, 1.3, array.shape) + rng.normal(0, 0.1, array.shape)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
