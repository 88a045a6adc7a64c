"""Live sound as packets, one datagram each, and back.

    encoder, decoder = Encoder(bitrate_bps=3000), Decoder()
    for packet in encoder.encode(samples):    # mono, at encoder.sample_rate
        send(packet)
    heard = decoder.decode(packet)            # None for one that did not come

A packet needs no other one and no side channel but their order.
"""

from __future__ import annotations

import numpy as np

from . import models
from .bitstream.packets import MAX_FRAMES, Kind, Packet, PacketCoder
from .codec.concealment import ConcealingDecoder
from .models import Model
from .tflite.checks import check_samples
from .tflite.runtime import StreamingEncoder


class Encoder:
    """Samples to packets.

    Args:
      bitrate_bps: bits per second, before entropy coding, and without the two bytes that begin a
        packet.
      model: None is the default one; may be shared with other streams.
      frames_per_packet: 1 to 64; one is the least delay.
      denoise: whether noise is removed, where the model can.

    Attributes:
      sample_rate: of the samples to give, Hz.

    Raises:
      ValueError: what the model cannot do, or too many frames.
    """

    def __init__(
        self,
        bitrate_bps: int = 3_000,
        *,
        model: Model | None = None,
        frames_per_packet: int = 1,
        denoise: bool = False,
    ):
        if not 1 <= frames_per_packet <= MAX_FRAMES:
            raise ValueError(f"frames_per_packet must be 1..{MAX_FRAMES}, got {frames_per_packet}")
        chosen = model or models.default()
        metadata = chosen.metadata
        self.sample_rate = metadata.sample_rate  # Hz
        self._block = frames_per_packet * metadata.hop
        self._denoise = denoise
        self._encoder = StreamingEncoder(chosen.graphs, bitrate_bps, float(denoise))
        self._coder = PacketCoder(metadata.bits_per_code, tables=chosen.tables)
        self._waiting = np.zeros(0, np.float32)

    def encode(self, samples: np.ndarray) -> list[bytes]:
        """Takes samples in pieces of any length, and keeps what fills no packet for the next call.

        Args:
          samples: floating point [time], full scale 1, at `sample_rate`.

        Returns:
          The packets that these samples complete, in order; often none.

        Raises:
          ValueError: not mono, integers, or samples that are not finite.
        """
        if samples.ndim != 1:
            raise ValueError(f"samples of shape {samples.shape}: mono, [time], needed")
        check_samples(samples)
        self._waiting = np.concatenate([self._waiting, samples.astype(np.float32)])
        packets = []
        while len(self._waiting) >= self._block:
            codes = self._encoder.encode(self._waiting[: self._block])
            self._waiting = self._waiting[self._block :]
            packets.append(self._coder.encode(codes[:, None], self._denoise).to_bytes())
        return packets

    def flush(self) -> list[bytes]:
        """Ends the stream: what waits is filled up with silence, and a new stream may begin.

        Returns:
          One packet, or none where nothing waits.
        """
        missing = -len(self._waiting) % self._block
        packets = self.encode(np.zeros(missing, np.float32))
        self._encoder.reset()
        return packets


class Decoder:
    """Packets to samples; makes up for those that did not come.

    Args:
      model: the one that the sender has; None is the default one.

    Attributes:
      sample_rate: of the samples that come out, Hz.
    """

    def __init__(self, *, model: Model | None = None):
        chosen = model or models.default()
        self.sample_rate = chosen.metadata.sample_rate  # Hz
        self._coder = PacketCoder(chosen.metadata.bits_per_code, tables=chosen.tables)
        self._decoder = ConcealingDecoder(chosen.graphs)
        self._num_frames = 1

    def decode(self, packet: bytes | None) -> np.ndarray:
        """Decodes the next packet.

        Args:
          packet: all its bytes; None for one that is lost, as long as the last one.

        Returns:
          float32 [frames * hop], full scale 1, at `sample_rate`.

        Raises:
          ValueError: damaged, or of another model; nothing is heard of it, `decode(None)` goes on.
        """
        if packet is None:
            return self._decoder.conceal(self._num_frames)
        read = Packet.from_bytes(packet)
        if read.kind == Kind.SILENCE:
            samples = self._decoder.pause(read.num_frames, read.payload)
        else:
            codes = self._coder.decode(read)[:, 0]
            samples = self._decoder.decode(codes, float(read.denoise))
        self._num_frames = read.num_frames
        return samples
