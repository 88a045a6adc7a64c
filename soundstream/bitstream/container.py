"""Files of packets (.sst): a header, packets that stand alone, and an end packet.

A stored packet, big-endian:

    1 byte   0xA5, where a reader that lost its place looks for the next packet
    2 bytes  number of its first frame, modulo 65,536
    2 bytes  the packet's own header (packets.py)
    2 bytes  payload size; only for ENTROPY_CODED and SILENCE, the others' follows from the header
    n bytes  payload
    2 bytes  CRC-16/IBM-3740 of all the above (polynomial 0x1021, start 0xFFFF, not reflected)

Every stream ends with a packet of kind END: its first-frame field is the number of all frames, its
payload the 8-byte number of samples per channel at the audio's rate. So the exact length comes
back even where it was not known at the start, and a file that was cut is known as such.

Reader and writer go forward only, through pipes as well, in constant memory.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from .errors import BitstreamError
from .header import HEADER_BYTES, MAGIC, Header
from .packets import END_BYTES, MAX_PAYLOAD_BYTES, Kind, Packet
from .packets import HEADER_BYTES as PACKET_HEADER_BYTES

SYNC = 0xA5
PACKED_OVERHEAD_BYTES = 7  # of a PACKED packet: all but its payload
_SIZED = (Kind.ENTROPY_CODED, Kind.SILENCE)  # kinds whose payload size is written
_FRAME_MODULUS = 1 << 16
_READ_BYTES = 1 << 14
# Damage may hide packets, and a reader fills the gap they leave; this bounds what crafted frame
# numbers can make it fill: 32,768 frames in all, and 8 for each unreadable byte (a packet that
# holds 64 frames has 8 bytes or more).
_FREE_GAP_FRAMES = 32_768
_GAP_FRAMES_PER_BYTE = 8


@dataclass(frozen=True)
class Block:
    """Consecutive frames of a file: a packet, or a gap where packets were lost.

    Attributes:
      start: number of the first frame.
      num_frames: at least 1.
      packet: None for a gap.
    """

    start: int
    num_frames: int
    packet: Packet | None


class ByteSink(Protocol):
    """Where a stream is written to: a file, or anything that takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Takes the next bytes.

        Args:
          data: any number of them.

        Returns:
          Whatever the sink says; it is not looked at.
        """


class ContainerWriter:
    """Writes an .sst stream; its header at once.

    Args:
      stream: where the bytes go; only ever forward.
      header: of the stream.

    Attributes:
      header: of the stream.
      num_frames: frames written so far.
      num_bytes: bytes written so far.
    """

    def __init__(self, stream: ByteSink, header: Header) -> None:
        self.header = header
        self.num_frames = 0
        self.num_bytes = 0
        self._stream = stream
        self._write(header.to_bytes())

    def write(self, packet: Packet) -> None:
        """Appends a packet.

        Args:
          packet: of at most as many frames as the header says.
        """
        assert packet.num_frames <= self.header.frames_per_packet, packet
        self._write(_stored(packet, self.num_frames))
        self.num_frames += packet.num_frames

    def finish(self, total_samples: int) -> None:
        """Writes the end packet.

        Args:
          total_samples: the length of the audio, per channel at the audio's rate.
        """
        payload = total_samples.to_bytes(END_BYTES, "big")
        self._write(_stored(Packet(Kind.END, 1, 0, payload), self.num_frames))

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self.num_bytes += len(data)


class ContainerReader:
    """Reads an .sst stream; its header at once.

    Iterating yields every intact packet and a gap wherever packets are missing between two intact
    ones. The attributes tell how far it has come and are final when the iteration ends.

    Args:
      stream: needs `read` only.

    Attributes:
      header: the file's header.
      num_frames: frames yielded, gaps included.
      num_packets: intact packets.
      num_bytes: bytes read from the stream.
      lost_frames: frames in gaps.
      skipped_bytes: bytes that belong to no intact packet.
      total_samples: the exact length per channel, from the end packet; before it, and where it is
        missing, the header's claim (None if unknown).
      complete: whether the end packet was seen.
      truncated: whether the stream has ended without one.
      trailing_bytes: what follows the end packet; no part of the stream, and not in `num_bytes`.
      trailing_stream: whether that begins like another stream.
    """

    def __init__(self, stream: BinaryIO) -> None:
        # What a pipe holds already, where the stream can tell, rather than waiting for more.
        self._read = getattr(stream, "read1", stream.read)
        self._buffer = bytearray()
        self.num_bytes = 0
        while len(self._buffer) < HEADER_BYTES and self._fill():
            pass
        self.header = Header.from_bytes(bytes(self._buffer))
        del self._buffer[:HEADER_BYTES]
        self._coder = self.header.packet_coder
        self.num_frames = 0
        self.num_packets = 0
        self.lost_frames = 0
        self.skipped_bytes = 0
        self.total_samples = self.header.total_samples
        self.complete = False
        self.truncated = False
        self.trailing_bytes = 0
        self.trailing_stream = False
        self._gap_allowance = _FREE_GAP_FRAMES

    def __iter__(self) -> Iterator[Block]:
        at_end = False
        while not self.complete:
            found = self._parse()
            if found is None and not at_end:
                at_end = not self._fill()  # the packet may go on in what is still to come
            elif found is None:
                if not self._buffer:
                    self.truncated = True
                    return
                self._skip()
            else:
                yield from found
        self._pass_over_the_rest()

    @property
    def length_is_sound(self) -> bool:
        """Whether the stated length agrees with the frames read so far."""
        total = self.total_samples
        return total is not None and self.header.num_frames(total) == self.num_frames

    @property
    def num_samples(self) -> int:
        """Samples per channel read so far; exact at the end of a sound stream."""
        total = self.total_samples
        if total is not None and self.length_is_sound:
            return total
        return self.header.num_samples(self.num_frames)

    def _parse(self) -> list[Block] | None:
        """Takes the first packet in the buffer, skipping bytes that cannot start one.

        Returns the blocks it completes, or None where the buffer ends before the packet does.
        """
        while self._buffer:
            size = self._stored_size()
            if size > len(self._buffer):
                return None
            blocks = self._accept(bytes(self._buffer[:size])) if size else None
            if blocks is not None:
                del self._buffer[:size]
                return blocks
            self._skip()
        return None

    def _stored_size(self) -> int:
        """Bytes of the packet that the buffer starts with, 0 if it cannot be one.

        A size beyond the buffer's end says: read on and ask again.
        """
        buffer = self._buffer
        if buffer[0] != SYNC:
            return 0
        if len(buffer) < PACKED_OVERHEAD_BYTES:
            return PACKED_OVERHEAD_BYTES
        kind, num_frames, num_levels = Kind(buffer[4] >> 6), (buffer[4] & 63) + 1, buffer[3] & 127
        if num_frames > self.header.frames_per_packet:
            return 0
        limit = self._coder.payload_bytes(kind, num_frames, num_levels)
        written = int.from_bytes(buffer[5:7], "big")
        if limit > MAX_PAYLOAD_BYTES or (kind in _SIZED and written > limit):
            return 0
        return PACKED_OVERHEAD_BYTES + (2 + written if kind in _SIZED else limit)

    def _accept(self, stored: bytes) -> list[Block] | None:
        """The blocks up to the end of this packet; None if it is damaged or out of place."""
        if _crc16(stored[:-2]) != stored[-2:]:
            return None
        payload = stored[7:-2] if Kind(stored[4] >> 6) in _SIZED else stored[5:-2]
        try:
            packet = Packet.from_bytes(stored[3:5] + payload)
        except BitstreamError:
            return None
        missing = (int.from_bytes(stored[1:3], "big") - self.num_frames) % _FRAME_MODULUS
        if missing > min(self._gap_allowance, _FRAME_MODULUS // 2):
            return None
        blocks = []
        if missing:
            blocks.append(Block(self.num_frames, missing, None))
            self._gap_allowance -= missing
            self.lost_frames += missing
            self.num_frames += missing
        if packet.kind == Kind.END:
            self.total_samples = int.from_bytes(payload, "big")
            self.complete = True
            return blocks
        blocks.append(Block(self.num_frames, packet.num_frames, packet))
        self.num_frames += packet.num_frames
        self.num_packets += 1
        return blocks

    def _skip(self) -> None:
        """Drops the first byte and all up to the next sync byte."""
        position = self._buffer.find(SYNC, 1)
        count = position if position > 0 else len(self._buffer)
        del self._buffer[:count]
        self.skipped_bytes += count
        self._gap_allowance += _GAP_FRAMES_PER_BYTE * count

    def _pass_over_the_rest(self) -> None:
        """Counts what is behind the end packet."""
        while len(self._buffer) < len(MAGIC) and self._fill():
            pass
        self.trailing_stream = self._buffer.startswith(MAGIC)
        while True:
            self.trailing_bytes += len(self._buffer)
            self._buffer.clear()
            if not self._fill():
                break
        self.num_bytes -= self.trailing_bytes

    def _fill(self) -> bool:
        """Reads on; false at the end of the stream."""
        data = self._read(_READ_BYTES)
        self._buffer += data
        self.num_bytes += len(data)
        return bool(data)


def _stored(packet: Packet, start: int) -> bytes:
    """The bytes of a packet in a file, `start` being its first frame."""
    size = len(packet.payload).to_bytes(2, "big") if packet.kind in _SIZED else b""
    head = bytes([SYNC]) + (start % _FRAME_MODULUS).to_bytes(2, "big")
    data = head + packet.to_bytes()[:PACKET_HEADER_BYTES] + size + packet.payload
    return data + _crc16(data)


def _crc16(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "big")
