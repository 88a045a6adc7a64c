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
    """One .tflite file. Serves any number of streams, and threads one after the other.

    Args:
      path: the file.
      num_threads: of each call.

    Raises:
      ValueError: the file is missing, or no TFLite model.
    """

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
        """Lists what a signature takes, states included.

        Args:
          signature: its name.

        Returns:
          Zeros of the right shape and type by the names of the inputs.
        """
        details = self._runner(signature).get_input_details()
        return {name: np.zeros(d["shape"], d["dtype"]) for name, d in details.items()}

    def for_stream(self, signature: str) -> Graph:
        """Chooses the graph that a new stream may use.

        Args:
          signature: its name.

        Returns:
          This one; a new one if the state is kept inside of it.
        """
        if any(name.startswith(STATE_PREFIX) for name in self.inputs(signature)):
            return self
        return Graph(self._path, self._num_threads)

    def run(self, signature: str, inputs: Tensors) -> Tensors:
        """Runs the graph once.

        Args:
          signature: its name.
          inputs: all that it takes, states included.

        Returns:
          All that it gives, by name, states included.
        """
        with self._lock:
            return self._runner(signature)(**inputs)

    def _runner(self, signature: str) -> Any:
        """Making one takes a tenth of an encoder's call, so each is made once."""
        if signature not in self._runners:
            self._runners[signature] = self._interpreter.get_signature_runner(signature)
        return self._runners[signature]


@dataclass(frozen=True)
class CodecModel:
    """An exported model, loaded once.

    Attributes:
      metadata: facts of it.
      encoder: samples to codes.
      decoder: codes to samples.
    """

    metadata: Metadata
    encoder: Graph
    decoder: Graph

    @classmethod
    def load(
        cls, folder: str | Path, flavour: str | None = None, num_threads: int = 1
    ) -> CodecModel:
        """Loads the graphs in a folder.

        Args:
          folder: of an exported model.
          flavour: the number format; None is the model's default.
          num_threads: of each call of a graph.

        Returns:
          The model.

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
    """One signature of a graph and the state of what goes through it.

    Args:
      graph: may be shared with other streams.
      signature: its name.

    Attributes:
      state: tensors by the names of the inputs that take them; empty where the graph keeps it.
    """

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
        """Runs the graph once, and keeps its state.

        Args:
          inputs: all that the signature takes but the state.

        Returns:
          All that it gives but the state.
        """
        outputs = self._graph.run(self._signature, inputs | self.state)
        self.state = {name: outputs.pop(name) for name in self.state}
        return outputs
