"""What a .tflite file consists of: operators, arithmetic and weights of each signature.

python tools/benchmark/inspect_graph.py pretrained/speech/*.tflite
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from common import command_line
from export.flatbuffer import cut_graph

# Operators that no phone should meet: each is slow, breaks XNNPACK's partition, or needs Flex.
FORBIDDEN = ("BATCH_TO_SPACE_ND", "CUSTOM", "SPACE_TO_BATCH_ND", "TRANSPOSE", "TRANSPOSE_CONV")

_FLOAT32_BYTES = 4
_INTEGERS = (schema.TensorType.INT32, schema.TensorType.INT64)  # shapes and the like, or biases
_MULTIPLYING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


class Constant(NamedTuple):
    """Weights that an operator reads.

    Attributes:
      buffer: where they are stored; operators may share it.
      numbers: how many there are.
      bytes_read: by one run, of the form in which they are computed with: float16 is widened when
        the file is loaded. A lookup reads some rows only.
    """

    buffer: int
    numbers: int
    bytes_read: int


@dataclass(frozen=True)
class Operator:
    """One node of a graph.

    Attributes:
      name: as in TensorFlow Lite's schema, CONV_2D for instance.
      macs: multiply-accumulates of one run; 0 for what does not multiply matrices.
      constants: what it reads but its inputs, shapes and the like left out.
    """

    name: str
    macs: int
    constants: tuple[Constant, ...]

    @property
    def constant_bytes(self) -> int:
        return sum(constant.bytes_read for constant in self.constants)


def num_parameters(nodes: list[Operator]) -> int:
    """Weights of all `nodes`, each counted once."""
    return sum({c.buffer: c.numbers for node in nodes for c in node.constants}.values())


def operators(content: bytes) -> dict[str, list[Operator]]:
    """The operators of each signature; a file without signatures counts as one named `main`."""
    model = cut_graph.read(content)
    return {
        signature: _operators(model, model.subgraphs[index])
        for signature, index in cut_graph.signature_graphs(model).items()
    }


def num_partitions(content: bytes, signature: str) -> int:
    """Pieces of the graph that XNNPACK takes over: whole nets make one, each gap one more."""
    # Only the first graph of a file can be listed with its delegates.
    interpreter = Interpreter(model_content=cut_graph.write(cut_graph.alone(content, signature)))
    interpreter.allocate_tensors()
    return sum(node["op_name"] == "DELEGATE" for node in interpreter._get_ops_details())


def _operators(model: schema.ModelT, graph: schema.SubGraphT) -> list[Operator]:
    names = cut_graph.operator_names(model)
    nodes = [(names[node.opcodeIndex], node) for node in graph.operators]
    widened = {
        int(node.outputs[0]): int(node.inputs[0]) for name, node in nodes if name == "DEQUANTIZE"
    }

    def constants(name: str, node: schema.OperatorT) -> Iterator[Constant]:
        if name == "DEQUANTIZE":
            return  # of constants: once, when loaded
        for index in (int(i) for i in node.inputs if i >= 0):
            tensor = graph.tensors[widened.get(index, index)]
            data = model.buffers[tensor.buffer].data
            is_weight = name in _MULTIPLYING or tensor.type not in _INTEGERS
            if data is not None and is_weight:
                numbers = int(np.prod(tensor.shape))
                width = _FLOAT32_BYTES if index in widened else len(data) // numbers
                rows = graph.tensors[node.outputs[0]] if name == "GATHER" else tensor
                yield Constant(tensor.buffer, numbers, int(np.prod(rows.shape)) * width)

    return [
        Operator(name, _macs(graph, name, node), tuple(constants(name, node)))
        for name, node in nodes
    ]


def _macs(graph: schema.SubGraphT, name: str, node: schema.OperatorT) -> int:
    if name not in _MULTIPLYING:
        return 0
    # Filters are [outputs, ..., inputs]: each output costs what one of them holds.
    filters = graph.tensors[node.inputs[1]].shape
    output = int(np.prod(graph.tensors[node.outputs[0]].shape))
    return output * int(np.prod(filters)) // int(filters[0])


def main(argv: list[str]) -> None:
    if not argv[1:]:
        raise ValueError("name a .tflite file")
    for path in argv[1:]:
        content = Path(path).read_bytes()
        for signature, nodes in operators(content).items():
            macs, read = sum(n.macs for n in nodes), sum(n.constant_bytes for n in nodes)
            print(f"{path} {signature}: {num_parameters(nodes) / 1e6:.2f} million parameters")
            print(f"  a run: {macs / 1e6:.2f} million MAC, {read} bytes of constants")
            print(f"  XNNPACK partitions: {num_partitions(content, signature)}")
            counts = Counter(node.name for node in nodes)
            print("  " + ", ".join(f"{count} {name}" for name, count in counts.most_common()))


if __name__ == "__main__":
    command_line.run(main, arguments=True)
