import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from export.flatbuffer import cut_graph
from export.flatbuffer.cut_graph import split_encoder
from export.quantize import FLAVOURS
from export.to_tflite import export_model
from model.soundstream import SoundStream
from model.weights import save_model, weights_hash
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.contract import fit_codebooks, randomize
from tests.tiny import tiny_config
from tools.benchmark.inspect_graph import FORBIDDEN, num_partitions, operators

BITRATES = [1600, 3200]
LEVELS = {1600: 2, 3200: 4}
FRAMES = 30


@pytest.fixture(scope="module")
def audio():
    shape = [1, FRAMES * tiny_config().hop, 1]
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def model(audio):
    model = SoundStream(tiny_config())
    randomize(model)
    fit_codebooks(model, tf.constant(audio))
    return model


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    export_model(model, folder, list(FLAVOURS), BITRATES)
    return folder


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.mark.parametrize("bitrate_bps", [800, 1600, 3200])
def test_float32_codes_are_those_of_keras(model, folder, audio, bitrate_bps):
    exported = CodecModel.load(folder, "float32")
    codes = StreamingEncoder(exported, bitrate_bps).encode(audio[0, :, 0])
    # A rate without a signature of its own gets the first levels of a higher one's.
    searched = min(rate for rate in exported.metadata.bitrates_bps if rate >= bitrate_bps)
    expected = model.encode(audio, searched // 800)[0, :, : bitrate_bps // 800]
    assert len(np.unique(expected)) > 4
    np.testing.assert_array_equal(codes, expected)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_float32_audio_is_that_of_keras(model, folder, audio, levels):
    codes = model.encode(audio, levels)
    decoded = StreamingDecoder(CodecModel.load(folder, "float32")).decode(codes[0].numpy())
    np.testing.assert_allclose(decoded, model.decode(codes)[0, :, 0], atol=1e-5)


@pytest.mark.parametrize("flavour,min_snr_db", [("float16", 50), ("dynamic_int8", 20)])
def test_small_flavours_stay_close_to_float32(model, folder, audio, flavour, min_snr_db):
    codes = model.encode(audio, 4)
    expected = model.decode(codes)[0, :, 0].numpy()
    decoded = StreamingDecoder(CodecModel.load(folder, flavour)).decode(codes[0].numpy())
    error = np.mean((decoded - expected) ** 2)
    assert 10 * np.log10(np.mean(expected**2) / error) > min_snr_db
    theirs = StreamingEncoder(CodecModel.load(folder, flavour), 1600).encode(audio[0, :, 0])
    assert np.mean(theirs == model.encode(audio, 2)[0]) > 0.8


def test_graphs_hold_no_forbidden_operator(folder, flavour):
    for part in ("encoder", "decoder"):
        for nodes in operators((folder / f"{part}_{flavour}.tflite").read_bytes()).values():
            names = Counter(node.name for node in nodes)
            assert not set(names) & set(FORBIDDEN), names
            assert names["CONV_2D"] == len([n for n in nodes if n.macs]) - names["FULLY_CONNECTED"]


def float_filters(path):
    """Shapes of the filters in float32, and the number of all, of each graph in a file."""
    model = cut_graph.read(path.read_bytes())
    names = cut_graph.operator_names(model)
    for graph in model.subgraphs:
        filters = [
            graph.tensors[node.inputs[1]]
            for node in graph.operators
            if names[node.opcodeIndex] == "CONV_2D"
        ]
        floats = [tuple(f.shape) for f in filters if f.type == schema.TensorType.FLOAT32]
        yield floats, len(filters)


def test_audio_is_convolved_in_float(folder):
    for part in ("encoder", "decoder"):
        for floats, count in float_filters(folder / f"{part}_dynamic_int8.tflite"):
            # Patches of 4 samples from or to 8 channels, see tests/tiny.py.
            assert floats == [(8, 4, 1, 4) if part == "encoder" else (4, 4, 1, 8)]
            assert count > 10


def test_nets_are_one_xnnpack_partition(folder, flavour):
    decoder = (folder / f"decoder_{flavour}.tflite").read_bytes()
    assert num_partitions(decoder, "decode") == 1
    # The encoder's net makes one with the first level; TOPK_V2 and GATHER part the further ones,
    # and float16 codebooks are widened in one of their own.
    encoder = (folder / f"encoder_{flavour}.tflite").read_bytes()
    for bitrate, levels in LEVELS.items():
        assert num_partitions(encoder, f"encode_{bitrate:05d}") <= levels + (flavour == "float16")


def test_each_bitrate_searches_only_its_levels(folder):
    graphs = operators((folder / "encoder_float32.tflite").read_bytes())
    searched = {
        name: sum(node.name == "FULLY_CONNECTED" for node in nodes)
        for name, nodes in graphs.items()
    }
    assert searched == {"encode_01600": 2, "encode_03200": 4}


def test_codebooks_are_stored_once(model, folder):
    size = (folder / "encoder_float32.tflite").stat().st_size
    net = sum(w.shape.num_elements() for w in model.encoder.trainable_weights)
    codebooks = model.quantizer.codebooks.shape.num_elements()
    graphs = 80_000  # operators, shapes and names of the signatures
    assert size < 4 * (net + codebooks) + graphs


def test_metadata_describes_the_model(model, folder):
    values = json.loads((folder / "metadata.json").read_text())
    assert values["format_version"] == 1
    assert values["model_id"] == weights_hash(model)
    assert (values["sample_rate"], values["hop"]) == (8000, 40)
    assert values["encoder_signatures"] == {"1600": "encode_01600", "3200": "encode_03200"}
    assert values["frame_bits"] == {"1600": 8, "3200": 16}
    assert values["flavours"] == list(FLAVOURS)


def test_a_file_is_replaced_when_the_new_one_is_whole(folder, model, tmp_path, monkeypatch):
    copy = shutil.copytree(folder, tmp_path / "model")
    before = {path.name: path.read_bytes() for path in copy.iterdir()}

    def interrupted(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_model(model, copy, ["float32"], [3200])
    for name, content in before.items():
        assert (copy / name).read_bytes() == content


def test_several_frames_per_call(model, tmp_path, audio):
    export_model(model, tmp_path, ["float32"], [3200], frames_per_call=5)
    exported = CodecModel.load(tmp_path)
    codes = StreamingEncoder(exported, 3200).encode(audio[0, :, 0])
    np.testing.assert_array_equal(codes, model.encode(audio, 4)[0])
    decoded = StreamingDecoder(exported).decode(codes)
    np.testing.assert_allclose(decoded, model.decode(codes[None])[0, :, 0], atol=1e-5)
    one_frame = StreamingEncoder(exported, 3200).encode(audio[0, :40, 0])
    np.testing.assert_array_equal(one_frame, codes[:1])


@pytest.mark.parametrize("state", ["packed", "variables"])
def test_other_forms_of_state_code_the_same(model, folder, tmp_path, audio, state):
    export_model(model, tmp_path, ["float32", "dynamic_int8"], [3200], state=state)
    for flavour in ("float32", "dynamic_int8"):
        expected, exported = (CodecModel.load(path, flavour) for path in (folder, tmp_path))
        signal = audio[0, :, 0]
        codes = StreamingEncoder(expected, 3200).encode(signal)
        decoded = StreamingDecoder(expected).decode(codes)
        # Two streams by turns, the second half as long, then one more from the start.
        streams = [StreamingEncoder(exported, 3200) for _ in range(2)]
        half = len(signal) // 2
        pieces = [stream.encode(signal[:half]) for stream in streams]
        pieces.append(streams[0].encode(signal[half:]))
        np.testing.assert_array_equal(np.concatenate([pieces[0], pieces[2]]), codes)
        np.testing.assert_array_equal(pieces[1], codes[: FRAMES // 2])
        streams[1].reset()
        np.testing.assert_array_equal(streams[1].encode(signal), codes)
        np.testing.assert_array_equal(StreamingDecoder(exported).decode(codes), decoded)
        assert num_partitions((tmp_path / f"decoder_{flavour}.tflite").read_bytes(), "decode") == 1


def test_unknown_flavours_and_bitrates_are_refused(model, tmp_path):
    with pytest.raises(ValueError, match=r"flavour .'int3'.: choose from"):
        export_model(model, tmp_path, ["int3"])
    with pytest.raises(ValueError, match="bitrate 900 bps is not possible"):
        export_model(model, tmp_path, ["float32"], [900])


def test_the_net_of_the_encoder_is_one_partition(folder, flavour):
    content = (folder / f"encoder_{flavour}.tflite").read_bytes()
    net, search = split_encoder(content, "encode_03200")
    assert num_partitions(net, "main") == 1
    names = [{node.name for node in operators(part)["main"]} for part in (net, search)]
    assert "ARG_MAX" not in names[0] and "CONV_2D" not in names[1]


def test_net_and_search_apart_make_the_encoder(model, folder, audio):
    net, search = (
        Interpreter(model_content=part)
        for part in split_encoder((folder / "encoder_float32.tflite").read_bytes(), "encode_03200")
    )
    for part in (net, search):
        part.allocate_tensors()
    for detail in net.get_input_details():
        zeros = np.zeros(detail["shape"], np.float32)
        first = audio[:, : model.config.hop, 0]
        net.set_tensor(detail["index"], first if "audio" in detail["name"] else zeros)
    net.invoke()
    embedding = net.get_tensor(net.get_output_details()[0]["index"])
    search.set_tensor(search.get_input_details()[0]["index"], embedding)
    search.invoke()
    codes = search.get_tensor(search.get_output_details()[0]["index"])
    np.testing.assert_array_equal(codes[0], model.encode(audio, 4)[0, :1])


def test_the_command_exports_saved_weights(model, tmp_path):
    save_model(model, tmp_path / "weights.npz", half_precision=False)
    done = run_command(
        f"--weights={tmp_path / 'weights.npz'}",
        f"--output_dir={tmp_path / 'model'}",
        "--flavour=float32",
        "--bitrate_bps=3200",
    )
    assert done.returncode == 0, done.stderr
    assert CodecModel.load(tmp_path / "model").metadata.model_id == weights_hash(model)


def test_the_command_says_in_one_line_what_is_wrong(tmp_path):
    done = run_command("--weights=nothing.npz", f"--output_dir={tmp_path}")
    assert done.returncode == 1
    assert "nothing.npz holds no codec weights" in done.stderr
    assert "Traceback" not in done.stderr


def run_command(*arguments):
    command = [sys.executable, "export/to_tflite.py", *arguments]
    root = Path(__file__).resolve().parents[1]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)
