"""Pieces of a .tflite graph as graphs of their own, to be timed and listed apart."""

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils


def read(content: bytes) -> schema.ModelT:
    return flatbuffer_utils.read_model_from_bytearray(bytearray(content))


def write(model: schema.ModelT) -> bytes:
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def signature_graphs(model: schema.ModelT) -> dict[str, int]:
    """Signatures and the subgraphs they run; a file without any has one named `main`."""
    definitions = model.signatureDefs or []
    return {d.signatureKey.decode(): d.subgraphIndex for d in definitions} or {"main": 0}


def operator_names(model: schema.ModelT) -> list[str]:
    """Names by operator code."""
    return [flatbuffer_utils.opcode_to_name(model, i) for i in range(len(model.operatorCodes))]


def alone(content: bytes, signature: str) -> schema.ModelT:
    """The model with `signature` as its first graph, the one that plain `invoke` runs."""
    model = read(content)
    index = signature_graphs(model)[signature]
    graphs = model.subgraphs
    graphs[0], graphs[index] = graphs[index], graphs[0]
    model.signatureDefs = []
    return model


def cut(model: schema.ModelT, inputs: list[int], outputs: list[int]) -> bytes:
    """What the first graph does between two sets of tensors; all other operators are dropped."""
    graph = model.subgraphs[0]
    graph.operators, _ = _between(graph, inputs, outputs)
    graph.inputs, graph.outputs = inputs, outputs
    return write(model)


def _between(
    graph: schema.SubGraphT, inputs: list[int], outputs: list[int]
) -> tuple[list[schema.OperatorT], set[int]]:
    """The operators that make `outputs` from `inputs`, and all tensors that they take."""
    needed, kept = set(outputs), []
    for operator in reversed(graph.operators):
        if needed.intersection(operator.outputs) and not set(inputs) & set(operator.outputs):
            kept.append(operator)
            needed.update(operator.inputs)
    return kept[::-1], needed


def split_encoder(content: bytes, signature: str) -> tuple[bytes, bytes]:
    """The net (audio to embedding) and the search (embedding to codes) of an encoder signature.

    The search begins with the first FULLY_CONNECTED after the last convolution.
    """
    model = alone(content, signature)
    graph, names = model.subgraphs[0], operator_names(model)
    kinds = [names[o.opcodeIndex] for o in graph.operators]
    last = len(kinds) - 1 - kinds[::-1].index("CONV_2D")
    first = graph.operators[kinds.index("FULLY_CONNECTED", last)]
    embedding = int(first.inputs[0])
    producers = {int(t): o for o in graph.operators for t in o.outputs}
    codes = next(t for t in graph.outputs if graph.tensors[t].type == schema.TensorType.INT32)
    states = [t for t in graph.outputs if t != codes]
    # Of several frames LiteRT may make two shapes, and round both: go back to what they come from.
    while not _between(graph, [embedding], [codes])[1].isdisjoint(graph.inputs):
        embedding = int(producers[embedding].inputs[0])
    net = cut(model, list(graph.inputs), [embedding, *states])
    return net, cut(alone(content, signature), [embedding], [codes])
