"""The bytes of the format do not change: what was written once is written and read the same."""

import io
import json

import numpy as np
import pytest

from soundstream.bitstream.container import ContainerReader
from soundstream.bitstream.entropy_tables import EntropyTables
from soundstream.bitstream.packets import Packet, PacketCoder
from soundstream.bitstream.packing import unpack_codes
from soundstream.bitstream.range_coder import RangeDecoder
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.golden import make_format_vectors, make_model_vectors

GOLDEN_FOLDER = make_model_vectors.FOLDER
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


@pytest.mark.parametrize("path", sorted(GOLDEN_FOLDER.glob("model_*.json")), ids=lambda p: p.stem)
def test_shipped_models_keep_their_promises(path):
    golden = json.loads(path.read_text())
    folder = GOLDEN_FOLDER.parents[1] / "pretrained" / golden["model"]
    for vector in golden["vectors"]:
        model = CodecModel.load(folder, vector["flavour"])
        metadata = model.metadata
        assert metadata.model_id == golden["model_id"], "run tests/golden/make_model_vectors.py"
        codes = np.array(vector["codes"], np.int32)
        coder = PacketCoder(metadata.bits_per_code)
        packet = coder.encode(codes[:, None])
        assert packet.to_bytes().hex() == vector["packet"]
        np.testing.assert_array_equal(coder.decode(packet)[:, 0], codes)
        audio = StreamingDecoder(model).decode(codes) * 32768
        np.testing.assert_allclose(audio, vector["audio"], atol=2)
        samples = make_model_vectors.signal(len(codes) * metadata.hop)
        denoise = float(metadata.denoise)
        again = StreamingEncoder(model, vector["bitrate_bps"], denoise).encode(samples)
        assert np.mean(again == codes) > 0.98  # another processor may break ties otherwise
