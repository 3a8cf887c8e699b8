"""Tiny `.tflite` networks, written with LiteRT's schema.

input -> flat -> as many whole vectors as fit -> their mean, named as asked -> output
"""

from pathlib import Path

import numpy as np

from core.encoders import mobilenet_v2_lite, yamnet_lite

YAMNET_TENSOR = "yamnet_frames/global_average_pooling2d/Mean;twice_named"
MOBILENET_TENSOR = "MobilenetV2/Logits/AvgPool"
SCALE, ZERO_POINT = 0.25, 3


def yamnet(**changes: object) -> bytes:
    """A float network with YAMNet's input and vector; `changes` go to `network`."""
    arguments = {
        "input_shape": yamnet_lite.SIGNATURE.input_shape,
        "dtype": np.float32,
        "dim": yamnet_lite.CARD.dim,
        "tensor": YAMNET_TENSOR,
    }
    return network(**(arguments | changes))


def mobilenet(**changes: object) -> bytes:
    """An 8-bit network with MobileNet V2's input and vector."""
    arguments = {
        "input_shape": mobilenet_v2_lite.SIGNATURE.input_shape,
        "dtype": np.uint8,
        "dim": mobilenet_v2_lite.CARD.dim,
        "tensor": MOBILENET_TENSOR,
    }
    return network(**(arguments | changes))


def folder(path: Path) -> Path:
    """`path` filled with a tiny network under each name that an encoder looks for."""
    path.mkdir(parents=True, exist_ok=True)
    (path / yamnet_lite.CARD.weights[0].name).write_bytes(yamnet())
    (path / mobilenet_v2_lite.CARD.weights[0].name).write_bytes(mobilenet())
    return path


def network(input_shape: tuple[int, ...], dtype: type, dim: int, tensor: str) -> bytes:
    """The bytes of a network; 8-bit ones are quantised by SCALE and ZERO_POINT."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    n_values = int(np.prod(input_shape))
    n_vectors = n_values // dim
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.description = 3, "tiny"
    model.buffers, model.operatorCodes, model.subgraphs = [schema.BufferT()], [], [graph]
    graph.tensors, graph.operators = [], []

    def add_tensor(name: str, shape: tuple[int, ...], constant: list[int] | None = None) -> int:
        each = schema.TensorT()
        each.name, each.shape, each.buffer = name, list(shape), 0
        if constant is not None:
            each.type = schema.TensorType.INT32
            buffer = schema.BufferT()
            buffer.data = list(np.array(constant, np.int32).tobytes())
            model.buffers.append(buffer)
            each.buffer = len(model.buffers) - 1
        elif dtype is np.uint8:
            each.type = schema.TensorType.UINT8
            each.quantization = schema.QuantizationParametersT()
            each.quantization.scale, each.quantization.zeroPoint = [SCALE], [ZERO_POINT]
        else:
            each.type = schema.TensorType.FLOAT32
        graph.tensors.append(each)
        return len(graph.tensors) - 1

    def add_operator(
        kind: str, inputs: list[int], output: int, options: object = None, option_kind: int = 0
    ) -> int:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
        code.version = 2 if kind in ("MEAN", "SLICE") else 1
        model.operatorCodes.append(code)
        each = schema.OperatorT()
        each.opcodeIndex = len(model.operatorCodes) - 1
        each.inputs, each.outputs = inputs, [output]
        each.builtinOptions, each.builtinOptionsType = options, option_kind
        graph.operators.append(each)
        return output

    def reshape(source: int, shape: tuple[int, ...], name: str) -> int:
        target = add_tensor(f"{name}_shape", (len(shape),), list(shape))
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        return add_operator(
            "RESHAPE",
            [source, target],
            add_tensor(name, shape),
            options,
            schema.BuiltinOptions.ReshapeOptions,
        )

    entrance = add_tensor("input", input_shape)
    flat = reshape(entrance, (n_values,), "flat")
    begin, size = add_tensor("begin", (1,), [0]), add_tensor("size", (1,), [n_vectors * dim])
    whole = add_operator("SLICE", [flat, begin, size], add_tensor("whole", (n_vectors * dim,)))
    rows = reshape(whole, (n_vectors, dim), "rows")
    reducer = schema.ReducerOptionsT()
    reducer.keepDims = True
    mean = add_operator(
        "MEAN",
        [rows, add_tensor("axis", (1,), [0])],
        add_tensor(tensor, (1, dim)),
        reducer,
        schema.BuiltinOptions.ReducerOptions,
    )
    graph.inputs, graph.outputs = [entrance], [reshape(mean, (dim, 1), "output")]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
