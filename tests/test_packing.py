"""Bit packing: exact bytes, round trips at every width, and refusals."""

import numpy as np
import pytest

from soundstream.bitstream.errors import BitstreamError
from soundstream.bitstream.packing import pack_codes, packed_size, unpack_codes


def test_bits_are_written_most_significant_first():
    # 0000000001 1111111111 -> 00000000 01111111 1111 + four fill bits
    assert pack_codes(np.array([[1, 1023]]), 10) == bytes([0x00, 0x7F, 0xF0])
    assert pack_codes(np.array([1, 2, 3, 4]), 6) == bytes([0b00000100, 0b00100000, 0b11000100])


@pytest.mark.parametrize("bits", range(1, 17))
def test_round_trip_at_every_width(bits):
    rng = np.random.default_rng(bits)
    for shape in [(0, 6), (1, 1), (3, 5), (50, 1, 6), (7, 2, 3)]:
        codes = rng.integers(0, 1 << bits, shape)
        data = pack_codes(codes, bits)
        assert len(data) == packed_size(codes.size, bits) == -(-codes.size * bits // 8)
        unpacked = unpack_codes(data, shape, bits)
        assert unpacked.dtype == np.int32
        np.testing.assert_array_equal(unpacked, codes)


def test_matches_a_bit_string():
    codes = np.random.default_rng(0).integers(0, 64, (9, 10))
    text = "".join(f"{code:06b}" for code in codes.ravel())
    text += "0" * (-len(text) % 8)
    assert pack_codes(codes, 6) == int(text, 2).to_bytes(len(text) // 8, "big")


@pytest.mark.parametrize("codes", [[64], [-1]])
def test_refuses_codes_that_do_not_fit(codes):
    with pytest.raises(ValueError, match=r"6 bits hold 0\.\.63"):
        pack_codes(np.array(codes), 6)


def test_refuses_wrong_sizes():
    with pytest.raises(BitstreamError, match="take 8 bytes, got 7"):
        unpack_codes(bytes(7), (1, 6), 10)
    for bits in (0, 17):
        with pytest.raises(ValueError, match=f"got {bits}"):
            pack_codes(np.array([0]), bits)
