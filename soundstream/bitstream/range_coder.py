"""A range coder in integers: symbols of known frequencies <-> the fewest bytes.

Frequencies are integers that sum to 2^15 per symbol; the coder narrows an interval of 32 bits and
puts out its leading byte whenever it falls below 2^24 (Martin, "Range encoding", 1979). Every
machine gets the same bytes. The last bytes are as few as still name the interval: a decoder reads
zeros beyond the end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from .errors import BitstreamError

PRECISION_BITS = 15
TOTAL = 1 << PRECISION_BITS
_TOP = 1 << 32
_BOTTOM = 1 << 24


def encode_intervals(starts: Iterable[int], frequencies: Iterable[int]) -> bytes:
    """Codes symbols given by their intervals [start, start + frequency) of [0, 2^15).

    Carries run into bytes already put out; an integer of any length takes care of them.

    Args:
      starts: where each symbol's interval starts.
      frequencies: how long each is, as many.

    Returns:
      The fewest bytes that name them.
    """
    low, size, num_bytes = 0, _TOP - 1, 4
    for start, frequency in zip(starts, frequencies, strict=True):
        step = size >> PRECISION_BITS
        low += step * start
        size = step * frequency
        while size < _BOTTOM:
            low <<= 8
            size <<= 8
            num_bytes += 1
    # Any number in [low, low + size) will do. As size >= 2^24, one ends in 24 zero bits.
    value = -(-low // _BOTTOM) * _BOTTOM
    return value.to_bytes(num_bytes, "big").rstrip(b"\0")


def uniform_interval(symbol: int, bits: int) -> tuple[int, int]:
    """Finds the interval of one of 2^bits symbols that are all equally likely.

    Args:
      symbol: 0 ... 2^bits - 1.
      bits: 1..15.

    Returns:
      Where the interval starts, and its frequency, both of 2^15.
    """
    width = TOTAL >> bits
    return symbol * width, width


class RangeDecoder:
    """Reads symbols back, one at a time, so that each may choose the table of the next.

    Args:
      data: what `encode_intervals` wrote.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 4
        self._code = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
        self._size = _TOP - 1

    def decode(self, cumulative: Sequence[int], first: int, last: int) -> int:
        """Reads the next symbol.

        Args:
          cumulative: holds many tables, one behind the other.
          first: where the table to use starts: cumulative[first] = 0, then where each symbol's
            interval starts.
          last: where it ends: cumulative[last] = 2^15.

        Returns:
          The index in `cumulative` of the symbol's interval.

        Raises:
          BitstreamError: no encoder writes such bytes.
        """
        step, value = self._next()
        index = bisect_right(cumulative, value, first, last) - 1
        start = cumulative[index]
        self._take(step * start, step * (cumulative[index + 1] - start))
        return index

    def decode_uniform(self, bits: int) -> int:
        """Reads the next symbol, one of 2^bits that are all equally likely.

        Args:
          bits: 1..15.

        Returns:
          The symbol, 0 ... 2^bits - 1.

        Raises:
          BitstreamError: no encoder writes such bytes.
        """
        step, value = self._next()
        shift = PRECISION_BITS - bits
        symbol = value >> shift
        self._take(step * (symbol << shift), step << shift)
        return symbol

    def _next(self) -> tuple[int, int]:
        """Size of 1 / 2^15 of the interval, and in which of these parts the next symbol lies."""
        step = self._size >> PRECISION_BITS
        value = self._code // step
        if value >= TOTAL:
            raise BitstreamError("entropy-coded data is damaged")
        return step, value

    def _take(self, start: int, size: int) -> None:
        """Narrows the interval to a symbol's part of it."""
        code = self._code - start
        while size < _BOTTOM:
            byte = self._data[self._position] if self._position < len(self._data) else 0
            self._position += 1
            code = code << 8 | byte
            size <<= 8
        self._code, self._size = code, size
