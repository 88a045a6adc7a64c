"""Makes ELU an int8 operator in graphs of TensorFlow's converter, which leaves it in float32.

    int8 > DEQUANTIZE > ELU > QUANTIZE > int8        becomes   int8 > ELU > int8
    ... ELU > CONCATENATION (with a state) > QUANTIZE          the state is quantized instead

LiteRT's int8 ELU is a table of 256 entries. Without it every other operator of an int8 net would be
a conversion, and an accelerator for integers could take no more than single convolutions.
"""

from collections import defaultdict

from ai_edge_litert import schema_py_generated as schema

from export import cut_graph

Operators = list[schema.OperatorT]


def fuse(content: bytes) -> bytes:
    """The int8 .tflite `content` with its ELUs in int8; inputs and outputs keep their types."""
    model = cut_graph.read(content)
    names = cut_graph.operator_names(model)
    codes = {name: index for index, name in enumerate(names)}
    for graph in model.subgraphs:
        _Rewriter(graph, names, codes).run()
    return cut_graph.write(model)


class _Rewriter:
    """One graph and who makes and takes each of its tensors."""

    def __init__(self, graph: schema.SubGraphT, names: list[str], codes: dict[str, int]):
        self._graph, self._names, self._codes = graph, names, codes
        self._producer = {int(t): o for o in graph.operators for t in o.outputs}
        self._consumers: dict[int, Operators] = defaultdict(list)
        for operator in graph.operators:
            for tensor in operator.inputs:
                self._consumers[int(tensor)].append(operator)

    def run(self) -> None:
        for operator in [o for o in self._graph.operators if self._is(o, "ELU")]:
            source = self._producer[int(operator.inputs[0])]
            (consumer,) = self._consumers[int(operator.outputs[0])]
            assert self._is(source, "DEQUANTIZE"), self._names[source.opcodeIndex]
            operator.inputs = [source.inputs[0]]
            if self._is(consumer, "QUANTIZE"):
                operator.outputs = [consumer.outputs[0]]
                self._graph.operators.remove(consumer)
            else:
                self._join_in_int8(operator, consumer)
        self._sort()

    def _join_in_int8(self, elu: schema.OperatorT, join: schema.OperatorT) -> None:
        """`join` puts a state before the output of `elu`, for a convolution and the next state."""
        assert self._is(join, "CONCATENATION"), self._names[join.opcodeIndex]
        consumers = self._consumers[int(join.outputs[0])]
        (quantize,) = [o for o in consumers if self._is(o, "QUANTIZE")]
        joined = int(quantize.outputs[0])
        self._graph.operators.remove(quantize)
        state, activation = (int(index) for index in join.inputs)
        elu.outputs = [self._like(joined, activation)]
        narrow_state = self._like(joined, state)
        self._insert("QUANTIZE", state, narrow_state)
        join.inputs, join.outputs = [narrow_state, elu.outputs[0]], [joined]
        for consumer in consumers:
            if consumer is not quantize:  # a slice, that is the next state
                wide = int(consumer.outputs[0])
                consumer.inputs = [joined, *consumer.inputs[1:]]
                consumer.outputs = [self._like(joined, wide)]
                self._insert("DEQUANTIZE", consumer.outputs[0], wide)

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

    def _insert(self, name: str, source: int, target: int) -> None:
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes[name]
        operator.inputs, operator.outputs = [source], [target]
        self._graph.operators.append(operator)

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
