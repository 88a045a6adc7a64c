"""Blocks of an .sst stream -> audio of all channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bitstream.container import Block
from bitstream.errors import BitstreamError
from bitstream.header import Header
from bitstream.packets import Kind
from export.runtime import CodecModel, StreamingDecoder

_CHUNK_SAMPLES = 1 << 20  # of all channels, after resampling: bounds memory whatever a header says


class BlockDecoder:
    """Decodes the blocks of one stream in order.

    Attributes:
      unreadable_frames: of packets that are intact but hold what the model cannot decode.
    """

    def __init__(self, model: CodecModel, header: Header) -> None:
        """Prepares one decoder per channel.

        Raises:
          BitstreamError: the stream was made with another model.
        """
        metadata = model.metadata
        if header.model_id.hex() != metadata.model_id:
            raise BitstreamError(
                f"made with another model: {header.model_id.hex()}, this one "
                f"({metadata.name}) is {metadata.model_id}"
            )
        bits_per_code = (metadata.codebook_size - 1).bit_length()
        expected = (metadata.sample_rate, metadata.hop, bits_per_code)
        if (header.coded_rate, header.hop, header.bits_per_code) != expected:
            raise BitstreamError(f"its header contradicts the model {metadata.name}: {header}")
        self.unreadable_frames = 0
        self._metadata = metadata
        self._header = header
        self._decoders = [StreamingDecoder(model) for _ in range(header.num_channels)]
        ratio = max(1.0, header.sample_rate / header.coded_rate)
        chunk = int(_CHUNK_SAMPLES / (header.hop * header.num_channels * ratio))
        self._frames_per_chunk = max(1, chunk)

    def decode(self, block: Block) -> Iterator[np.ndarray]:
        """Yields float32 [time, channels] at the model's rate, block.num_frames * hop in all."""
        codes = self._codes(block)
        for start in range(0, block.num_frames, self._frames_per_chunk):
            stop = min(start + self._frames_per_chunk, block.num_frames)
            if codes is None:
                shape = ((stop - start) * self._header.hop, self._header.num_channels)
                yield np.zeros(shape, np.float32)
            else:
                yield self._decode_codes(codes[start:stop])

    def _decode_codes(self, codes: np.ndarray) -> np.ndarray:
        """Codes [frames, channels, levels] -> float32 [time, channels]."""
        channels = [
            decoder.decode(np.ascontiguousarray(codes[:, channel]))
            for channel, decoder in enumerate(self._decoders)
        ]
        return np.stack(channels, axis=1)

    def _codes(self, block: Block) -> np.ndarray | None:
        """The codes [frames, channels, levels] of a block; None where there are none."""
        packet = block.packet
        if packet is None or packet.kind == Kind.SILENCE:
            return None
        try:
            codes = self._header.packet_coder.decode(packet)
        except BitstreamError:
            codes = None
        if (
            codes is None
            or codes.shape[2] > self._metadata.num_quantizers
            or codes.max() >= self._metadata.codebook_size
        ):
            self.unreadable_frames += block.num_frames
            return None
        return codes
