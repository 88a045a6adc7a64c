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

from data.selection import find_recordings
from export import quantize
from export.flatbuffer.cut_graph import split_encoder
from export.flatbuffer.half_precision import CODEBOOKS, CONVOLUTIONS, halve
from export.to_tflite import calibrated, calibration_speech, export_model
from metrics.registry import find_metrics
from model.soundstream import SoundStream
from model.weights import named_weights, with_int8_nets
from soundstream.audio import write_audio
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.contract import fit_codebooks, randomize
from tests.tiny import harmonic_batch, tiny_config
from tools.benchmark.inspect_graph import FORBIDDEN, num_partitions, operators
from tools.study.compare_flavours import compare, table

CONFIG = tiny_config()
FRAMES = 60


@pytest.fixture(scope="module")
def audio():
    return harmonic_batch(1, FRAMES * CONFIG.hop)[0, :, 0]


@pytest.fixture(scope="module")
def model(audio):
    # Greedy: of several paths the best changes with the least rounding, and all codes with it.
    model = SoundStream(CONFIG, search_paths=1)
    randomize(model)
    fit_codebooks(model, tf.constant(audio[None, :, None]))
    return model


@pytest.fixture(scope="module")
def int8_model(model, audio):
    return with_int8_nets(model, tf.constant(audio[None, :, None]))


@pytest.fixture(scope="module")
def folder(model, int8_model, audio, tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantized")
    flavours = ["float32", "int8", "int16"]
    int8_models = {"int8": int8_model}
    export_model(model, folder, flavours, [1600, 3200], 1, "explicit", int8_models, audio)
    return folder


def read(folder, part, flavour):
    return (folder / f"{part}_{flavour}.tflite").read_bytes()


def input_types(content, operator):
    """How many operators of a name take which type."""
    nodes = Interpreter(model_content=content)._get_ops_details()
    types = (node["operand_types"][0] for node in nodes if node["op_name"] == operator)
    return Counter(np.dtype(kind).name for kind in types)


def test_int8_computes_what_the_rounded_net_does(int8_model, folder, audio):
    codes = int8_model.encode(audio[None, :, None], 4)
    exported = CodecModel.load(folder, "int8")
    # A value on the edge between two steps may fall to either side.
    assert np.mean(StreamingEncoder(exported, 3200).encode(audio) == codes[0]) > 0.9
    expected = int8_model.decode(codes)[0, :, 0].numpy()
    decoded = StreamingDecoder(exported).decode(codes[0].numpy())
    assert snr_db(expected, decoded) > 25


def test_int8_stays_near_float32(model, folder, audio):
    codes = model.encode(audio[None, :, None], 4)
    decoded = StreamingDecoder(CodecModel.load(folder, "int8")).decode(codes[0].numpy())
    assert snr_db(model.decode(codes)[0, :, 0].numpy(), decoded) > 15


def snr_db(expected, actual):
    return 10 * np.log10(np.mean(expected**2) / np.mean((actual - expected) ** 2))


@pytest.mark.parametrize("flavour,elu", [("int8", "int8"), ("int16", "float32")])
def test_nets_compute_in_integers_and_the_search_in_float32(folder, flavour, elu):
    decoder = read(folder, "decoder", flavour)
    net, search = split_encoder(read(folder, "encoder", flavour), "encode_03200")
    for content in (decoder, net):
        # The convolution of the audio is the one in float.
        assert input_types(content, "CONV_2D")["float32"] == 1
        assert input_types(content, "CONV_2D")[flavour] > 10
        assert input_types(content, "CONCATENATION")[flavour] > 5
        assert set(input_types(content, "ELU")) == {elu}
    assert set(input_types(net, "ADD")) == {flavour}
    for operator in ("FULLY_CONNECTED", "SUB", "ARG_MAX"):
        assert set(input_types(search, operator)) == {"float32"}


def test_int8_nets_are_whole(folder):
    net, _ = split_encoder(read(folder, "encoder", "int8"), "encode_03200")
    assert num_partitions(net, "main") == 1
    assert num_partitions(read(folder, "decoder", "int8"), "decode") == 1
    for part in ("encoder", "decoder"):
        for nodes in operators(read(folder, part, "int8")).values():
            assert not {node.name for node in nodes} & set(FORBIDDEN)


def test_int8_of_several_frames_per_call(model, int8_model, folder, audio, tmp_path):
    export_model(model, tmp_path, ["int8"], [3200], 5, int8_models={"int8": int8_model})
    expected, exported = (CodecModel.load(path, "int8") for path in (folder, tmp_path))
    codes = StreamingEncoder(expected, 3200).encode(audio)
    # XNNPACK rounds a value on the edge between two steps by the number of frames.
    assert np.mean(StreamingEncoder(exported, 3200).encode(audio) == codes) > 0.95
    decoded = StreamingDecoder(exported).decode(codes)
    noise = decoded - StreamingDecoder(expected).decode(codes)
    assert np.mean(noise**2) < 1e-3 * np.mean(decoded**2)
    assert num_partitions(read(tmp_path, "decoder", "int8"), "decode") == 1


def test_net_and_search_of_several_frames_come_apart(audio, tmp_path):
    model = SoundStream(CONFIG)  # several paths: the search takes the embedding in two shapes
    signal = tf.constant(audio[None, :, None])
    fit_codebooks(model, signal)
    int8_models = {"int8": with_int8_nets(model, signal)}
    export_model(model, tmp_path, ["int8"], [3200], 5, int8_models=int8_models)
    for part in split_encoder(read(tmp_path, "encoder", "int8"), "encode_03200"):
        interpreter = Interpreter(model_content=part)
        interpreter.allocate_tensors()
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
        interpreter.invoke()


@pytest.mark.parametrize("state", ["packed", "variables"])
def test_int8_needs_explicit_state(model, int8_model, tmp_path, state):
    int8_models = {"int8": int8_model}
    with pytest.raises(ValueError, match=f"state {state} is not for int8"):
        export_model(model, tmp_path, ["int8"], [3200], state=state, int8_models=int8_models)


def test_int16_loses_next_to_nothing(model, folder, audio):
    codes = model.encode(audio[None, :, None], 4)[0].numpy()
    exported = CodecModel.load(folder, "int16")
    assert np.mean(StreamingEncoder(exported, 3200).encode(audio) == codes) > 0.9
    expected = StreamingDecoder(CodecModel.load(folder, "float32")).decode(codes)
    assert snr_db(expected, StreamingDecoder(exported).decode(codes)) > 30


def test_int16_of_several_frames_per_call(model, folder, audio, tmp_path):
    export_model(model, tmp_path, ["int16"], [3200], 5, int16_speech=audio)
    codes = model.encode(audio[None, :, None], 4)[0].numpy()
    expected, decoded = (
        StreamingDecoder(CodecModel.load(path, "int16")).decode(codes)
        for path in (folder, tmp_path)
    )
    assert snr_db(expected, decoded) > 30


def test_int16_needs_speech_and_explicit_state(model, audio, tmp_path):
    with pytest.raises(ValueError, match=r"flavour .'int16'.: choose from"):
        export_model(model, tmp_path, ["int16"])
    with pytest.raises(ValueError, match="state packed is not for int16"):
        export_model(model, tmp_path, ["int16"], state="packed", int16_speech=audio)


def test_int8_needs_a_model_of_its_own(model, tmp_path):
    with pytest.raises(ValueError, match=r"flavour .'int8'.: choose from"):
        export_model(model, tmp_path, ["int8"])


def test_int8_with_other_codebooks_is_refused(model, int8_model, tmp_path):
    other = SoundStream(CONFIG.replace(int8_nets=True))
    with pytest.raises(ValueError, match="int8_qat has other codebooks"):
        export_model(model, tmp_path, ["int8_qat"], int8_models={"int8_qat": other})


def test_int8_is_not_made_from_float_weights(model, tmp_path):
    with pytest.raises(ValueError, match="int8_qat: not this codec with int8 nets"):
        export_model(model, tmp_path, ["int8_qat"], int8_models={"int8_qat": model})


def test_ranges_are_set_on_recordings(model, audio, tmp_path):
    write_audio(tmp_path / "speech.wav", audio[:, None], CONFIG.sample_rate)
    calibrated_model = calibrated(model, calibration_speech(CONFIG, str(tmp_path), 1, 10.0))
    assert calibrated_model.config == CONFIG.replace(int8_nets=True)
    scales = [v for n, v in named_weights(calibrated_model).items() if n.endswith("log_scale")]
    assert len(np.unique(scales)) > len(scales) // 2


def test_halving_rounds_weights_and_nothing_else(folder, model):
    content = read(folder, "decoder", "float32")
    halved = halve(content, CODEBOOKS | CONVOLUTIONS)
    weights = sum(w.shape.num_elements() for w in model.decoder.trainable_weights)
    codebooks = model.quantizer.codebooks.shape.num_elements()
    assert len(content) - len(halved) > 1.7 * (weights + codebooks) - 20_000
    before, after = (
        Counter(node.name for node in operators(c)["decode"]) for c in (content, halved)
    )
    convolutions = before["CONV_2D"]
    assert after - before == Counter({"DEQUANTIZE": convolutions + 1})


@pytest.mark.parametrize("flavour", quantize.FLAVOURS)
def test_constants_are_inside_of_the_flatbuffer(flavour):
    """Older runtimes do not look behind it."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=[3, 1, 64, 512]).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, 10, 1, 64], tf.float32)])
    def graph(x):
        return tf.nn.conv2d(x, kernel, 1, "VALID")

    traced = graph.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], graph)
    content = quantize.FLAVOURS[flavour](converter.convert())
    model = schema.Model.GetRootAs(content, 0)
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    assert all(buffer.Offset() == 0 for buffer in buffers)
    assert max(buffer.DataLength() for buffer in buffers) >= kernel.size


def test_flavours_are_compared(folder, audio, tmp_path):
    for index in range(2):
        write_audio(tmp_path / f"{index}.wav", audio[:, None], CONFIG.sample_rate)
    recordings = find_recordings(str(tmp_path), "valid", ["speech"])
    metrics, _ = find_metrics(["si_sdr"])
    rows = compare(folder, recordings, [1600], metrics, 1.0, rounds=1)
    float32, int8, int16 = rows
    assert [row.flavour for row in rows] == ["float32", "int8", "int16"]
    assert float32.same_codes == 1 > max(int8.same_codes, int16.same_codes)
    assert min(int8.same_codes, int16.same_codes) > 0.5
    assert max(int8.bytes, int16.bytes) < float32.bytes
    assert min(row.microseconds for row in rows) > 0
    scores = [row.scores["si_sdr"].mean for row in rows]
    assert int8.changes["si_sdr"].mean == pytest.approx(scores[1] - scores[0])
    assert float32.changes["si_sdr"].high == 0 != int8.changes["si_sdr"].mean
    lines = table(rows, metrics).splitlines()
    assert len(lines) == 2 + 3 and len({line.count("|") for line in lines}) == 1


def test_comparison_needs_float32(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    values = json.loads((copy / "metadata.json").read_text()) | {"flavours": ["int8"]}
    (copy / "metadata.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match="no float32 files to compare with"):
        compare(copy, [], [1600], [], 1.0)


def test_the_command_names_missing_recordings(folder, tmp_path):
    command = [sys.executable, "tools/study/compare_flavours.py", f"--model_dir={folder}"]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [*command, f"--input_dir={tmp_path}"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 1 and "no audio files" in done.stderr
    assert "Traceback" not in done.stderr
