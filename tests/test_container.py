"""The .sst container: exact bytes, exact lengths, and what damage does to it."""

import binascii
import io
import tracemalloc
import zlib
from dataclasses import replace

import numpy as np
import pytest

from soundstream.bitstream.container import PACKED_OVERHEAD_BYTES, ContainerReader, ContainerWriter
from soundstream.bitstream.errors import BitstreamError
from soundstream.bitstream.header import HEADER_BYTES, Header, _single_byte_errors
from soundstream.bitstream.packets import Kind, Packet

HEADER = Header(
    sample_rate=44_100,
    coded_rate=16_000,
    hop=320,
    num_channels=1,
    num_levels=6,
    bits_per_code=10,
    model_id=bytes(range(8)),
)


def make_codes(num_frames, num_channels=1, num_levels=6, seed=0):
    shape = (num_frames, num_channels, num_levels)
    return np.random.default_rng(seed).integers(0, 1024, shape).astype(np.int32)


def make_file(num_frames=220, header=HEADER, total_samples=None):
    """An .sst file and its codes [frames, channels, levels]."""
    stream = io.BytesIO()
    writer = ContainerWriter(stream, header)
    codes = make_codes(num_frames, header.num_channels)
    for start in range(0, num_frames, header.frames_per_packet):
        writer.write(header.packet_coder.encode(codes[start : start + header.frames_per_packet]))
    writer.finish(header.num_samples(num_frames) if total_samples is None else total_samples)
    assert writer.num_bytes == len(stream.getvalue())
    return stream.getvalue(), codes


def read_file(data):
    """Codes with -1 in the gaps, and the reader."""
    reader = ContainerReader(io.BytesIO(data))
    blocks = list(reader)
    assert [block.start for block in blocks[1:]] == [b.start + b.num_frames for b in blocks[:-1]]
    shape = (reader.num_frames, reader.header.num_channels, 6)
    codes = np.full(shape, -1, np.int32)
    for block in blocks:
        if block.packet is not None and block.packet.kind == Kind.PACKED:
            decoded = reader.header.packet_coder.decode(block.packet)
            codes[block.start : block.start + block.num_frames] = decoded
    return codes, reader


def test_header_bytes():
    data = replace(HEADER, total_samples=1_000_000).to_bytes()
    assert data[:40].hex() == (
        "5353541a" "01" "00" "01" "0a" "06" "32" "0140" "0000ac44" "00003e80"
        "00000000000f4240" "0001020304050607" "00000000"
    )  # fmt: skip
    assert data[40:] == zlib.crc32(data[:40]).to_bytes(4, "big")
    assert len(data) == HEADER_BYTES


def test_stored_packet_bytes():
    stream = io.BytesIO()
    writer = ContainerWriter(stream, HEADER)
    writer.write(HEADER.packet_coder.encode(np.array([[[1, 2]]]), denoise=True))
    writer.finish(800)
    data = stream.getvalue()[HEADER_BYTES:]
    assert data[:8].hex() == "a5" "0000" "8200" "004020"  # fmt: skip
    assert data[10:-2].hex() == "a5" "0001" "00c0" "0000000000000320"  # fmt: skip
    # The check value that the CRC's definition gives for "123456789".
    assert binascii.crc_hqx(b"123456789", 0xFFFF) == 0x29B1


@pytest.mark.parametrize("num_frames", [0, 1, 49, 50, 51, 220])
@pytest.mark.parametrize("num_channels", [1, 2, 8])
def test_round_trip(num_frames, num_channels):
    header = replace(HEADER, num_channels=num_channels)
    data, codes = make_file(num_frames, header, total_samples=num_frames * 882 + 5)
    decoded, reader = read_file(data)
    np.testing.assert_array_equal(decoded, codes)
    assert reader.complete and reader.total_samples == num_frames * 882 + 5
    assert reader.header == header and reader.lost_frames == reader.skipped_bytes == 0
    assert reader.num_bytes == len(data)


def test_bitrate_and_denoising_may_change_at_every_packet():
    stream = io.BytesIO()
    writer = ContainerWriter(stream, HEADER)
    sent = [make_codes(2, 1, index % 6 + 1, seed=index) for index in range(30)]
    for index, codes in enumerate(sent):
        writer.write(HEADER.packet_coder.encode(codes, denoise=index % 4 > 1))
    writer.finish(HEADER.num_samples(60))
    received = [block.packet for block in ContainerReader(io.BytesIO(stream.getvalue()))]
    assert len(received) == 30
    for index, (packet, codes) in enumerate(zip(received, sent)):
        np.testing.assert_array_equal(HEADER.packet_coder.decode(packet), codes)
        assert packet.denoise == (index % 4 > 1)


def test_size_is_header_plus_packets_and_overhead_is_under_two_percent():
    data, _ = make_file(500)
    coded_bytes = 500 * 60 // 8
    assert len(data) == HEADER_BYTES + coded_bytes + 10 * PACKED_OVERHEAD_BYTES + 15
    assert 10 * PACKED_OVERHEAD_BYTES / coded_bytes < 0.02


def test_reads_from_a_stream_that_gives_single_bytes():
    class Drip(io.RawIOBase):
        def __init__(self, data):
            self.data, self.position = data, 0

        def read(self, size=-1):
            self.position += 1
            return self.data[self.position - 1 : self.position]

    data, codes = make_file(120)
    reader = ContainerReader(Drip(data))
    decoded = [reader.header.packet_coder.decode(block.packet) for block in reader]
    np.testing.assert_array_equal(np.concatenate(decoded), codes)
    assert reader.complete


def test_any_damaged_byte_costs_at_most_one_packet():
    data, codes = make_file(220)
    rng = np.random.default_rng(0)
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= rng.integers(1, 256)
        decoded, reader = read_file(bytes(damaged))
        assert len(decoded) == len(codes), position
        wrong = np.any(decoded != codes, axis=(1, 2))
        assert wrong.sum() <= 50
        assert np.all(decoded[wrong] == -1), "damaged codes must never be taken for good ones"
        assert reader.lost_frames == wrong.sum()


def test_one_wrong_byte_in_the_header_is_always_told_apart():
    """No two single-byte errors have the same effect on the CRC, whatever the header holds."""
    errors = _single_byte_errors()
    assert len(errors) == 44 * 255 and 0 not in errors


@pytest.mark.parametrize("position", range(HEADER_BYTES))
def test_one_wrong_byte_in_the_header_is_corrected(position):
    header = replace(HEADER, total_samples=123_456, tables_id=77)
    data = bytearray(header.to_bytes())
    data[position] ^= 0x5A
    assert Header.from_bytes(bytes(data)) == header


def test_inserted_and_removed_bytes():
    data, codes = make_file(220)
    start = HEADER_BYTES + 382 * 2 + 100
    for damaged in (data[:start] + b"\xa5junk" + data[start:], data[:start] + data[start + 9 :]):
        decoded, reader = read_file(damaged)
        assert reader.complete and reader.lost_frames == 50
        np.testing.assert_array_equal(decoded[:100], codes[:100])
        np.testing.assert_array_equal(decoded[150:], codes[150:])


@pytest.mark.parametrize("kept", [44, 45, 300, 44 + 382, 44 + 382 * 3 + 1, -1, -20])
def test_a_cut_file_gives_all_before_the_cut_and_is_known(kept):
    data, codes = make_file(220)
    decoded, reader = read_file(data[:kept])
    assert not reader.complete
    whole = (len(data[:kept]) - 44) // 382 * 50 if kept != -1 else 220
    np.testing.assert_array_equal(decoded, codes[: min(whole, 220)])


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "not an .sst file: it is empty"),
        (b"RIFF" + bytes(60), "not an .sst file: it starts with 52 49 46 46"),
        (b"hi", "not an .sst file"),
        (HEADER.to_bytes()[:30], "cut within its header: 30 of 44 bytes"),
        (HEADER.to_bytes()[:6] + b"\0\0\0" + HEADER.to_bytes()[9:], "damaged beyond repair"),
    ],
)
def test_refuses_what_is_no_header(data, message):
    with pytest.raises(BitstreamError, match=message):
        ContainerReader(io.BytesIO(data))


@pytest.mark.parametrize("size", [44, 60])
def test_names_a_newer_version(size):
    body = HEADER.to_bytes()[:4] + b"\x02" + bytes(range(size - 5))
    with pytest.raises(BitstreamError, match="made by a newer version: format 2"):
        Header.from_bytes(body)


@pytest.mark.parametrize(
    "name, value",
    [("num_levels", 0), ("num_channels", 256), ("hop", 0), ("sample_rate", 0), ("model_id", b"")],
)
def test_refuses_impossible_fields(name, value):
    with pytest.raises(BitstreamError, match=name):
        replace(HEADER, **{name: value})


def test_a_claimed_length_costs_nothing():
    header = replace(HEADER, total_samples=10**12)
    data, codes = make_file(3, header, total_samples=10**15)
    decoded, reader = read_file(data)
    np.testing.assert_array_equal(decoded, codes)
    assert reader.total_samples == 10**15


def test_a_reader_holds_less_than_100_kilobytes():
    """Whatever it is given: false starts, a claimed length, sizes that are never reached."""
    header = replace(HEADER, total_samples=10**12, entropy_coded=True)
    noise = np.random.default_rng(0).choice(np.array([0xA5, 0x00, 0xC0, 0x3F], np.uint8), 200_000)
    data = header.to_bytes() + noise.tobytes()
    reader = ContainerReader(io.BytesIO(data))
    tracemalloc.start()
    for _ in reader:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_crafted_frame_numbers_cannot_make_endless_gaps():
    stream = io.BytesIO()
    writer = ContainerWriter(stream, HEADER)
    for _ in range(1000):
        writer.num_frames += 30_000
        writer.write(Packet(Kind.SILENCE, 1, 0, b""))
    _, reader = read_file(stream.getvalue())
    assert reader.num_frames <= 32_768 + 64 * len(stream.getvalue()) / 7


def test_frame_numbers_wrap():
    stream = io.BytesIO()
    writer = ContainerWriter(stream, replace(HEADER, silence=True, frames_per_packet=64))
    for _ in range(2000):
        writer.write(Packet(Kind.SILENCE, 64, 0, b""))
    writer.finish(0)
    data = stream.getvalue()
    _, reader = read_file(data[: 44 + 9 * 1023] + data[44 + 9 * 1026 :])
    assert reader.num_frames == 128_000 and reader.lost_frames == 3 * 64


@pytest.mark.parametrize("filler", [b"\xa5", b"\x00", b"\xa5\x00\x00\x06"])
def test_garbage_is_skipped_in_bounded_time(filler):
    data, codes = make_file(50)
    damaged = data[:44] + filler * (20_000 // len(filler)) + data[44:]
    decoded, reader = read_file(damaged)
    np.testing.assert_array_equal(decoded, codes)
    assert reader.skipped_bytes == len(damaged) - len(data)


def test_packet_payload_stands_alone():
    packet = HEADER.packet_coder.encode(make_codes(2), denoise=True)
    assert Packet.from_bytes(packet.to_bytes()) == packet
    for data in (b"", b"\x06", b"\x00\x00", b"\x86\x81" + bytes(20_000), b"\x01\xff"):
        with pytest.raises(BitstreamError):
            Packet.from_bytes(data)
    with pytest.raises(BitstreamError, match="take 15 bytes"):
        HEADER.packet_coder.decode(Packet(Kind.PACKED, 2, 6, bytes(14)))
