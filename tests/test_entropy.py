"""Range coder and entropy tables: exact bytes, near-ideal length, independent packets, damage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundstream.bitstream.entropy_tables import EntropyTables, LevelTable
from soundstream.bitstream.errors import BitstreamError
from soundstream.bitstream.packets import Kind, Packet, PacketCoder
from soundstream.bitstream.range_coder import TOTAL, RangeDecoder, encode_intervals
from tools.release.learn_entropy_tables import keep, measure
from tools.release.table_learning import ideal_bits, learn_tables

SIZE = 64
NUM_LEVELS = 4


def make_clips(num_clips=40, num_frames=200, seed=0):
    """Codes that hang together: level 0 on its past, the others on the level above."""
    rng = np.random.default_rng(seed)
    clips = []
    for _ in range(num_clips):
        clip = np.zeros((num_frames, NUM_LEVELS), np.int32)
        clip[:, 0] = np.cumsum(rng.integers(-2, 3, num_frames)) % SIZE
        for level in range(1, NUM_LEVELS):
            spread = rng.geometric(0.1, num_frames)
            clip[:, level] = (clip[:, level - 1] // 16 * 16 + spread) % SIZE
        clips.append(clip)
    return clips


@pytest.fixture(scope="module")
def tables():
    return learn_tables(make_clips(), SIZE)


def test_known_bytes():
    # Halves: each symbol is one bit; the 32-bit interval starts at 2^32 - 1.
    half = TOTAL // 2
    assert encode_intervals([], []) == b""
    assert encode_intervals([0], [TOTAL]) == b""
    assert encode_intervals([half], [half]) == bytes([0x80])
    assert encode_intervals([half, 0, half], [half] * 3) == bytes([0xA0])


def encode_byte_by_byte(starts, widths):
    """The same coder in 32-bit registers: a carry ripples back over the bytes already written."""
    low, size, out = 0, 2**32 - 1, bytearray()

    def shift():
        nonlocal low
        if low >> 32:
            position = len(out) - 1
            while out[position] == 255:
                out[position] = 0
                position -= 1
            out[position] += 1
        low &= 2**32 - 1
        out.append(low >> 24)
        low = low << 8 & (2**32 - 1)

    for start, width in zip(starts, widths):
        low += (size >> 15) * start
        size = (size >> 15) * width
        while size < 1 << 24:
            shift()
            size <<= 8
    low = (low + (1 << 24) - 1) & ~((1 << 24) - 1)
    for _ in range(4):
        shift()
    return bytes(out).rstrip(b"\0")


@given(st.lists(st.tuples(st.integers(0, TOTAL - 1), st.integers(1, TOTAL)), max_size=200))
def test_equals_the_coder_in_32_bit_registers(intervals):
    starts = [start for start, _ in intervals]
    widths = [min(width, TOTAL - start) for start, width in intervals]
    assert encode_intervals(starts, widths) == encode_byte_by_byte(starts, widths)
    assert encode_intervals([TOTAL - 1] * 9, [1] * 9) == encode_byte_by_byte(
        [TOTAL - 1] * 9, [1] * 9
    )


@given(
    st.integers(2, 40),
    st.lists(st.integers(0, 39), max_size=300),
    st.randoms(use_true_random=False),
)
def test_range_coder_round_trip(size, symbols, random):
    symbols = [symbol % size for symbol in symbols]
    cuts = sorted(random.sample(range(1, TOTAL), size - 1))
    cumulative = [0, *cuts, TOTAL]
    starts = [cumulative[symbol] for symbol in symbols]
    widths = [cumulative[symbol + 1] - cumulative[symbol] for symbol in symbols]
    data = encode_intervals(starts, widths)
    decoder = RangeDecoder(data)
    assert [decoder.decode(cumulative, 0, size) for _ in symbols] == symbols
    bits = -np.log2(np.array(widths) / TOTAL).sum()
    assert len(data) <= bits * 1.0001 / 8 + 2


@settings(max_examples=50)
@given(st.integers(1, 64), st.integers(1, 3), st.integers(1, NUM_LEVELS), st.integers(0, 2**32))
def test_tables_round_trip(tables, num_frames, num_channels, num_levels, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, SIZE, (num_frames, num_channels, num_levels)).astype(np.int32)
    data = tables.encode(codes)
    np.testing.assert_array_equal(tables.decode(data, codes.shape), codes)


def test_length_is_within_a_byte_of_ideal(tables):
    clip = make_clips(1, 50, seed=9)[0]
    bits = sum(ideal_bits(table, clip, level).sum() for level, table in enumerate(tables.levels))
    assert 0 <= len(tables.encode(clip[:, None])) - bits / 8 < 1.01


def test_learning_finds_the_structure(tables):
    # Level 0 moves by -2..2: log2(5) = 2.3 bits. The others: 10 % geometric, 4.7 bits of 6.
    test = make_clips(5, seed=1)
    mean = [np.mean([ideal_bits(t, clip, i).mean() for clip in test]) for i, t in
            enumerate(tables.levels)]  # fmt: skip
    assert 2.3 < mean[0] < 3.8 and all(4.6 < bits < 5.3 for bits in mean[1:])
    assert tables.levels[0].frequencies.shape[0] > 1 and tables.levels[1].frequencies.shape[1] > 1


def test_learning_does_not_invent_structure():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, SIZE, (100, 2)) for _ in range(20)]
    tables = learn_tables(noise, SIZE)
    assert all(table.frequencies.shape == (1, 1, SIZE) for table in tables.levels)
    with pytest.raises(ValueError, match="got 3"):
        learn_tables(noise[:3], SIZE)


def test_file_round_trip_and_damage(tables):
    data = tables.to_bytes()
    again = EntropyTables.from_bytes(data)
    assert again.to_bytes() == data and again.id == tables.id
    clip = make_clips(1)[0][:, None]
    assert again.encode(clip) == tables.encode(clip)
    for bad in (b"", b"RIFF" + data[4:], data[:4] + b"\x02" + data[5:], data[:-1], data + b"\0"):
        with pytest.raises(BitstreamError):
            EntropyTables.from_bytes(bad)
    flipped = bytearray(data)
    flipped[-1] ^= 1
    with pytest.raises(BitstreamError, match="sum to"):
        EntropyTables.from_bytes(bytes(flipped))


def test_packets_take_the_shorter_form(tables):
    coder = PacketCoder(6, 1, tables)
    likely = make_clips(1, 50)[0][:, None]
    unlikely = np.random.default_rng(0).integers(0, SIZE, (50, 1, NUM_LEVELS))
    packet = coder.encode(likely)
    assert packet.kind == Kind.ENTROPY_CODED
    assert len(packet.payload) < coder.payload_bytes(Kind.PACKED, 50, NUM_LEVELS)
    np.testing.assert_array_equal(coder.decode(Packet.from_bytes(packet.to_bytes())), likely)
    packed = coder.encode(unlikely)
    assert packed.kind == Kind.PACKED
    np.testing.assert_array_equal(coder.decode(packed), unlikely)
    with pytest.raises(BitstreamError, match="cannot be read"):
        PacketCoder(6).decode(packet)


def test_refuses_what_the_tables_do_not_cover(tables):
    with pytest.raises(ValueError, match="got 5 levels"):
        tables.encode(np.zeros((1, 1, 5), np.int32))
    with pytest.raises(ValueError, match="codes 64"):
        tables.encode(np.full((1, 1, 1), 64))
    with pytest.raises(BitstreamError, match="5 levels"):
        tables.decode(b"", (1, 1, 5))


@given(st.binary(max_size=60), st.integers(1, 64))
def test_any_bytes_end_in_codes_or_an_error(tables, data, num_frames):
    try:
        codes = tables.decode(data, (num_frames, 1, NUM_LEVELS))
    except BitstreamError:
        return
    assert codes.shape == (num_frames, 1, NUM_LEVELS)
    assert codes.min() >= 0 and codes.max() < SIZE


def test_measured_saving(tables):
    # 3.5, 4.9, 4.9 and 4.9 bits of 6: about a quarter is saved.
    saving = measure(tables, make_clips(20, seed=5), 6, NUM_LEVELS)
    low, high = saving["interval_95"]
    assert 0.2 < low < saving["saved"] < high < 0.3
    one_level = measure(tables, make_clips(5, seed=5), 6, 1)
    assert one_level["saved"] > saving["saved"]


def test_impossible_tables_are_refused():
    rows = np.full((1, 1, SIZE), TOTAL // SIZE, np.uint16)
    contexts = np.zeros(SIZE, np.uint8)
    LevelTable(contexts, contexts, rows)
    with pytest.raises(BitstreamError, match="context"):
        LevelTable(contexts + 1, contexts, rows)


def test_a_full_disk_leaves_the_released_tables_whole(tmp_path, full_disk):
    before = "tables that files in the world were made with"
    (tmp_path / "entropy_tables.bin").write_text(before)
    with pytest.raises(OSError, match="No space left"):
        keep(tmp_path, b"other tables", {})
    assert (tmp_path / "entropy_tables.bin").read_text() == before
