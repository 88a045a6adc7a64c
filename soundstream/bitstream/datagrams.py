"""Datagrams: packets for a network that loses some, with what makes up for earlier ones.

A datagram is a packet as it is (packets.py), or one with redundancy:

    byte 0   as in a packet: denoised, number of levels, 1..127
    byte 1   as in a packet, its kind 2 for packed codes, 3 for entropy-coded ones
    then     1..8 bytes that say what the sums are of (below)
    then     the sums' codes, and the packet's own, in one run of bits or of the range coder

A sum is the exclusive or of the first levels of earlier packets, code by code: of one of them it is
a copy, and of several it gives back any one that is lost, once the others are there. Its byte:

    bit 7       another sum follows
    bits 6..4   which packets: a row of DISTANCES, counted back from this one
    bits 3..0   number of levels - 1

Packets of kinds 2 and 3 have no levels, so a reader that knows nothing of this refuses in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .entropy_tables import EntropyTables
from .errors import BitstreamError
from .packets import HEADER_BYTES, Kind, Packet, PacketCoder
from .packing import pack_codes, packed_size, unpack_codes
from .range_coder import RangeDecoder, encode_intervals, uniform_interval

# Which packets a sum is of. Pairs make up for two losses of three at half the bits of two copies,
# and where they lie far apart they outlast a burst; the farthest keeps within 180 ms of 20 ms each.
DISTANCES = ((1,), (2,), (4,), (1, 3), (2, 5), (2, 7), (1, 3, 8), (1, 2, 4))
FARTHEST = max(map(max, DISTANCES))
MAX_SUMS = 8
MAX_SUM_LEVELS = 16
_MORE = 128


@dataclass(frozen=True)
class Sum:
    """The exclusive or of the first levels of earlier packets, each as long as this one.

    Attributes:
      row: of DISTANCES.
      codes: int32 [frames, channels, levels], 1..16 levels.
    """

    row: int
    codes: np.ndarray

    @property
    def distances(self) -> tuple[int, ...]:
        """Which packets: how many before this one."""
        return DISTANCES[self.row]


@dataclass(frozen=True)
class Datagram:
    """What one holds.

    Attributes:
      num_frames: 1..64.
      codes: int32 [frames, channels, levels]; None in a pause.
      noise: what a pause sounds like, 8 bytes per channel, or none.
      denoise: whether the encoder was told to remove noise.
      sums: what makes up for earlier packets.
    """

    num_frames: int
    codes: np.ndarray | None
    noise: bytes = b""
    denoise: bool = False
    sums: tuple[Sum, ...] = ()


@dataclass(frozen=True)
class DatagramCoder:
    """Codes <-> datagrams for one model.

    Attributes:
      bits_per_code: width of a packed code, 1..16.
      num_channels: independent streams whose codes share a packet.
      tables: for entropy coding; None packs all codes.
    """

    bits_per_code: int
    num_channels: int = 1
    tables: EntropyTables | None = None

    @property
    def packets(self) -> PacketCoder:
        """For datagrams without redundancy."""
        return PacketCoder(self.bits_per_code, self.num_channels, self.tables)

    def encode(self, codes: np.ndarray, sums: Sequence[Sum] = (), denoise: bool = False) -> bytes:
        """Writes a datagram, entropy-coded if that is shorter.

        Args:
          codes: integers [frames, channels, levels], the packet's own.
          sums: of earlier packets, at most 8, with as many frames and channels as `codes`.
          denoise: whether the encoder was told to remove noise.

        Returns:
          The datagram; without sums it is a plain packet.

        Raises:
          ValueError: a shape or a code does not fit, or it would be too long.
        """
        packet = self.packets.encode(codes, denoise)
        if not sums:
            return packet.to_bytes()
        assert len(sums) <= MAX_SUMS, sums
        assert all(one.codes.shape[:2] == codes.shape[:2] for one in sums), sums
        arrays = [one.codes for one in sums] + [codes]
        run = pack_codes(np.concatenate([array.ravel() for array in arrays]), self.bits_per_code)
        kind = Kind.PACKED
        if self.tables is not None:
            coded = self._entropy_coded(codes, sums, self.tables)
            if len(coded) < len(run):
                kind, run = Kind.ENTROPY_CODED, coded
        last = len(sums) - 1
        head = bytes(
            (_MORE if i < last else 0) | one.row << 4 | one.codes.shape[2] - 1
            for i, one in enumerate(sums)
        )
        # The checks of any packet; only its kind differs.
        data = bytearray(Packet(kind, len(codes), codes.shape[2], head + run, denoise).to_bytes())
        data[1] |= 2 << 6
        return bytes(data)

    def decode(self, data: bytes) -> Datagram:
        """Reads a whole datagram.

        Args:
          data: all its bytes.

        Returns:
          Its codes, or the description of a pause, and its sums.

        Raises:
          BitstreamError: it is damaged, breaks a rule above, or needs tables that are not there.
        """
        if len(data) < HEADER_BYTES or not (data[0] & 127 and data[1] >> 7):
            return self._plain(Packet.from_bytes(data))
        packet = Packet.from_bytes(bytes([data[0], data[1] & 127]) + data[HEADER_BYTES:])
        heads = _heads(packet.payload)
        run = packet.payload[len(heads) :]
        size = (packet.num_frames, self.num_channels)
        shapes = [(*size, (head & 15) + 1) for head in heads] + [(*size, packet.num_levels)]
        rows = [head >> 4 & 7 for head in heads]
        read = self._unpacked if packet.kind == Kind.PACKED else self._entropy_decoded
        *sums, codes = read(run, rows, shapes)
        return Datagram(
            packet.num_frames,
            codes,
            denoise=packet.denoise,
            sums=tuple(Sum(row, array) for row, array in zip(rows, sums, strict=True)),
        )

    def _plain(self, packet: Packet) -> Datagram:
        if packet.kind == Kind.SILENCE:
            limit = self.packets.payload_bytes(Kind.SILENCE, packet.num_frames, 0)
            if len(packet.payload) not in (0, limit):
                raise BitstreamError(
                    f"a pause is described in 0 or {limit} bytes, got {len(packet.payload)}"
                )
            return Datagram(packet.num_frames, None, packet.payload, packet.denoise)
        codes = self.packets.decode(packet)
        return Datagram(packet.num_frames, codes, denoise=packet.denoise)

    def _entropy_coded(
        self, codes: np.ndarray, sums: Sequence[Sum], tables: EntropyTables
    ) -> bytes:
        starts: list[int] = []
        widths: list[int] = []
        for one in sums:
            if len(one.distances) == 1:
                intervals = tables.intervals(one.codes)
            else:  # as good as random, whatever the codes are
                pairs = [
                    uniform_interval(c, self.bits_per_code) for c in one.codes.ravel().tolist()
                ]
                intervals = ([start for start, _ in pairs], [width for _, width in pairs])
            starts += intervals[0]
            widths += intervals[1]
        own = tables.intervals(codes)
        return encode_intervals(starts + own[0], widths + own[1])

    def _unpacked(
        self, run: bytes, rows: list[int], shapes: list[tuple[int, int, int]]
    ) -> list[np.ndarray]:
        """The codes of a packed run, in the given shapes; `rows` do not matter."""
        counts = [frames * channels * levels for frames, channels, levels in shapes]
        flat = unpack_codes(run, (sum(counts),), self.bits_per_code)
        parts = np.split(flat, np.cumsum(counts)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def _entropy_decoded(
        self, run: bytes, rows: list[int], shapes: list[tuple[int, int, int]]
    ) -> list[np.ndarray]:
        """The codes of a range coder's run; `rows` are those of the sums."""
        if self.tables is None:
            raise BitstreamError("a datagram is entropy-coded, and there are no tables")
        most = packed_size(sum(f * c * levels for f, c, levels in shapes), self.bits_per_code)
        if len(run) >= most:
            raise BitstreamError(f"{len(run)} bytes are entropy-coded, packed they were {most}")
        decoder = RangeDecoder(run)
        arrays = []
        for row, shape in zip(rows, shapes):
            if len(DISTANCES[row]) == 1:
                arrays.append(self.tables.read(decoder, shape))
            else:
                flat = [decoder.decode_uniform(self.bits_per_code) for _ in range(np.prod(shape))]
                arrays.append(np.array(flat, np.int32).reshape(shape))
        return [*arrays, self.tables.read(decoder, shapes[-1])]


def _heads(payload: bytes) -> bytes:
    """The bytes that say what the sums are of."""
    for count, head in enumerate(payload[:MAX_SUMS], 1):
        if not head & _MORE:
            return payload[:count]
    raise BitstreamError(f"more than {MAX_SUMS} sums, or cut within what says which")
