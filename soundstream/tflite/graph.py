"""Exported graphs, loaded by LiteRT, and the state of what goes through them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from .metadata import STATE_PREFIX, Metadata

Tensors = dict[str, np.ndarray]


class Graph:
    """One .tflite file. Serves any number of streams, and threads one after the other."""

    def __init__(self, path: Path, num_threads: int = 1):
        self._path, self._num_threads = path, num_threads
        if not path.is_file():
            raise ValueError(f"{path} is missing")
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
        except ValueError as error:
            raise ValueError(f"{path} is not a TFLite model: {error}") from error
        self._runners: dict[str, Any] = {}
        self._lock = threading.Lock()

    def inputs(self, signature: str) -> Tensors:
        """Zeros for every input of `signature`, states included."""
        details = self._runner(signature).get_input_details()
        return {name: np.zeros(d["shape"], d["dtype"]) for name, d in details.items()}

    def for_stream(self, signature: str) -> Graph:
        """The graph that a new stream may use: one of its own, if state is kept inside of it."""
        if any(name.startswith(STATE_PREFIX) for name in self.inputs(signature)):
            return self
        return Graph(self._path, self._num_threads)

    def run(self, signature: str, inputs: Tensors) -> Tensors:
        with self._lock:
            return self._runner(signature)(**inputs)

    def _runner(self, signature: str) -> Any:
        """Making one takes a tenth of an encoder's call, so each is made once."""
        if signature not in self._runners:
            self._runners[signature] = self._interpreter.get_signature_runner(signature)
        return self._runners[signature]


@dataclass(frozen=True)
class CodecModel:
    """An exported model, loaded once."""

    metadata: Metadata
    encoder: Graph
    decoder: Graph

    @classmethod
    def load(
        cls, folder: str | Path, flavour: str | None = None, num_threads: int = 1
    ) -> CodecModel:
        """Loads the graphs in `folder`; `flavour` None is the model's default one.

        Raises:
          ValueError: names the missing or damaged file, or lists the flavours there are.
        """
        folder = Path(folder)
        metadata = Metadata.read(folder)
        flavour = flavour or metadata.flavours[0]
        if flavour not in metadata.flavours:
            raise ValueError(f"{folder} has no flavour {flavour!r}: {', '.join(metadata.flavours)}")
        encoder, decoder = (
            Graph(folder / f"{part}_{flavour}.tflite", num_threads)
            for part in ("encoder", "decoder")
        )
        return cls(metadata, encoder, decoder)


class Stateful:
    """One signature of a graph and the state of what goes through it."""

    def __init__(self, graph: Graph, signature: str):
        self._graph = graph
        self._signature = signature
        self.reset()

    def reset(self) -> None:
        """Forgets the past: the next sample is the first of a new signal."""
        self._graph = self._graph.for_stream(self._signature)
        inputs = self._graph.inputs(self._signature)
        self.state = {k: v for k, v in inputs.items() if k.startswith(STATE_PREFIX)}

    def step(self, inputs: Tensors) -> Tensors:
        """One call: outputs without state, which is kept."""
        outputs = self._graph.run(self._signature, inputs | self.state)
        self.state = {name: outputs.pop(name) for name in self.state}
        return outputs
