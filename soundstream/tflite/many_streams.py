"""Many streams through one call of exported graphs, for servers: LiteRT and numpy only.

    model = CodecModel.load("exported")                # by to_tflite.py --streams_per_call=16
    encoder = BatchEncoder(model, bitrate_bps=3000)
    decoder = BatchDecoder(model)
    codes = encoder.encode(samples)  # [streams, frames * hop] -> int32 [streams, frames, levels]
    audio = decoder.decode(codes)    # and back
    encoder.restart(3)               # stream 3 ended, and another signal takes its place

All streams go forward by the frames of one call, those without a signal on zeros.
"""

import numpy as np

from .checks import check_codes, check_samples
from .graph import CodecModel, Graph, Stateful, Tensors
from .metadata import DECODE_SIGNATURE, NOT_SENT, Metadata


class _Batch(Stateful):
    def __init__(self, graph: Graph, signature: str, metadata: Metadata):
        self._metadata = metadata
        self._has_switch = "denoise" in graph.inputs(signature)
        super().__init__(graph, signature)

    def restart(self, stream: int) -> None:
        """Forgets the past of one stream, 0 ... streams - 1."""
        for name, value in self.state.items():
            self.state[name] = value.copy()
            self.state[name][stream] = 0

    def _switch(self, denoise: np.ndarray | None) -> Tensors:
        streams, frames = self._metadata.streams_per_call, self._metadata.frames_per_call
        if not self._has_switch:
            if denoise is not None:
                raise ValueError("denoise: this part of the model has no such switch")
            return {}
        given = np.zeros(streams) if denoise is None else denoise
        _check("denoise", given, (streams,))
        return {"denoise": np.repeat(given[:, None], frames, axis=1).astype(np.float32)}


class BatchEncoder(_Batch):
    """Audio to codes.

    Args:
      model: exported for many streams.
      bitrate_bps: bits per second of each stream, any multiple of one level's rate.

    Raises:
      ValueError: the model does not offer the bitrate.
    """

    def __init__(self, model: CodecModel, bitrate_bps: int = 3_000):
        metadata = model.metadata
        self._num_levels = metadata.num_quantizers_for(bitrate_bps)
        super().__init__(model.encoder, metadata.signature_for(bitrate_bps), metadata)

    def encode(self, samples: np.ndarray, denoise: np.ndarray | None = None) -> np.ndarray:
        """Encodes the frames of one call.

        Args:
          samples: floating point [streams, frames * hop], full scale 1.
          denoise: [streams], 0 off ... 1 on; only for models that have the switch.

        Returns:
          int32 [streams, frames, levels].

        Raises:
          ValueError: another shape, integers, samples that are not finite, or a switch that the
            model does not have.
        """
        metadata = self._metadata
        block = metadata.frames_per_call * metadata.hop
        _check("samples", samples, (metadata.streams_per_call, block))
        check_samples(samples)
        inputs = {"audio": samples.astype(np.float32, copy=False)} | self._switch(denoise)
        return self.step(inputs)["codes"][:, :, : self._num_levels]


class BatchDecoder(_Batch):
    """Codes to audio; the number of levels may change from call to call.

    Args:
      model: exported for many streams.
    """

    def __init__(self, model: CodecModel):
        super().__init__(model.decoder, DECODE_SIGNATURE, model.metadata)

    def decode(self, codes: np.ndarray, denoise: np.ndarray | None = None) -> np.ndarray:
        """Decodes the frames of one call.

        Args:
          codes: int32 [streams, frames, levels], -1 where one is missing.
          denoise: [streams], as given to the encoder, for models whose decoder is conditioned too.

        Returns:
          float32 [streams, frames * hop], full scale 1.

        Raises:
          ValueError: another shape, no level or too many, codes that are no integers, or a switch
            that the decoder lacks.
        """
        metadata = self._metadata
        levels = min(max(codes.shape[-1], 1), metadata.num_quantizers)
        shape = (metadata.streams_per_call, metadata.frames_per_call)
        _check("codes", codes, (*shape, levels))
        check_codes(codes)
        full = np.full([*shape, metadata.num_quantizers], NOT_SENT, np.int32)
        full[:, :, :levels] = codes
        return self.step({"codes": full} | self._switch(denoise))["audio"]


def _check(name: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ValueError(f"{name} of shape {values.shape}: {shape} needed")
