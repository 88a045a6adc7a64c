"""Static tables for entropy coding: how likely each code is, given the codes around it.

Integers alone, learnt once and shipped with a model, so every machine writes and reads the same
bytes. No packet needs another one: its first frame is coded without a past. The file, big-endian:

    4 bytes  "SSET"
    1        format version, 1
    1        levels L, 1..127
    4        codebook size K, 2..32,768
    then for each level
      1      past contexts P, 1..255
      1      depth contexts D, 1..255
      K      past context after each code of the frame before (same level and channel)
      K      depth context under each code of the level above (same frame and channel)
      2PDK   frequencies [P, D, K], each 1..32,767; each row of K sums to 2^15

Without a frame before, the past context is 0; without a level above, the depth context is 0.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .errors import BitstreamError
from .packing import MAX_LEVELS
from .range_coder import TOTAL, RangeDecoder, encode_intervals

MAGIC = b"SSET"
VERSION = 1
_LAYOUT = struct.Struct(">4sBBI")


@dataclass(frozen=True)
class LevelTable:
    """The tables of one level.

    Attributes:
      past_context: uint8 [codebook].
      depth_context: uint8 [codebook].
      frequencies: uint16 [past contexts, depth contexts, codebook]; rows sum to 2^15.
    """

    past_context: np.ndarray
    depth_context: np.ndarray
    frequencies: np.ndarray

    def __post_init__(self) -> None:
        num_past, num_depth, _ = self.frequencies.shape
        if self.past_context.max() >= num_past or self.depth_context.max() >= num_depth:
            raise BitstreamError("entropy tables name a context that they do not have")
        if self.frequencies.min() < 1 or np.any(self.frequencies.sum(-1, dtype=np.int64) != TOTAL):
            raise BitstreamError(f"a row of the entropy tables does not sum to {TOTAL}")

    @cached_property
    def cumulative(self) -> np.ndarray:
        """Where each interval starts, and the end: uint16 [past, depth, codebook + 1]."""
        sums = np.cumsum(self.frequencies, axis=-1, dtype=np.uint16)
        return np.concatenate([np.zeros_like(sums[..., :1]), sums], axis=-1)


@dataclass(frozen=True)
class EntropyTables:
    """The tables of all levels.

    Attributes:
      levels: a table for each quantizer, the first one first.
    """

    levels: tuple[LevelTable, ...]

    @property
    def codebook_size(self) -> int:
        """How many codes each level has."""
        return len(self.levels[0].past_context)

    @cached_property
    def id(self) -> int:
        """Names these tables in a file's header: the CRC-32 of their bytes."""
        return zlib.crc32(self.to_bytes())

    def encode(self, codes: np.ndarray) -> bytes:
        """Codes integers, frame by frame.

        Args:
          codes: [frames, channels, levels], 0 ... codebook size - 1.

        Returns:
          The fewest bytes that name them.

        Raises:
          ValueError: a code or the number of levels is beyond the tables.
        """
        return encode_intervals(*self.intervals(codes))

    def intervals(self, codes: np.ndarray) -> tuple[list[int], list[int]]:
        """Looks up the interval of each code, for `encode_intervals`.

        Args:
          codes: integers [frames, channels, levels], 0 ... codebook size - 1.

        Returns:
          Where each interval starts, and its frequency: of 2^15, in the order of `codes`, flat.

        Raises:
          ValueError: a code or the number of levels is beyond the tables.
        """
        num_levels = codes.shape[2]
        if num_levels > len(self.levels) or codes.min() < 0 or codes.max() >= self.codebook_size:
            raise ValueError(
                f"tables are for {len(self.levels)} levels of codes up to {self.codebook_size - 1},"
                f" got {num_levels} levels of codes {codes.min()}..{codes.max()}"
            )
        starts = np.empty(codes.shape, np.int64)
        ends = np.empty(codes.shape, np.int64)
        for level, table in enumerate(self.levels[:num_levels]):
            code = codes[..., level]
            past = np.zeros_like(code)
            past[1:] = table.past_context[code[:-1]]
            depth = table.depth_context[codes[..., level - 1]] if level else np.zeros_like(code)
            starts[..., level] = table.cumulative[past, depth, code]
            ends[..., level] = table.cumulative[past, depth, code + 1]
        return starts.ravel().tolist(), (ends - starts).ravel().tolist()

    def decode(self, data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
        """Reads back what `encode` wrote.

        Args:
          data: all its bytes.
          shape: frames, channels, levels.

        Returns:
          int32 [frames, channels, levels].

        Raises:
          BitstreamError: the bytes are damaged, or there are more levels than tables.
        """
        return self.read(RangeDecoder(data), shape)

    def read(self, decoder: RangeDecoder, shape: tuple[int, int, int]) -> np.ndarray:
        """Reads the next codes from a range decoder, which may hold more.

        Args:
          decoder: stands where the codes begin, and is left where they end.
          shape: frames, channels, levels.

        Returns:
          int32 [frames, channels, levels].

        Raises:
          BitstreamError: the bytes are damaged, or there are more levels than tables.
        """
        num_frames, num_channels, num_levels = shape
        if num_levels > len(self.levels):
            raise BitstreamError(f"{num_levels} levels, entropy tables have {len(self.levels)}")
        width = self.codebook_size + 1
        lookups = self._lookups[:num_levels]
        codes = np.zeros(shape, np.int32)
        past = [[0] * num_levels for _ in range(num_channels)]
        for frame in range(num_frames):
            for channel in range(num_channels):
                contexts = past[channel]
                above = None
                for level, (flat, past_of, depth_of, num_depth) in enumerate(lookups):
                    depth = 0 if above is None else depth_of[above]
                    first = (contexts[level] * num_depth + depth) * width
                    above = decoder.decode(flat, first, first + width - 1) - first
                    codes[frame, channel, level] = above
                    contexts[level] = past_of[above]
        return codes

    def to_bytes(self) -> bytes:
        """Writes the file that the module describes.

        Returns:
          Its bytes.
        """
        parts = [_LAYOUT.pack(MAGIC, VERSION, len(self.levels), self.codebook_size)]
        for table in self.levels:
            parts.append(bytes(table.frequencies.shape[:2]))
            parts.append(table.past_context.tobytes() + table.depth_context.tobytes())
            parts.append(table.frequencies.astype(">u2").tobytes())
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> EntropyTables:
        """Reads the file that the module describes.

        Args:
          data: all its bytes.

        Returns:
          The tables.

        Raises:
          BitstreamError: they are no entropy tables, or damaged.
        """
        if len(data) < _LAYOUT.size or data[:4] != MAGIC:
            raise BitstreamError("not a file of entropy tables")
        _, version, num_levels, size = _LAYOUT.unpack(data[: _LAYOUT.size])
        if version > VERSION:
            raise BitstreamError(f"entropy tables of a newer version, {version}")
        if not 1 <= num_levels <= MAX_LEVELS or not 2 <= size <= TOTAL:
            raise BitstreamError(f"entropy tables of {num_levels} levels of {size} codes")
        levels = []
        position = _LAYOUT.size
        for _ in range(num_levels):
            num_past, num_depth = (data[position : position + 2] + b"\0\0")[:2]
            position += 2
            num_frequencies = num_past * num_depth * size
            if not num_frequencies or len(data) < position + 2 * size + 2 * num_frequencies:
                raise BitstreamError("entropy tables are cut short")
            contexts = np.frombuffer(data, np.uint8, 2 * size, position).reshape(2, size)
            position += 2 * size
            rows = np.frombuffer(data, ">u2", num_frequencies, position).astype(np.uint16)
            position += 2 * num_frequencies
            frequencies = rows.reshape(num_past, num_depth, size)
            levels.append(LevelTable(contexts[0], contexts[1], frequencies))
        if position != len(data):
            raise BitstreamError(f"{len(data) - position} bytes follow the entropy tables")
        return cls(tuple(levels))

    @cached_property
    def _lookups(self) -> list[tuple[memoryview, bytes, bytes, int]]:
        """Per level: all cumulative rows one behind the other, both context maps, depth contexts.

        Plain Python sequences, because reading single numbers from arrays is slow.
        """
        return [
            (
                table.cumulative.ravel().data,
                table.past_context.tobytes(),
                table.depth_context.tobytes(),
                table.frequencies.shape[1],
            )
            for table in self.levels
        ]
