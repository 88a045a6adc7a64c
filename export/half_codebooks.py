"""Stores the quantizer of a converted graph in float16: half its bytes, the arithmetic unchanged.

The search multiplies with a codebook and then looks one of its entries up: both share one stored
copy, which a DEQUANTIZE makes float32 once, when the graph is loaded.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

# The operators that take a codebook, and as which of their inputs.
CODEBOOK_INPUT = {
    schema.BuiltinOperator.GATHER: 0,
    schema.BuiltinOperator.FULLY_CONNECTED: 1,
}
DEQUANTIZE_VERSION = 3  # the first that takes float16


def halve_codebooks(content: bytes) -> bytes:
    """The .tflite `content` of a float32 encoder or decoder with its codebooks in float16.

    Names of inner tensors, which nothing reads, are shortened on the way.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    operators = [code.builtinCode for code in model.operatorCodes]
    dequantize = schema.OperatorCodeT()
    dequantize.builtinCode = schema.BuiltinOperator.DEQUANTIZE
    dequantize.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    dequantize.version = DEQUANTIZE_VERSION
    model.operatorCodes.append(dequantize)
    halved: set[int] = set()
    for number, graph in enumerate(model.subgraphs):
        outer = {*graph.inputs, *graph.outputs}
        for index, tensor in enumerate(graph.tensors):
            if index not in outer:
                tensor.name = f"{number}/{index}"  # unique, as the quantization tool wants them
        widened: dict[int, int] = {}
        for operator in graph.operators:
            position = CODEBOOK_INPUT.get(operators[operator.opcodeIndex])
            if position is None:
                continue
            index = operator.inputs[position]
            if index not in widened:
                widened[index] = _widen(graph, index)
                _halve(model.buffers[graph.tensors[index].buffer], halved)
            operator.inputs[position] = widened[index]
        graph.operators = [
            _operator(len(operators), index, output) for index, output in widened.items()
        ] + graph.operators
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _widen(graph: schema.SubGraphT, index: int) -> int:
    """Makes tensor `index` float16 and adds its float32 form; returns the index of that."""
    stored = graph.tensors[index]
    assert stored.type == schema.TensorType.FLOAT32 and stored.buffer
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


def _operator(opcode: int, source: int, target: int) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex = opcode
    operator.inputs, operator.outputs = [source], [target]
    operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    operator.builtinOptions = schema.DequantizeOptionsT()
    return operator
