"""Streaming codec from exported graphs: LiteRT and numpy only.

    model = CodecModel.load("pretrained/speech")
    encoder = StreamingEncoder(model, bitrate_bps=3000)
    decoder = StreamingDecoder(model)
    codes = encoder.encode(samples)    # float32 [frames * hop] -> int32 [frames, levels]
    audio = decoder.decode(codes)      # int32 [frames, levels] -> float32 [frames * hop]

State is kept between calls, so a long signal may come in pieces of any number of whole frames
(whatever number the graphs take in one call).
Output sample i belongs to input sample i.
"""

from __future__ import annotations

import numpy as np

from .checks import check_codes, check_samples
from .graph import CodecModel, Graph, Stateful, Tensors
from .metadata import DECODE_SIGNATURE, NOT_SENT, Metadata

__all__ = ["CodecModel", "StreamingDecoder", "StreamingEncoder"]


def _check_one_stream(metadata: Metadata) -> None:
    if metadata.streams_per_call != 1:
        raise ValueError(
            f"model {metadata.name!r} takes {metadata.streams_per_call} streams in one call: use "
            "soundstream/tflite/many_streams.py, or export it with --streams_per_call=1"
        )


class _FrameByFrame(Stateful):
    """Takes any number of frames, whatever one call of the graph takes.

    A call that is not full is filled up with copies of its last frame. Its frames run once more,
    from the same state, with those that come next: the net is causal, so they come out as before.
    """

    def __init__(self, graph: Graph, signature: str, metadata: Metadata):
        self._metadata = metadata
        self._shapes = {name: value.shape for name, value in graph.inputs(signature).items()}
        super().__init__(graph, signature)

    def reset(self) -> None:
        super().reset()
        self._held: Tensors = {}  # inputs of the frames that will run once more

    def _run(self, output: str, inputs: Tensors) -> list[np.ndarray]:
        """Inputs [frames, ...] -> pieces of `output`, [frames, ...] in all."""
        num_held = len(next(iter(self._held.values()))) if self._held else 0
        if num_held:
            inputs = {name: np.concatenate([self._held[name], v]) for name, v in inputs.items()}
        num_frames, size = len(next(iter(inputs.values()))), self._metadata.frames_per_call
        missing = -num_frames % size
        if missing and not self.state:
            raise ValueError(
                f"{num_frames} frames: model {self._metadata.name!r} keeps its state inside the "
                f"graph, and takes {size} in one call"
            )
        if num_frames == num_held:
            return []
        whole = num_frames // size
        calls = {k: v[: whole * size].reshape(-1, *self._shapes[k]) for k, v in inputs.items()}
        pieces = [
            self._call(output, {name: values[i] for name, values in calls.items()})
            for i in range(whole)
        ]
        self._held = {}
        if missing:
            self._held = {name: value[whole * size :] for name, value in inputs.items()}
            before = self.state
            pieces.append(self._call(output, self._filled(missing))[: size - missing])
            self.state = before
        pieces[0] = pieces[0][num_held:]
        return pieces

    def _filled(self, missing: int) -> Tensors:
        """What is held as the inputs of one call."""
        return {
            name: np.concatenate([v, np.repeat(v[-1:], missing, axis=0)]).reshape(
                self._shapes[name]
            )
            for name, v in self._held.items()
        }

    def _call(self, output: str, inputs: Tensors) -> np.ndarray:
        return self.step(inputs)[output].reshape(self._metadata.frames_per_call, -1)


class StreamingEncoder(_FrameByFrame):
    """Audio to codes.

    Args:
      model: may be shared with other streams.
      bitrate_bps: bits per second, any multiple of one level's rate.
      denoise: 0 off ... 1 on; only for models that have the switch.

    Attributes:
      denoise: the same; may be changed at any time.

    Raises:
      ValueError: the model does not offer the bitrate, or has no such switch.
    """

    def __init__(self, model: CodecModel, bitrate_bps: int = 3_000, denoise: float = 0.0):
        _check_one_stream(model.metadata)
        self._num_levels = model.metadata.num_quantizers_for(bitrate_bps)
        if denoise and not model.metadata.denoise:
            raise ValueError(f"model {model.metadata.name!r} has no denoising switch")
        self.denoise = denoise
        super().__init__(model.encoder, model.metadata.signature_for(bitrate_bps), model.metadata)

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Encodes the next frames.

        Args:
          samples: floating point [frames * hop], full scale 1.

        Returns:
          int32 [frames, levels].

        Raises:
          ValueError: no whole frames, integers, or samples that are not finite.
        """
        hop = self._metadata.hop
        if samples.ndim != 1 or len(samples) % hop:
            raise ValueError(
                f"samples of shape {samples.shape}: mono audio in multiples of {hop} needed"
            )
        check_samples(samples)
        inputs = {"audio": samples.astype(np.float32, copy=False).reshape(-1, hop)}
        if self._metadata.denoise:
            inputs["denoise"] = np.full(len(samples) // hop, self.denoise, np.float32)
        # The first levels of a higher rate's codes are codes of a lower rate.
        empty = np.zeros([0, self._num_levels], np.int32)
        return np.concatenate(
            [empty, *(codes[:, : self._num_levels] for codes in self._run("codes", inputs))]
        )


class StreamingDecoder(_FrameByFrame):
    """Codes to audio; the number of levels may change from call to call.

    Args:
      model: may be shared with other streams.

    Attributes:
      denoise: what the encoder's switch was set to; matters only for models whose decoder is
        conditioned on it too. May be changed at any time.
    """

    def __init__(self, model: CodecModel):
        _check_one_stream(model.metadata)
        self.denoise = 0.0
        super().__init__(model.decoder, DECODE_SIGNATURE, model.metadata)
        self._has_switch = "denoise" in self._shapes

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Decodes the next frames.

        Args:
          codes: integers [frames, levels], -1 where one is missing.

        Returns:
          float32 [frames * hop], full scale 1.

        Raises:
          ValueError: another shape, codes that are no integers, or that the model does not have.
        """
        metadata = self._metadata
        if codes.ndim != 2 or not 1 <= codes.shape[1] <= metadata.num_quantizers:
            raise ValueError(
                f"codes of shape {codes.shape}: [n, levels] needed, "
                f"1 to {metadata.num_quantizers} levels"
            )
        check_codes(codes)
        if codes.size and not NOT_SENT <= codes.min() <= codes.max() < metadata.codebook_size:
            raise ValueError(
                f"codes from {codes.min()} to {codes.max()}: model {metadata.name!r} has 0 to "
                f"{metadata.codebook_size - 1}"
            )
        full = np.full([len(codes), metadata.num_quantizers], NOT_SENT, np.int32)
        full[:, : codes.shape[1]] = codes
        inputs: Tensors = {"codes": full}
        if self._has_switch:
            inputs["denoise"] = np.full(len(codes), self.denoise, np.float32)
        pieces = [piece.ravel() for piece in self._run("audio", inputs)]
        return np.concatenate([np.zeros(0, np.float32), *pieces])
