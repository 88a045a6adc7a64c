"""Writes format.json: inputs and the exact bytes that every implementation must make of them.

    python tests/golden/make_format_vectors.py

The file is checked in and only changes with the format's version. It needs no model. Byte strings
are hexadecimal; codes of several dimensions are nested lists [frames][channels][levels].
"""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from soundstream.bitstream.container import ContainerReader, ContainerWriter
from soundstream.bitstream.datagrams import DISTANCES, DatagramCoder, Sum
from soundstream.bitstream.entropy_tables import EntropyTables, LevelTable
from soundstream.bitstream.header import Header
from soundstream.bitstream.packets import Kind, Packet, PacketCoder
from soundstream.bitstream.packing import pack_codes
from soundstream.bitstream.range_coder import TOTAL, encode_intervals

PATH = Path(__file__).with_name("format.json")
MODEL_ID = bytes.fromhex("0123456789abcdef")


def pseudo_random(count: int, below: int, seed: int) -> np.ndarray:
    """Numbers that any language can make again: x <- x * 1103515245 + 12345 modulo 2^31."""
    numbers, state = [], seed
    for _ in range(count):
        state = (state * 1103515245 + 12345) % (1 << 31)
        numbers.append((state >> 8) % below)
    return np.array(numbers, np.int32)


def tables() -> EntropyTables:
    """Three levels of sixteen codes: without contexts, with past ones, with both."""
    levels = []
    for level, (num_past, num_depth) in enumerate([(1, 1), (3, 1), (3, 2)]):
        weights = pseudo_random(num_past * num_depth * 16, 1000, level + 1)
        rows = 1 + weights.reshape(num_past, num_depth, 16)
        rows[..., 0] += TOTAL - rows.sum(axis=-1)
        levels.append(
            LevelTable(
                past_context=(np.arange(16) % (num_past - 1) + 1 if num_past > 1 else np.zeros(16))
                .astype(np.uint8),
                depth_context=(np.arange(16) % num_depth).astype(np.uint8),
                frequencies=rows.astype(np.uint16),
            )
        )  # fmt: skip
    return EntropyTables(tuple(levels))


def likely_codes(num_frames: int, num_channels: int) -> np.ndarray:
    """Codes [frames, channels, 3] that `tables` makes shorter: three in four are 0."""
    numbers = pseudo_random(num_frames * num_channels * 3, 64, 11)
    return np.maximum(0, numbers - 48).reshape(num_frames, num_channels, 3)


def _packing() -> list[dict[str, Any]]:
    vectors = []
    for bits, shape in [(10, (3, 1, 6)), (6, (2, 1, 10)), (1, (9, 1, 1)), (16, (1, 2, 2))]:
        codes = pseudo_random(int(np.prod(shape)), 1 << bits, bits).reshape(shape)
        data = pack_codes(codes, bits)
        vectors.append({"bits_per_code": bits, "codes": codes.tolist(), "bytes": data.hex()})
    return vectors


def _range_coder() -> list[dict[str, Any]]:
    half = TOTAL // 2
    cases = [
        ([], []),
        ([half, 0, half], [half, half, half]),
        ([TOTAL - 1] * 12, [1] * 12),  # carries ripple through a row of 255s
        ([TOTAL - 2] * 11 + [0], [1] * 11 + [1]),
        ([100, 32_000, 5], [50, 700, 1]),
    ]
    return [
        {"starts": starts, "frequencies": widths, "bytes": encode_intervals(starts, widths).hex()}
        for starts, widths in cases
    ]


def _entropy() -> dict[str, Any]:
    coded = []
    for channels, levels in [(1, 3), (2, 3), (1, 1)]:
        codes = pseudo_random(8 * channels * levels, 16, 7).reshape(8, channels, levels)
        coded.append({"codes": codes.tolist(), "bytes": tables().encode(codes).hex()})
    return {"tables": tables().to_bytes().hex(), "id": tables().id, "coded": coded}


def _packets() -> list[dict[str, Any]]:
    packets = [
        PacketCoder(10).encode(pseudo_random(6, 1024, 3).reshape(1, 1, 6)),
        PacketCoder(10).encode(pseudo_random(72, 1024, 4).reshape(2, 1, 36), denoise=True),
        PacketCoder(4, 1, tables()).encode(likely_codes(20, 1)),
        Packet(Kind.SILENCE, 20, 0, bytes(range(100, 108))),
        Packet(Kind.SILENCE, 64, 0, b""),
    ]
    return [
        {
            "kind": int(packet.kind),
            "frames": packet.num_frames,
            "levels": packet.num_levels,
            "denoise": packet.denoise,
            "payload": packet.payload.hex(),
            "bytes": packet.to_bytes().hex(),
        }
        for packet in packets
    ]


def _datagrams() -> list[dict[str, Any]]:
    """With redundancy; the tables are those of the entropy coding, null where codes are packed."""
    vectors = []
    for bits, channels, frames, rows, coded in [
        (6, 1, 1, [4], False),
        (10, 1, 1, [3, 5], False),
        (4, 2, 3, [0, 6, 1], False),
        (4, 1, 1, [2], True),
        (4, 2, 10, [1, 7, 0], True),
    ]:
        if coded:
            own = likely_codes(frames, channels)
        else:
            numbers = pseudo_random(frames * channels * 3, 1 << bits, bits)
            own = numbers.reshape(frames, channels, 3)
        sums = [
            Sum(row, own[..., : 1 + row % 3] ^ (i * (len(DISTANCES[row]) > 1)))
            for i, row in enumerate(rows)
        ]
        data = DatagramCoder(bits, channels, tables() if coded else None).encode(
            own, sums, denoise=frames == 3
        )
        assert data[1] >> 6 == 2 + coded
        vectors.append(
            {
                "bits_per_code": bits,
                "denoise": frames == 3,
                "entropy_coded": coded,
                "codes": own.tolist(),
                "sums": [
                    {"distances": list(one.distances), "codes": one.codes.tolist()} for one in sums
                ],
                "bytes": data.hex(),
            }
        )
    return vectors


def _files() -> list[dict[str, Any]]:
    packed = Header(
        sample_rate=44_100,
        coded_rate=16_000,
        hop=320,
        num_channels=1,
        num_levels=6,
        bits_per_code=10,
        model_id=MODEL_ID,
        frames_per_packet=4,
        total_samples=9_000,
    )
    stream = io.BytesIO()
    writer = ContainerWriter(stream, packed)
    for start, levels in enumerate([6, 6, 3]):
        codes = pseudo_random((4 - start) * levels, 1024, start).reshape(-1, 1, levels)
        writer.write(packed.packet_coder.encode(codes))
    writer.finish(7_900)

    mixed = dataclasses.replace(
        packed,
        sample_rate=16_000,
        num_channels=2,
        num_levels=3,
        bits_per_code=4,
        frames_per_packet=20,
        total_samples=None,
        entropy_coded=True,
        denoise=True,
        silence=True,
        tables_id=tables().id,
    )
    coder = PacketCoder(4, 2, tables())
    other = io.BytesIO()
    writer = ContainerWriter(other, mixed)
    writer.write(coder.encode(likely_codes(20, 2), denoise=True))
    writer.write(Packet(Kind.SILENCE, 20, 0, bytes(range(16))))
    writer.write(coder.encode(pseudo_random(12, 16, 9).reshape(2, 2, 3)))
    writer.finish(42 * 320 - 100)

    whole = stream.getvalue()
    flipped = bytearray(whole)
    flipped[44 + 37 + 10] ^= 0x40  # within the second packet
    return [
        _file("one channel, packed, levels change", whole),
        _file("two channels, all kinds of packets, written to a pipe", other.getvalue()),
        _file("a damaged byte in the second packet", bytes(flipped)),
        _file("cut within the third packet", whole[:-25]),
        _file("a damaged byte in the header", whole[:13] + b"\xff" + whole[14:]),
    ]


def _file(name: str, data: bytes) -> dict[str, Any]:
    """What a reader must find; codes are null in gaps and pauses."""
    reader = ContainerReader(io.BytesIO(data))
    coder = dataclasses.replace(reader.header.packet_coder, tables=tables())
    blocks = []
    for block in reader:
        packet = block.packet
        holds_codes = packet is not None and packet.num_levels > 0
        blocks.append(
            {
                "start": block.start,
                "frames": block.num_frames,
                "kind": None if packet is None else int(packet.kind),
                "denoise": packet is not None and packet.denoise,
                "codes": coder.decode(packet).tolist() if packet and holds_codes else None,
            }
        )
    header = dataclasses.asdict(reader.header) | {"model_id": reader.header.model_id.hex()}
    return {
        "name": name,
        "bytes": data.hex(),
        "header": header,
        "blocks": blocks,
        "complete": reader.complete,
        "samples": reader.num_samples,
    }


def make() -> dict[str, Any]:
    """All vectors."""
    return {
        "packing": _packing(),
        "range_coder": _range_coder(),
        "entropy_coding": _entropy(),
        "packets": _packets(),
        "files": _files(),
        "datagrams": _datagrams(),
    }


if __name__ == "__main__":
    lines = [f" {json.dumps(name)}: {json.dumps(vectors)}" for name, vectors in make().items()]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n")
