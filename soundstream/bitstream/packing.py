"""Codes <-> bytes at a fixed number of bits per code.

Bits are written most significant first, codes one after the other in C order, and the last byte
is filled up with zero bits. Encoder and decoder need nothing but the shape and the width.
"""

from __future__ import annotations

import math

import numpy as np

from .errors import BitstreamError

MAX_BITS_PER_CODE = 16
MAX_LEVELS = 127  # of a frame, in all that is written


def packed_size(num_codes: int, bits_per_code: int) -> int:
    """Tells how long packed codes are.

    Args:
      num_codes: how many codes.
      bits_per_code: bits of each.

    Returns:
      Bytes, the last one filled in part or whole.
    """
    return (num_codes * bits_per_code + 7) // 8


def pack_codes(codes: np.ndarray, bits_per_code: int) -> bytes:
    """Packs integer codes into bytes.

    Args:
      codes: of any shape, e.g. [frames, levels].
      bits_per_code: bits of each, 1 ... 16.

    Returns:
      The bytes, codes in C order.

    Raises:
      ValueError: a code does not fit in `bits_per_code` bits, or the width is not 1..16.
    """
    _check_width(bits_per_code)
    codes = np.asarray(codes)
    if codes.size == 0:
        return b""
    if codes.min() < 0 or codes.max() >= 1 << bits_per_code:
        raise ValueError(
            f"codes span {codes.min()}..{codes.max()}, {bits_per_code} bits hold 0.."
            f"{(1 << bits_per_code) - 1}"
        )
    words = codes.astype(">u2").reshape(-1, 1).view(np.uint8)
    return np.packbits(np.unpackbits(words, axis=1)[:, 16 - bits_per_code :]).tobytes()


def unpack_codes(data: bytes, shape: tuple[int, ...], bits_per_code: int) -> np.ndarray:
    """Reads back what `pack_codes` wrote; values of fill bits are ignored.

    Args:
      data: all its bytes.
      shape: of the codes.
      bits_per_code: bits of each, 1 ... 16.

    Returns:
      int32 [*shape].

    Raises:
      BitstreamError: `data` has another size than `shape` and the width give.
    """
    _check_width(bits_per_code)
    num_codes = math.prod(shape)
    if len(data) != packed_size(num_codes, bits_per_code):
        raise BitstreamError(
            f"{num_codes} codes of {bits_per_code} bits take "
            f"{packed_size(num_codes, bits_per_code)} bytes, got {len(data)}"
        )
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=num_codes * bits_per_code)
    words = np.zeros((num_codes, 16), np.uint8)
    words[:, 16 - bits_per_code :] = bits.reshape(num_codes, bits_per_code)
    return np.packbits(words, axis=1).view(">u2").astype(np.int32).reshape(shape)


def _check_width(bits_per_code: int) -> None:
    if not 1 <= bits_per_code <= MAX_BITS_PER_CODE:
        raise ValueError(f"bits_per_code must be 1..{MAX_BITS_PER_CODE}, got {bits_per_code}")
