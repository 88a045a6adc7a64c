"""The bytes of the format do not change: what was written once is written and read the same."""

import io
import json

import numpy as np
import pytest

from bitstream.container import ContainerReader
from bitstream.entropy_tables import EntropyTables
from bitstream.packets import Packet
from bitstream.packing import unpack_codes
from bitstream.range_coder import RangeDecoder
from tests.golden import make_format_vectors

GOLDEN = json.loads(make_format_vectors.PATH.read_text())


@pytest.mark.parametrize("section", list(GOLDEN))
def test_writing_gives_the_same_bytes(section):
    assert json.loads(json.dumps(make_format_vectors.make()[section])) == GOLDEN[section]


@pytest.mark.parametrize("vector", GOLDEN["packing"], ids=lambda vector: vector["bits_per_code"])
def test_packed_bytes_give_the_same_codes(vector):
    codes = np.array(vector["codes"])
    data = bytes.fromhex(vector["bytes"])
    np.testing.assert_array_equal(unpack_codes(data, codes.shape, vector["bits_per_code"]), codes)


@pytest.mark.parametrize("vector", GOLDEN["range_coder"], ids=lambda vector: vector["bytes"][:8])
def test_range_coded_bytes_give_the_same_symbols(vector):
    decoder = RangeDecoder(bytes.fromhex(vector["bytes"]))
    for start, width in zip(vector["starts"], vector["frequencies"], strict=True):
        row = [0, start, start + width, 1 << 15] if start else [0, width, 1 << 15]
        assert row[decoder.decode(row, 0, len(row) - 1)] == start


def test_entropy_coded_bytes_give_the_same_codes():
    entropy = GOLDEN["entropy_coding"]
    tables = EntropyTables.from_bytes(bytes.fromhex(entropy["tables"]))
    assert tables.id == entropy["id"]
    for vector in entropy["coded"]:
        codes = np.array(vector["codes"])
        data = bytes.fromhex(vector["bytes"])
        np.testing.assert_array_equal(tables.decode(data, codes.shape), codes)


@pytest.mark.parametrize("vector", GOLDEN["packets"], ids=lambda vector: str(vector["kind"]))
def test_packets_are_read_the_same(vector):
    packet = Packet.from_bytes(bytes.fromhex(vector["bytes"]))
    assert (packet.kind, packet.num_frames, packet.num_levels, packet.denoise) == (
        vector["kind"],
        vector["frames"],
        vector["levels"],
        vector["denoise"],
    )
    assert packet.payload.hex() == vector["payload"]


@pytest.mark.parametrize("vector", GOLDEN["files"], ids=lambda vector: vector["name"])
def test_files_are_read_the_same(vector):
    reader = ContainerReader(io.BytesIO(bytes.fromhex(vector["bytes"])))
    blocks = [(block.start, block.num_frames, block.packet is None) for block in reader]
    assert blocks == [(b["start"], b["frames"], b["kind"] is None) for b in vector["blocks"]]
    assert (reader.complete, reader.num_samples) == (vector["complete"], vector["samples"])
