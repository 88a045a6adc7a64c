"""Keeps signals in the layout of TensorFlow Lite's convolutions, [batch, time, 1, channels].

Keras works on [batch, time, channels], so the converter puts a RESHAPE before and after every
convolution. Here the operators between two convolutions, and the states, get the convolutions'
layout instead. Values do not change.
"""

from collections.abc import Iterator

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.flatbuffer import cut_graph

_ELEMENTWISE = ("ADD", "ELU", "MUL", "SUB")
_SUPPORTED = (*_ELEMENTWISE, "CONCATENATION", "RESHAPE", "STRIDED_SLICE", "SUM")


def without_reshapes(content: bytes) -> bytes:
    """The float32 .tflite `content` with its signals, [batch, time, channels] so far, in 4-D.

    A signal that meets an operator which is not known to work in four dimensions stays as it is.
    """
    model = cut_graph.read(content)
    names = cut_graph.operator_names(model)
    for graph in model.subgraphs:
        _Layout(model, graph, names).change()
    return cut_graph.write(model)


class _Layout:
    """One graph of a file, and which of its tensors change."""

    def __init__(self, model: schema.ModelT, graph: schema.SubGraphT, names: list[str]):
        self._model, self._graph, self._names = model, graph, names
        self._constants: dict[tuple[int, ...], int] = {}
        self._changing = {
            index
            for index, tensor in enumerate(graph.tensors)
            if tensor.type == schema.TensorType.FLOAT32
            and np.size(tensor.shape) == 3
            and not self._is_constant(index)
        }
        while fixed := {t for o in graph.operators for t in self._held_back(o)}:
            self._changing -= fixed

    def change(self) -> None:
        for index in self._changing:
            tensor = self._graph.tensors[index]
            batch, time, channels = tensor.shape
            tensor.shape = np.array([batch, time, 1, channels], np.int32)
            tensor.shapeSignature = None
        same: dict[int, int] = {}  # tensor that a dropped RESHAPE made -> what it was made from
        kept = []
        for operator in self._graph.operators:
            operator.inputs = [same.get(int(t), int(t)) for t in operator.inputs]
            name = self._names[operator.opcodeIndex]
            if name == "RESHAPE":
                source, result = operator.inputs[0], int(operator.outputs[0])
                shape = self._shape(result)
                if self._shape(source) == shape and result not in self._graph.outputs:
                    same[result] = source
                    continue
                operator.inputs = [source, self._constant(shape)]
                operator.builtinOptions = None
                operator.builtinOptionsType = schema.BuiltinOptions.NONE
            elif name == "SUM" and operator.outputs[0] in self._changing:
                operator.builtinOptions.keepDims = True
            elif name == "STRIDED_SLICE" and operator.outputs[0] in self._changing:
                self._slice_in_four(operator)
            kept.append(operator)
        self._graph.operators = kept

    def _held_back(self, operator: schema.OperatorT) -> Iterator[int]:
        """Changing tensors of `operator` that cannot change, given what else does not."""
        signals = [int(t) for t in [*operator.inputs, *operator.outputs] if t >= 0]
        changing = [t for t in signals if t in self._changing]
        name = self._names[operator.opcodeIndex]
        if name == "RESHAPE":
            return
        if name == "SUM":  # of the entries of all levels, [batch, time, levels, channels]
            axes = self._values(int(operator.inputs[1]))
            possible = len(self._shape(int(operator.inputs[0]))) == 4 and list(axes) == [2]
        elif name == "STRIDED_SLICE":
            options = operator.builtinOptions
            masks = options.ellipsisMask, options.newAxisMask, options.shrinkAxisMask
            possible = not any(masks) and len(changing) == 2
        else:
            others = [t for t in signals if t not in self._changing]
            possible = name in _SUPPORTED and all(
                name in _ELEMENTWISE and self._is_constant(t) and np.size(self._shape(t)) <= 1
                for t in others
            )
        if not possible:
            yield from changing

    def _slice_in_four(self, operator: schema.OperatorT) -> None:
        """Takes all of the new third dimension, whose bit in the masks says so."""
        for position, value in ((1, 0), (2, 0), (3, 1)):  # begin, end, strides
            time_and_channels = list(self._values(operator.inputs[position]))
            operator.inputs[position] = self._constant([*np.insert(time_and_channels, 2, value)])
        options = operator.builtinOptions
        options.beginMask, options.endMask = (
            (mask & 0b011) | 0b100 | (mask & 0b100) << 1
            for mask in (options.beginMask, options.endMask)
        )

    def _shape(self, index: int) -> list[int]:
        shape = self._graph.tensors[index].shape
        return [] if shape is None else [int(n) for n in shape]

    def _is_constant(self, index: int) -> bool:
        return self._model.buffers[self._graph.tensors[index].buffer].data is not None

    def _values(self, index: int) -> np.ndarray:
        data = self._model.buffers[self._graph.tensors[index].buffer].data
        return np.frombuffer(bytes(data), np.int32)

    def _constant(self, values: list[int]) -> int:
        """A tensor of int32 `values`; one for all operators of the graph that need the same."""
        key = tuple(int(v) for v in values)
        if key not in self._constants:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.array(key, np.int32).tobytes(), np.uint8)
            self._model.buffers.append(buffer)
            tensor = schema.TensorT()
            tensor.name = f"layout/{len(self._graph.tensors)}"
            tensor.type = schema.TensorType.INT32
            tensor.shape = np.array([len(key)], np.int32)
            tensor.buffer = len(self._model.buffers) - 1
            self._graph.tensors.append(tensor)
            self._constants[key] = len(self._graph.tensors) - 1
        return self._constants[key]
