"""Streaming codec from exported graphs: LiteRT and numpy only.

    model = CodecModel.load("pretrained/speech")
    encoder = StreamingEncoder(model, bitrate_bps=3000)
    decoder = StreamingDecoder(model)
    codes = encoder.encode(samples)    # float32 [frames * hop] -> int32 [frames, levels]
    audio = decoder.decode(codes)      # int32 [frames, levels] -> float32 [frames * hop]

State is kept between calls, so a long signal may come in pieces of any number of whole frames.
Output sample i belongs to input sample i.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from .metadata import DECODE_SIGNATURE, NOT_SENT, STATE_PREFIX, Metadata

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


def _check_one_stream(metadata: Metadata) -> None:
    if metadata.streams_per_call != 1:
        raise ValueError(
            f"model {metadata.name!r} takes {metadata.streams_per_call} streams in one call: use "
            "soundstream/tflite/many_streams.py, or export it with --streams_per_call=1"
        )


class StreamingEncoder(Stateful):
    """Audio to codes.

    Args:
      model: may be shared with other streams.
      bitrate_bps: any multiple of one level's rate.
      denoise: 0 off ... 1 on; only for models that have the switch. May be changed at any time.
    """

    def __init__(self, model: CodecModel, bitrate_bps: int = 3_000, denoise: float = 0.0):
        _check_one_stream(model.metadata)
        self._metadata = model.metadata
        self._num_levels = model.metadata.num_quantizers_for(bitrate_bps)
        if denoise and not model.metadata.denoise:
            raise ValueError(f"model {model.metadata.name!r} has no denoising switch")
        self.denoise = denoise
        super().__init__(model.encoder, model.metadata.signature_for(bitrate_bps))

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """float32 [n * hop] in [-1, 1] -> codes int32 [n, levels]."""
        frames = self._metadata.frames_per_call
        block = frames * self._metadata.hop
        if samples.ndim != 1 or len(samples) % block:
            raise ValueError(
                f"samples of shape {samples.shape}: mono audio in multiples of {block} needed"
            )
        switch = {}
        if self._metadata.denoise:
            switch["denoise"] = np.full([1, frames], self.denoise, np.float32)
        codes = [
            self.step({"audio": audio[None].astype(np.float32, copy=False)} | switch)["codes"]
            for audio in samples.reshape(-1, block)
        ]
        # The first levels of a higher rate's codes are codes of a lower rate.
        empty = np.zeros([0, self._num_levels], np.int32)
        return np.concatenate([empty, *(c[0, :, : self._num_levels] for c in codes)])


class StreamingDecoder(Stateful):
    """Codes to audio; the number of levels may change from call to call.

    Attributes:
      denoise: what the encoder's switch was set to; matters only for models whose decoder is
        conditioned on it too. May be changed at any time.
    """

    def __init__(self, model: CodecModel):
        _check_one_stream(model.metadata)
        self._metadata = model.metadata
        self.denoise = 0.0
        super().__init__(model.decoder, DECODE_SIGNATURE)
        self._has_switch = "denoise" in model.decoder.inputs(DECODE_SIGNATURE)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """int32 [n, levels], -1 where a code is missing -> float32 [n * hop]."""
        metadata = self._metadata
        frames = metadata.frames_per_call
        if (
            codes.ndim != 2
            or not 1 <= codes.shape[1] <= metadata.num_quantizers
            or len(codes) % frames
        ):
            raise ValueError(
                f"codes of shape {codes.shape}: [n, levels] needed, n a multiple of {frames}, "
                f"1 to {metadata.num_quantizers} levels"
            )
        if codes.size and not NOT_SENT <= codes.min() <= codes.max() < metadata.codebook_size:
            raise ValueError(
                f"codes from {codes.min()} to {codes.max()}: model {metadata.name!r} has 0 to "
                f"{metadata.codebook_size - 1}"
            )
        full = np.full([len(codes), metadata.num_quantizers], NOT_SENT, np.int32)
        full[:, : codes.shape[1]] = codes
        switch = {}
        if self._has_switch:
            switch["denoise"] = np.full([1, frames], self.denoise, np.float32)
        audio = [
            self.step({"codes": call[None]} | switch)["audio"][0]
            for call in full.reshape(-1, frames, metadata.num_quantizers)
        ]
        return np.concatenate([np.zeros(0, np.float32), *audio])
