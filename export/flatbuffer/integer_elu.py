"""Makes ELU an int8 operator in graphs of TensorFlow's converter, which leaves it in float32.

    int8 > DEQUANTIZE > ELU > QUANTIZE > int8           becomes   int8 > ELU > int8
    int8 > DEQUANTIZE > ELU > RESHAPE > QUANTIZE > int8           int8 > ELU > RESHAPE > int8

LiteRT's int8 ELU is a table of 256 entries. Without it every other operator of an int8 net would be
a conversion, and an accelerator for integers could take no more than single convolutions.
"""

from collections import defaultdict

from ai_edge_litert import schema_py_generated as schema

from export.flatbuffer import cut_graph

Operators = list[schema.OperatorT]


def fuse(content: bytes) -> bytes:
    """The int8 .tflite `content` with its ELUs in int8; inputs and outputs keep their types."""
    model = cut_graph.read(content)
    names = cut_graph.operator_names(model)
    for graph in model.subgraphs:
        _Rewriter(graph, names).run()
    return cut_graph.write(model)


class _Rewriter:
    """One graph and who makes and takes each of its tensors."""

    def __init__(self, graph: schema.SubGraphT, names: list[str]):
        self._graph, self._names = graph, names
        self._producer = {int(t): o for o in graph.operators for t in o.outputs}
        self._consumers: dict[int, Operators] = defaultdict(list)
        for operator in graph.operators:
            for tensor in operator.inputs:
                self._consumers[int(tensor)].append(operator)

    def run(self) -> None:
        for elu in [o for o in self._graph.operators if self._is(o, "ELU")]:
            dequantize = self._producer[int(elu.inputs[0])]
            (after,) = self._after(elu)
            (quantize,) = [after] if self._is(after, "QUANTIZE") else self._after(after)
            assert self._is(dequantize, "DEQUANTIZE") and self._is(quantize, "QUANTIZE")
            rounded = int(quantize.outputs[0])
            elu.inputs = [dequantize.inputs[0]]
            if after is quantize:
                elu.outputs = [rounded]
            else:
                assert self._is(after, "RESHAPE")
                elu.outputs = [self._like(rounded, int(elu.outputs[0]))]
                after.inputs = [elu.outputs[0], *after.inputs[1:]]
                after.outputs = [rounded]
            self._graph.operators.remove(quantize)
        self._sort()

    def _after(self, operator: schema.OperatorT) -> Operators:
        return self._consumers[int(operator.outputs[0])]

    def _is(self, operator: schema.OperatorT, name: str) -> bool:
        return self._names[operator.opcodeIndex] == name

    def _like(self, quantized: int, shaped: int) -> int:
        """A new tensor of the shape of `shaped`, quantized as `quantized` is."""
        tensor = schema.TensorT()
        tensor.name = f"{self._graph.tensors[shaped].name}/int8"
        tensor.shape = list(self._graph.tensors[shaped].shape)
        tensor.type = schema.TensorType.INT8
        tensor.quantization = self._graph.tensors[quantized].quantization
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _sort(self) -> None:
        """Drops what nothing needs any more; puts each operator just before its first use.

        XNNPACK takes one piece of neighbours at a time: conversions of states, all at the front,
        would make a piece of their own before the lookup of codes, which is not XNNPACK's.
        """
        producer = {int(t): o for o in self._graph.operators for t in o.outputs}
        order: Operators = []
        done: set[int] = set()

        def visit(tensor: int) -> None:
            operator = producer.get(tensor)
            if operator is None or id(operator) in done:
                return
            done.add(id(operator))
            # The last input first: the newest frame comes after the state, and from the lookup.
            for needed in reversed(operator.inputs):
                visit(int(needed))
            order.append(operator)

        for tensor in self._graph.outputs:
            visit(int(tensor))
        self._graph.operators = order
