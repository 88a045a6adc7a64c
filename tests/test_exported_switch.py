"""Exported graphs of a model that removes noise."""

import numpy as np
import pytest
import tensorflow as tf

from export.flatbuffer.cut_graph import split_encoder
from export.quantize import FLAVOURS
from export.to_tflite import export_model
from model.soundstream import SoundStream
from model.weights import weights_hash
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.contract import fit_codebooks, randomize
from tests.test_to_tflite import float_filters
from tests.tiny import SMALL_SWITCH, harmonic_batch, tiny_config
from tools.benchmark.inspect_graph import FORBIDDEN, num_partitions, operators

BITRATE = 3200
FRAMES = 30


@pytest.fixture(scope="module")
def audio():
    return tf.constant(harmonic_batch(1, FRAMES * tiny_config().hop))


def make_model(audio, **changes):
    model = SoundStream(tiny_config(**SMALL_SWITCH, **changes))
    randomize(model)
    fit_codebooks(model, audio)
    return model


@pytest.fixture(scope="module")
def model(audio):
    return make_model(audio)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    export_model(model, folder, list(FLAVOURS), [BITRATE])
    return folder


@pytest.mark.parametrize("denoise", [0.0, 1.0])
def test_float32_codes_are_those_of_keras(model, folder, audio, denoise):
    encoder = StreamingEncoder(CodecModel.load(folder, "float32"), BITRATE, denoise=denoise)
    expected = model.encode(audio, 4, tf.fill([1, FRAMES], denoise))[0]
    np.testing.assert_array_equal(encoder.encode(audio[0, :, 0].numpy()), expected)
    other = model.encode(audio, 4, tf.fill([1, FRAMES], 1.0 - denoise))[0]
    assert np.any(other != expected)


@pytest.mark.parametrize("flavour,share", [("float16", 0.95), ("dynamic_int8", 0.8)])
@pytest.mark.parametrize("denoise", [0.0, 1.0])
def test_small_flavours_stay_close_to_float32(model, folder, audio, flavour, share, denoise):
    encoder = StreamingEncoder(CodecModel.load(folder, flavour), BITRATE, denoise=denoise)
    codes = encoder.encode(audio[0, :, 0].numpy())
    expected = model.encode(audio, 4, tf.fill([1, FRAMES], denoise))[0]
    assert np.mean(codes[:, :2] == expected[:, :2]) > share


def test_switched_off_it_is_the_plain_codec(model, folder, audio, tmp_path):
    plain = SoundStream(tiny_config())
    for part in ("encoder", "decoder", "quantizer"):
        sources = getattr(model, part).weights
        for source, copy in zip(sources, getattr(plain, part).weights, strict=True):
            copy.assign(source)
    assert weights_hash(plain) == weights_hash(model)
    export_model(plain, tmp_path, list(FLAVOURS), [BITRATE])
    for flavour in FLAVOURS:
        codes = [
            StreamingEncoder(CodecModel.load(path, flavour), BITRATE).encode(audio[0, :, 0].numpy())
            for path in (folder, tmp_path)
        ]
        np.testing.assert_array_equal(*codes)
        names = [path / f"decoder_{flavour}.tflite" for path in (folder, tmp_path)]
        assert names[0].read_bytes() == names[1].read_bytes()


@pytest.mark.parametrize("frames_per_call", [1, 5])
@pytest.mark.parametrize("state", ["explicit", "packed", "variables"])
def test_the_switch_goes_by_packet_on_both_sides(audio, tmp_path, state, frames_per_call):
    model = make_model(audio, denoise_decoder=True)
    export_model(
        model, tmp_path, ["float32"], [BITRATE], frames_per_call=frames_per_call, state=state
    )
    exported = CodecModel.load(tmp_path)
    encoder, decoder = StreamingEncoder(exported, BITRATE), StreamingDecoder(exported)
    half = FRAMES // 2 * exported.metadata.hop
    signal = audio[0, :, 0].numpy()
    codes, decoded = [], []
    for samples, denoise in ((signal[:half], 0.0), (signal[half:], 1.0)):
        encoder.denoise = decoder.denoise = denoise
        codes.append(encoder.encode(samples))
        decoded.append(decoder.decode(codes[-1]))
    switch = tf.repeat(tf.constant([[0.0, 1.0]]), FRAMES // 2, axis=1)
    expected = model.encode(audio, 4, switch)
    np.testing.assert_array_equal(np.concatenate(codes), expected[0])
    assert np.any(expected != model.encode(audio, 4))
    heard = model.decode(expected, switch)[0, :, 0]
    np.testing.assert_allclose(np.concatenate(decoded), heard, atol=1e-4)
    assert np.abs(heard - model.decode(expected)[0, :, 0]).max() > 1e-3


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_graphs_hold_no_forbidden_operator(folder, flavour):
    for nodes in operators((folder / f"encoder_{flavour}.tflite").read_bytes()).values():
        assert not {node.name for node in nodes} & set(FORBIDDEN)


def test_only_the_convolutions_of_audio_stay_in_float(folder):
    for floats, count in float_filters(folder / "encoder_dynamic_int8.tflite"):
        # Of both encoders, patches of 4 samples to 8 channels, see tests/tiny.py.
        assert floats == [(8, 4, 1, 4)] * 2
        assert count > 20


def test_net_and_search_can_be_told_apart(folder):
    net, search = split_encoder(
        (folder / "encoder_float32.tflite").read_bytes(), f"encode_{BITRATE:05d}"
    )
    names = [{node.name for node in operators(part)["main"]} for part in (net, search)]
    assert "ARG_MAX" not in names[0] and "CONV_2D" not in names[1]
    assert num_partitions(search, "main") <= 4
