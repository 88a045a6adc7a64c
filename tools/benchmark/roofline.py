"""How far a graph is from what this machine could do: arithmetic and memory against their peaks."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from export.flatbuffer import cut_graph
from export.quantize import dynamic_int8
from soundstream.tflite.metadata import DECODE_SIGNATURE, Metadata
from tools.benchmark.inspect_graph import Operator, num_parameters, operators
from tools.benchmark.timing import TimedGraph, interleaved

PEAK_SIZE, PEAK_FRAMES = 512, 256  # channels and rows of the product that shows the peak
SMALLEST_READ = 1 << 18  # bytes; less would time the call


@dataclass(frozen=True)
class Peaks:
    """Multiply-accumulates per microsecond of one large convolution, as the runtime does it."""

    float32: float
    int8: float

    def microseconds(self, nodes: list[Operator], flavour: str) -> float:
        """Least time for the products of `nodes`; in int8 flavours that of convolutions is int8."""
        in_int8 = {"CONV_2D"} if "int8" in flavour else set()
        return sum(n.macs / (self.int8 if n.name in in_int8 else self.float32) for n in nodes)


def measure_peaks(num_threads: int = 1) -> Peaks:
    """Times one large pointwise convolution in float32 and in dynamic int8."""
    kernel = np.random.default_rng(0).normal(size=[1, 1, PEAK_SIZE, PEAK_SIZE]).astype(np.float32)
    shape = [1, PEAK_FRAMES, 1, PEAK_SIZE]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def product(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(x, kernel, 1, "VALID")

    traced = product.get_concrete_function()
    content = tf.lite.TFLiteConverter.from_concrete_functions([traced], product).convert()
    graphs = [TimedGraph(c, None, num_threads) for c in (content, dynamic_int8(content))]
    macs = PEAK_FRAMES * PEAK_SIZE**2
    rates = [macs / latency.percentile(10) for latency in interleaved(graphs, 5, 20)]
    return Peaks(*rates)


def bandwidth(num_bytes: int) -> float:
    """Bytes per microsecond at which one core reads as much again and again, from its caches."""
    data = np.ones(max(SMALLEST_READ, num_bytes) // 8, np.int64)
    best = np.inf
    for _ in range(50):
        started = time.perf_counter_ns()
        data.max()
        best = min(best, time.perf_counter_ns() - started)
    return data.nbytes / best * 1e3


def limits(
    nodes: list[Operator], flavour: str, latency_us: float, peaks: Peaks
) -> dict[str, float]:
    """What one run of a graph consists of, the least time for it, and how near the graph comes."""
    constants = sum(node.constant_bytes for node in nodes)
    arithmetic_us = peaks.microseconds(nodes, flavour)
    memory_us = constants / bandwidth(constants)
    return {
        "macs": sum(node.macs for node in nodes),
        "parameters": num_parameters(nodes),
        "constant_bytes": constants,
        "operators": len(nodes),
        "arithmetic_us": round(arithmetic_us, 2),
        "memory_us": round(memory_us, 2),
        "latency_us": round(latency_us, 2),
        "fraction_of_limit": round(max(arithmetic_us, memory_us) / latency_us, 3),
    }


def layer_times(content: bytes, signature: str, rounds: int, runs: int) -> list[dict[str, Any]]:
    """What each convolution adds: the time of the graph up to it, less that up to the one before.

    The elementwise operators between two convolutions count with the second.
    """
    model = cut_graph.alone(content, signature)
    graph, names = model.subgraphs[0], cut_graph.operator_names(model)
    layers = [o for o in graph.operators if names[o.opcodeIndex] == "CONV_2D"]
    prefixes = [
        cut_graph.cut(cut_graph.alone(content, signature), list(graph.inputs), list(layer.outputs))
        for layer in layers
    ]
    latencies = interleaved([TimedGraph(prefix) for prefix in prefixes], rounds, runs)
    times = [latency.median for latency in latencies]
    rows = []
    for layer, before, after in zip(layers, [0.0, *times], times):
        filters, taps, _, channels = graph.tensors[layer.inputs[1]].shape
        steps = int(np.prod(graph.tensors[layer.outputs[0]].shape[1:3]))
        name = f"{taps} x {channels} -> {filters}, {steps} steps"
        rows.append({"layer": name, "us": round(after - before, 2)})
    return rows


def measure(folder: Path, flavours: list[str], rounds: int, runs: int) -> list[dict[str, Any]]:
    """Encoder (lowest rate) and decoder of each flavour against the machine, one thread."""
    peaks = measure_peaks()
    metadata = Metadata.read(folder)
    parts = {
        "encoder": metadata.signature_for(metadata.bitrates_bps[0]),
        "decoder": DECODE_SIGNATURE,
    }
    rows = []
    for flavour in flavours:
        for part, signature in parts.items():
            content = (folder / f"{part}_{flavour}.tflite").read_bytes()
            graph = TimedGraph(content, signature, 1, metadata.codebook_size)
            (latency,) = interleaved([graph], rounds, runs)
            nodes = operators(content)[signature]
            rows.append(
                {"model": folder.name, "flavour": flavour, "graph": signature}
                | limits(nodes, flavour, latency.median, peaks)
                | {"layers": layer_times(content, signature, rounds, runs)}
            )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The roofline rows as text, each with the convolution that takes longest."""
    lines = [
        "| model | flavour | graph | million MAC | million parameters | MB read | operators "
        "| arithmetic us | memory us | measured us | of the limit | most time in |",
        "|---|---|---|" + "--:|" * 8 + "---|",
    ]
    for row in rows:
        worst = max(row["layers"], key=lambda layer: layer["us"])
        cells = [
            row["model"],
            row["flavour"],
            row["graph"],
            f"{row['macs'] / 1e6:.2f}",
            f"{row['parameters'] / 1e6:.2f}",
            f"{row['constant_bytes'] / 1e6:.2f}",
            row["operators"],
            row["arithmetic_us"],
            row["memory_us"],
            row["latency_us"],
            f"{row['fraction_of_limit']:.0%}",
            f"{worst['layer']}: {worst['us']} us",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
