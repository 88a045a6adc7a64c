"""What a .tflite file consists of: operators, arithmetic and stored numbers of each signature.

python export/inspect_graph.py pretrained/speech/*.tflite
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from export import cut_graph

# Operators that no phone should meet: each is slow, breaks XNNPACK's partition, or needs Flex.
FORBIDDEN = ("BATCH_TO_SPACE_ND", "CUSTOM", "SPACE_TO_BATCH_ND", "TRANSPOSE", "TRANSPOSE_CONV")

_MULTIPLYING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


@dataclass(frozen=True)
class Operator:
    """One node of a graph.

    Attributes:
      name: as in TensorFlow Lite's schema, CONV_2D for instance.
      macs: multiply-accumulates of one run; 0 for what does not multiply matrices.
      constant_bytes: of the constants it reads, as they are stored.
    """

    name: str
    macs: int
    constant_bytes: int


def operators(content: bytes) -> dict[str, list[Operator]]:
    """The operators of each signature; a file without signatures counts as one named `main`."""
    model = cut_graph.read(content)
    names = cut_graph.operator_names(model)
    return {
        signature: [
            _operator(model, model.subgraphs[index], node, names[node.opcodeIndex])
            for node in model.subgraphs[index].operators
        ]
        for signature, index in cut_graph.signature_graphs(model).items()
    }


def num_partitions(content: bytes, signature: str) -> int:
    """Pieces of the graph that XNNPACK takes over: whole nets make one, each gap one more."""
    # Only the first graph of a file can be listed with its delegates.
    interpreter = Interpreter(model_content=cut_graph.write(cut_graph.alone(content, signature)))
    interpreter.allocate_tensors()
    return sum(node["op_name"] == "DELEGATE" for node in interpreter._get_ops_details())


def _operator(
    model: schema.ModelT, graph: schema.SubGraphT, node: schema.OperatorT, name: str
) -> Operator:
    tensors = [graph.tensors[index] for index in node.inputs if index >= 0]
    constants = [t for t in tensors if model.buffers[t.buffer].data is not None]
    constant_bytes = sum(len(model.buffers[t.buffer].data) for t in constants)
    macs = 0
    if name in _MULTIPLYING:
        # Filters are [outputs, ..., inputs]: each output costs what one of them holds.
        filters = tensors[1].shape
        output = int(np.prod(graph.tensors[node.outputs[0]].shape))
        macs = output * int(np.prod(filters)) // int(filters[0])
    return Operator(name, macs, constant_bytes)


def main(paths: list[str]) -> None:
    for path in paths:
        content = Path(path).read_bytes()
        for signature, nodes in operators(content).items():
            macs, stored = sum(n.macs for n in nodes), sum(n.constant_bytes for n in nodes)
            print(f"{path} {signature}: {macs / 1e6:.2f} million MAC, {stored} bytes of constants")
            print(f"  XNNPACK partitions: {num_partitions(content, signature)}")
            counts = Counter(node.name for node in nodes)
            print("  " + ", ".join(f"{count} {name}" for name, count in counts.most_common()))


if __name__ == "__main__":
    main(sys.argv[1:])
