"""Packets: a few frames of codes that say themselves how they are to be read.

The bytes of a packet are also the payload for RTP or any datagram: the bitrate follows from the
packet, so it may change at every packet, and no packet needs another one.

    byte 0   bit 7: denoised by the encoder; bits 6..0: number of levels, 0..127
    byte 1   bits 7..6: kind; bits 5..0: number of frames - 1
    then     the payload: codes [frames, channels, levels], frame by frame
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from .entropy_tables import EntropyTables
from .errors import BitstreamError
from .packing import MAX_LEVELS, pack_codes, packed_size, unpack_codes

HEADER_BYTES = 2
MAX_FRAMES = 64
# Bounds what a damaged length can make a reader look at: one second of ten channels at 12 kbps.
MAX_PAYLOAD_BYTES = 16_384
COMFORT_NOISE_BYTES = 8  # per channel, in a SILENCE packet that has any
END_BYTES = 8


class Kind(enum.IntEnum):
    """What a packet's payload is."""

    PACKED = 0  # codes at a fixed number of bits each
    ENTROPY_CODED = 1  # codes from the range coder
    SILENCE = 2  # no codes (levels = 0): nothing, or the parameters of comfort noise
    END = 3  # last packet of a file (levels = 0, frames field 0): see container.py


@dataclass(frozen=True)
class Packet:
    """`num_frames` consecutive frames of all channels.

    Attributes:
      kind: how `payload` is to be read.
      num_frames: 1..64.
      num_levels: quantizers of each frame, 1..127 for the kinds that hold codes, else 0.
      payload: at most 16,384 bytes.
      denoise: whether the encoder was told to remove noise.
    """

    kind: Kind
    num_frames: int
    num_levels: int
    payload: bytes
    denoise: bool = False

    def __post_init__(self) -> None:
        holds_codes = self.kind in (Kind.PACKED, Kind.ENTROPY_CODED)
        if holds_codes and not 1 <= self.num_levels <= MAX_LEVELS:
            raise BitstreamError(f"a packet has 1..{MAX_LEVELS} levels, got {self.num_levels}")
        if not holds_codes and self.num_levels:
            raise BitstreamError(f"a {self.kind.name} packet has no levels, got {self.num_levels}")
        if not 1 <= self.num_frames <= MAX_FRAMES:
            raise BitstreamError(f"a packet has 1..{MAX_FRAMES} frames, got {self.num_frames}")
        if len(self.payload) > MAX_PAYLOAD_BYTES:
            raise BitstreamError(
                f"a payload has at most {MAX_PAYLOAD_BYTES} bytes, got {len(self.payload)}"
            )

    def to_bytes(self) -> bytes:
        """Writes the packet as a datagram has it.

        Returns:
          Header and payload.
        """
        head = bytes([self.denoise << 7 | self.num_levels, self.kind << 6 | self.num_frames - 1])
        return head + self.payload

    @classmethod
    def from_bytes(cls, data: bytes) -> Packet:
        """Reads a packet.

        Args:
          data: a whole datagram.

        Returns:
          The packet.

        Raises:
          BitstreamError: `data` is too short or breaks a rule above.
        """
        if len(data) < HEADER_BYTES:
            raise BitstreamError(f"a packet has {HEADER_BYTES} bytes or more, got {len(data)}")
        return cls(
            kind=Kind(data[1] >> 6),
            num_frames=(data[1] & 63) + 1,
            num_levels=data[0] & 127,
            payload=bytes(data[HEADER_BYTES:]),
            denoise=bool(data[0] >> 7),
        )


@dataclass(frozen=True)
class PacketCoder:
    """Codes <-> packets for one model.

    Attributes:
      bits_per_code: width of a packed code, 1..16.
      num_channels: independent streams whose codes share a packet.
      tables: for entropy coding; None packs all codes.
    """

    bits_per_code: int
    num_channels: int = 1
    tables: EntropyTables | None = None

    def encode(self, codes: np.ndarray, denoise: bool = False) -> Packet:
        """Makes one packet of codes, entropy-coded if that is shorter.

        Args:
          codes: integers [frames, channels, levels].
          denoise: whether the encoder was told to remove noise.

        Returns:
          The packet.

        Raises:
          ValueError: the shape or a code does not fit.
        """
        if codes.ndim != 3 or codes.shape[1] != self.num_channels:
            raise ValueError(
                f"codes must be [frames, {self.num_channels}, levels], got {list(codes.shape)}"
            )
        kind, payload = Kind.PACKED, pack_codes(codes, self.bits_per_code)
        if self.tables is not None:
            coded = self.tables.encode(codes)
            if len(coded) < len(payload):
                kind, payload = Kind.ENTROPY_CODED, coded
        return Packet(kind, len(codes), codes.shape[2], payload, denoise)

    def decode(self, packet: Packet) -> np.ndarray:
        """Reads the codes of a packet that holds some.

        Args:
          packet: of kind PACKED or ENTROPY_CODED.

        Returns:
          int32 [frames, channels, levels].

        Raises:
          BitstreamError: the payload is damaged, or entropy-coded and there are no tables.
        """
        shape = (packet.num_frames, self.num_channels, packet.num_levels)
        if packet.kind == Kind.PACKED:
            return unpack_codes(packet.payload, shape, self.bits_per_code)
        if packet.kind == Kind.ENTROPY_CODED and self.tables is not None:
            return self.tables.decode(packet.payload, shape)
        raise BitstreamError(f"a packet of kind {packet.kind.name} cannot be read as codes")

    def payload_bytes(self, kind: Kind, num_frames: int, num_levels: int) -> int:
        """Tells how long the payload of such a packet is.

        Args:
          kind: of the packet.
          num_frames: frames in it.
          num_levels: levels in each frame.

        Returns:
          Bytes: exactly if PACKED or END, at most for the others.
        """
        if kind == Kind.END:
            return END_BYTES
        if kind == Kind.SILENCE:
            return COMFORT_NOISE_BYTES * self.num_channels
        # An entropy-coded payload that saves nothing is sent packed.
        return packed_size(num_frames * self.num_channels * num_levels, self.bits_per_code)
