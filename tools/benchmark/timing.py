"""Latency of TFLite graphs, several of them by turns, so that a busy machine slows all alike."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tqdm
from ai_edge_litert.interpreter import Interpreter

from export.flatbuffer import cut_graph

WARM_UP = 5  # runs that bring a graph's weights back into the caches, not counted


class TimedGraph:
    """One signature of a .tflite, ready to run on fixed inputs.

    Args:
      content: of the file.
      signature: which of its graphs; None for the first.
      num_threads: of XNNPACK.
      integers_below: integer inputs are drawn from 0 to this, such as codes.
    """

    def __init__(
        self,
        content: bytes,
        signature: str | None = None,
        num_threads: int = 1,
        integers_below: int = 1,
    ):
        if signature is not None:
            content = cut_graph.write(cut_graph.alone(content, signature))
        self._interpreter = Interpreter(model_content=content, num_threads=num_threads)
        self._interpreter.allocate_tensors()
        rng = np.random.default_rng(0)
        for detail in self._interpreter.get_input_details():
            shape, dtype = detail["shape"], detail["dtype"]
            if np.issubdtype(dtype, np.integer):
                value = rng.integers(0, integers_below, shape)
            else:
                value = rng.normal(size=shape) * 0.1
            self._interpreter.set_tensor(detail["index"], np.asarray(value, dtype))

    def run(self) -> int:
        """Runs once; returns nanoseconds."""
        started = time.perf_counter_ns()
        self._interpreter.invoke()
        return time.perf_counter_ns() - started


@dataclass(frozen=True)
class Latency:
    """Microseconds [rounds, runs] of one graph."""

    microseconds: np.ndarray

    @property
    def rounds(self) -> np.ndarray:
        """The median of each round."""
        return np.median(self.microseconds, axis=1)

    @property
    def median(self) -> float:
        return float(np.median(self.rounds))

    def percentile(self, percent: float) -> float:
        return float(np.percentile(self.microseconds, percent))

    def to_dict(self) -> dict[str, float]:
        values = {"median": self.median, "p10": self.percentile(10), "p99": self.percentile(99)}
        return {name: round(value, 2) for name, value in values.items()}


def interleaved(graphs: Sequence[TimedGraph], rounds: int, runs: int) -> list[Latency]:
    """Times `graphs` in turns: in each of `rounds`, `runs` of each, in a new order every time."""
    nanoseconds = np.zeros([len(graphs), rounds, runs])
    rng = np.random.default_rng(0)
    for turn in tqdm.trange(rounds, desc="rounds", leave=False):
        for index in rng.permutation(len(graphs)):
            graph = graphs[index]
            for _ in range(WARM_UP):
                graph.run()
            nanoseconds[index, turn] = [graph.run() for _ in range(runs)]
    return [Latency(values / 1e3) for values in nanoseconds]
