"""The header of an .sst file: 44 bytes, big-endian, all integers.

offset  bytes  field
0       4      magic "SST" 0x1A
4       1      format version, 1
5       1      flags: 1 entropy-coded packets, 2 denoised, 4 silence packets; others 0
6       1      channels, 1..255
7       1      bits per packed code, 1..16
8       1      levels the file was asked for, 1..127 (every packet has its own)
9       1      most frames in a packet, 1..64
10      2      hop: coded samples per frame, from 1
12      4      sample rate of the audio in Hz, 1,000..1,000,000
16      4      sample rate the model codes at in Hz, the same range
20      8      samples per channel at the audio's rate; 2^64 - 1: not known when written
28      8      model id
36      4      id of the entropy tables; 0 without them
40      4      CRC-32 of bytes 0..39 (the one of zip and PNG)
"""

from __future__ import annotations

import functools
import struct
import zlib
from dataclasses import dataclass, replace

from .errors import BitstreamError
from .packets import MAX_FRAMES, PacketCoder
from .packing import MAX_BITS_PER_CODE, MAX_LEVELS

MAGIC = b"SST\x1a"
VERSION = 1
HEADER_BYTES = 44
MIN_RATE, MAX_RATE = 1_000, 1_000_000
_LAYOUT = struct.Struct(">4sBBBBBBHIIQ8sI")
_UNKNOWN = (1 << 64) - 1
_ENTROPY_CODED, _DENOISE, _SILENCE = 1, 2, 4


@dataclass(frozen=True)
class Header:
    """What a reader must know before the first packet; claims, until packets bear them out.

    Attributes:
      sample_rate: of the original audio, Hz.
      coded_rate: of the model, Hz.
      hop: coded samples per frame.
      num_channels: independent mono streams.
      num_levels: quantizers the file was asked for.
      bits_per_code: width of a packed code.
      model_id: 8 bytes that name the model's weights.
      frames_per_packet: no packet has more frames.
      total_samples: per channel at `sample_rate`; None when written before the end was known.
      entropy_coded: whether entropy-coded packets may follow.
      denoise: whether packets that had noise removed may follow.
      silence: whether packets that describe pauses may follow.
      tables_id: names the entropy tables, 0 without them.
    """

    sample_rate: int
    coded_rate: int
    hop: int
    num_channels: int
    num_levels: int
    bits_per_code: int
    model_id: bytes
    frames_per_packet: int = 50
    total_samples: int | None = None
    entropy_coded: bool = False
    denoise: bool = False
    silence: bool = False
    tables_id: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("sample_rate", MIN_RATE, MAX_RATE),
            ("coded_rate", MIN_RATE, MAX_RATE),
            ("hop", 1, (1 << 16) - 1),
            ("num_channels", 1, 255),
            ("num_levels", 1, MAX_LEVELS),
            ("bits_per_code", 1, MAX_BITS_PER_CODE),
            ("frames_per_packet", 1, MAX_FRAMES),
            ("tables_id", 0, (1 << 32) - 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise BitstreamError(f"{name} must be {low}..{high}, got {value}")
        if len(self.model_id) != 8:
            raise BitstreamError(f"model_id must be 8 bytes, got {len(self.model_id)}")

    @property
    def nominal_bps(self) -> float:
        """Bits per second of all channels, as asked for: without headers and entropy coding."""
        bits_per_frame = self.num_channels * self.num_levels * self.bits_per_code
        return bits_per_frame * self.coded_rate / self.hop

    @property
    def packet_coder(self) -> PacketCoder:
        """Reads and writes the packets of this file."""
        return PacketCoder(self.bits_per_code, self.num_channels)

    def num_frames(self, num_samples: int) -> int:
        """Counts the frames that hold a recording.

        Args:
          num_samples: per channel, at the audio's rate.

        Returns:
          Frames, the last one filled in part or whole.
        """
        return -(-num_samples * self.coded_rate // (self.sample_rate * self.hop))

    def num_samples(self, num_frames: int) -> int:
        """Counts the samples that frames fill completely.

        Args:
          num_frames: how many frames.

        Returns:
          Samples per channel, at the audio's rate.
        """
        return num_frames * self.hop * self.sample_rate // self.coded_rate

    def to_bytes(self) -> bytes:
        """Writes the header.

        Returns:
          Its 44 bytes.
        """
        flags = self.entropy_coded | self.denoise << 1 | self.silence << 2
        body = _LAYOUT.pack(
            MAGIC,
            VERSION,
            flags,
            self.num_channels,
            self.bits_per_code,
            self.num_levels,
            self.frames_per_packet,
            self.hop,
            self.sample_rate,
            self.coded_rate,
            _UNKNOWN if self.total_samples is None else self.total_samples,
            self.model_id,
            self.tables_id,
        )
        return body + zlib.crc32(body).to_bytes(4, "big")

    @classmethod
    def from_bytes(cls, data: bytes) -> Header:
        """Reads a header; any one damaged byte is put right by its checksum.

        Args:
          data: at least 44 bytes; what follows is ignored.

        Returns:
          The header.

        Raises:
          BitstreamError: not an .sst file, damaged, cut, or made by a newer version.
        """
        if not data:
            raise BitstreamError("not an .sst file: it is empty")
        if len(data) < HEADER_BYTES and data[:4] == MAGIC[: len(data)]:
            raise BitstreamError(f"cut within its header: {len(data)} of {HEADER_BYTES} bytes")
        data = _corrected(data) or data
        if data[:4] != MAGIC:
            raise BitstreamError(f"not an .sst file: it starts with {data[:4].hex(' ')}")
        if data[4] > VERSION:
            raise BitstreamError(
                f"made by a newer version: format {data[4]}, this one reads up to {VERSION}"
            )
        if zlib.crc32(data[:40]).to_bytes(4, "big") != data[40:44]:
            raise BitstreamError("its header is damaged beyond repair")
        return cls._parse(data)

    @classmethod
    def _parse(cls, data: bytes) -> Header:
        fields = _LAYOUT.unpack(data[:40])
        _, version, flags, channels, bits, levels, frames, hop, rate, coded, total = fields[:11]
        if version != VERSION or flags & ~(_ENTROPY_CODED | _DENOISE | _SILENCE):
            raise BitstreamError(f"its header has version {version} and flags {flags:#x}")
        return cls(
            sample_rate=rate,
            coded_rate=coded,
            hop=hop,
            num_channels=channels,
            num_levels=levels,
            bits_per_code=bits,
            model_id=fields[11],
            frames_per_packet=frames,
            total_samples=None if total == _UNKNOWN else total,
            entropy_coded=bool(flags & _ENTROPY_CODED),
            denoise=bool(flags & _DENOISE),
            silence=bool(flags & _SILENCE),
            tables_id=fields[12],
        )

    def with_total(self, total_samples: int) -> Header:
        """Fills in the length.

        Args:
          total_samples: per channel, at the audio's rate.

        Returns:
          Another header, the same but for that.
        """
        return replace(self, total_samples=total_samples)


def _corrected(data: bytes) -> bytes | None:
    """The one valid header that differs from `data` in at most one byte, if there is one.

    CRC-32 tells all 44 * 255 single-byte errors of so short a message apart, so there is no doubt
    which byte it was.
    """
    data = data[:HEADER_BYTES]
    if len(data) < HEADER_BYTES:
        return None
    syndrome = zlib.crc32(data[:40]) ^ int.from_bytes(data[40:], "big")
    if syndrome == 0:
        return data
    error = _single_byte_errors().get(syndrome)
    if error is None:
        return None
    position, flip = error
    return data[:position] + bytes([data[position] ^ flip]) + data[position + 1 :]


@functools.cache
def _single_byte_errors() -> dict[int, tuple[int, int]]:
    """Difference between computed and stored CRC -> the byte that is wrong, and by what bits."""
    base = zlib.crc32(bytes(40))
    errors = {}
    for position in range(HEADER_BYTES):
        for flip in range(1, 256):
            error = bytearray(HEADER_BYTES)
            error[position] = flip
            stored = int.from_bytes(error[40:], "big")
            errors[zlib.crc32(error[:40]) ^ base ^ stored] = position, flip
    return errors
