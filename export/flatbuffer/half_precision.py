"""Stores constants of a converted graph in float16: half the bytes, the arithmetic unchanged.

Each halved constant is followed by a DEQUANTIZE, which makes it float32 once, when the graph is
loaded. A codebook stays one constant, though the search first multiplies with it and then looks up
one of its entries. (The converter's own float16 mode splits the decoder into two partitions.)
"""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

# Operators by name, and which of their inputs holds the weights.
CODEBOOKS = {"GATHER": 0, "FULLY_CONNECTED": 1}
CONVOLUTIONS = {"CONV_2D": 1}

_DEQUANTIZE_VERSION = 3  # the first that takes float16


def halve(content: bytes, weights: Mapping[str, int]) -> bytes:
    """The float32 .tflite `content` with the chosen constants stored in float16.

    Names of inner tensors, which nothing reads, are shortened on the way.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    names = [flatbuffer_utils.opcode_to_name(model, i) for i in range(len(model.operatorCodes))]
    model.operatorCodes.append(_dequantize_code())
    halved: set[int] = set()
    for number, graph in enumerate(model.subgraphs):
        _shorten_names(graph, prefix=str(number))
        widened: dict[int, int] = {}
        for operator in graph.operators:
            name = names[operator.opcodeIndex]
            if name not in weights:
                continue
            index = operator.inputs[weights[name]]
            if index not in widened:
                if not _is_weights(model, graph.tensors[index]):
                    continue
                widened[index] = _widen(graph, index)
                _halve(model.buffers[graph.tensors[index].buffer], halved)
            operator.inputs[weights[name]] = widened[index]
        graph.operators = [
            _dequantize(len(names), index, output) for index, output in widened.items()
        ] + graph.operators
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _shorten_names(graph: schema.SubGraphT, prefix: str) -> None:
    outer = {*graph.inputs, *graph.outputs}
    for index, tensor in enumerate(graph.tensors):
        if index not in outer:
            tensor.name = f"{prefix}/{index}"  # unique, as the quantization tool wants them


def _is_weights(model: schema.ModelT, tensor: schema.TensorT) -> bool:
    """Whether it is a constant of float32: not what an operator made, nor a table of indices."""
    is_constant = model.buffers[tensor.buffer].data is not None
    return is_constant and tensor.type == schema.TensorType.FLOAT32


def _widen(graph: schema.SubGraphT, index: int) -> int:
    """Makes tensor `index` float16 and adds its float32 form; returns the index of that."""
    stored = graph.tensors[index]
    stored.type = schema.TensorType.FLOAT16
    wide = schema.TensorT()
    wide.name = f"{stored.name}/float32"
    wide.shape = list(stored.shape)
    wide.type = schema.TensorType.FLOAT32
    graph.tensors.append(wide)
    return len(graph.tensors) - 1


def _halve(buffer: schema.BufferT, halved: set[int]) -> None:
    """Rounds a buffer of float32, unless it was `halved` for another graph of the file."""
    if id(buffer) not in halved:
        values = np.frombuffer(bytes(buffer.data), np.float32)
        buffer.data = values.astype(np.float16).view(np.uint8)
        halved.add(id(buffer))


def _dequantize_code() -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = _DEQUANTIZE_VERSION
    return code


def _dequantize(opcode: int, source: int, target: int) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex = opcode
    operator.inputs, operator.outputs = [source], [target]
    operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    operator.builtinOptions = schema.DequantizeOptionsT()
    return operator
