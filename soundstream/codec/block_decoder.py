"""Blocks of an .sst stream -> audio of all channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..bitstream.container import Block
from ..bitstream.entropy_tables import EntropyTables
from ..bitstream.errors import BitstreamError
from ..bitstream.header import Header
from ..bitstream.packets import COMFORT_NOISE_BYTES, Kind, PacketCoder
from ..tflite.runtime import CodecModel
from .concealment import ConcealingDecoder

_CHUNK_SAMPLES = 1 << 20  # of all channels, after resampling: bounds memory whatever a header says


class BlockDecoder:
    """Decodes the blocks of one stream in order.

    Args:
      model: the one that made the stream.
      header: of the stream.
      tables: the model's, for entropy-coded packets.

    Attributes:
      unreadable_frames: of packets that are intact but hold what the model cannot decode.

    Raises:
      BitstreamError: the stream was made with another model or other entropy tables.
    """

    def __init__(
        self, model: CodecModel, header: Header, tables: EntropyTables | None = None
    ) -> None:
        metadata = model.metadata
        if header.model_id.hex() != metadata.model_id:
            raise BitstreamError(
                f"made with another model: {header.model_id.hex()}, this one "
                f"({metadata.name}) is {metadata.model_id}"
            )
        expected = (metadata.sample_rate, metadata.hop, metadata.bits_per_code)
        if (header.coded_rate, header.hop, header.bits_per_code) != expected:
            raise BitstreamError(f"its header contradicts the model {metadata.name}: {header}")
        if header.entropy_coded and (tables is None or tables.id != header.tables_id):
            raise BitstreamError(
                f"made with other entropy tables: {header.tables_id:08x}, the model "
                f"{metadata.name} has {'none' if tables is None else f'{tables.id:08x}'}"
            )
        self.unreadable_frames = 0
        self._metadata = metadata
        self._coder = PacketCoder(metadata.bits_per_code, header.num_channels, tables)
        self._decoders = [ConcealingDecoder(model) for _ in range(header.num_channels)]
        ratio = max(1.0, header.sample_rate / header.coded_rate)
        chunk = int(_CHUNK_SAMPLES / (header.hop * header.num_channels * ratio))
        self._frames_per_chunk = max(1, chunk)

    def decode(self, block: Block, skipped_frames: int = 0) -> Iterator[np.ndarray]:
        """Decodes the next block, in pieces that bound the memory it takes.

        Args:
          block: follows the one before.
          skipped_frames: how many of its first frames to leave out.

        Yields:
          float32 [frames * hop, channels], full scale 1, at the model's rate.
        """
        if skipped_frames >= block.num_frames:
            return
        codes = self._codes(block)
        pause = block.packet is not None and block.packet.kind == Kind.SILENCE
        for start in range(skipped_frames, block.num_frames, self._frames_per_chunk):
            stop = min(start + self._frames_per_chunk, block.num_frames)
            channels = []
            for channel, decoder in enumerate(self._decoders):
                if codes is not None:
                    assert block.packet is not None
                    part = np.ascontiguousarray(codes[start:stop, channel])
                    channels.append(decoder.decode(part, float(block.packet.denoise)))
                elif pause:
                    channels.append(decoder.pause(stop - start, _noise(block, channel)))
                else:
                    channels.append(decoder.conceal(stop - start))
            yield np.stack(channels, axis=1)

    def _codes(self, block: Block) -> np.ndarray | None:
        """The codes [frames, channels, levels] of a block; None where there are none."""
        packet = block.packet
        if packet is None or packet.kind == Kind.SILENCE:
            return None
        try:
            codes = self._coder.decode(packet)
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


def _noise(block: Block, channel: int) -> bytes:
    """What a SILENCE packet says of one channel's noise; nothing if it is too short to tell."""
    assert block.packet is not None
    start = channel * COMFORT_NOISE_BYTES
    description = block.packet.payload[start : start + COMFORT_NOISE_BYTES]
    return description if len(description) == COMFORT_NOISE_BYTES else b""
