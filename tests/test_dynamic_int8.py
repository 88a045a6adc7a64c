import numpy as np
import pytest
import tensorflow as tf

from model.conv import CausalConv1D
from model.dynamic_int8 import STEPS, WINDOW, round_input, round_kernel
from model.soundstream import SoundStream
from model.weights import load_model, named_weights
from soundstream.tflite.runtime import CodecModel, StreamingDecoder
from tests.contract import randomize
from tests.tiny import harmonic_batch

MODEL = "pretrained/speech"


def test_kernels_are_rounded_filter_by_filter():
    scale = 10.0 ** np.arange(-2, 2)
    kernel = np.random.default_rng(0).normal(size=[3, 8, 4]).astype(np.float32) * scale
    rounded = round_kernel(tf.constant(kernel, tf.float32)).numpy()
    for filter_, given in zip(rounded.transpose(2, 0, 1), kernel.transpose(2, 0, 1)):
        step = np.abs(given).max() / 127
        np.testing.assert_allclose(filter_, np.round(given / step) * step, rtol=1e-4, atol=1e-6)


def test_inputs_are_rounded_by_the_range_around_them():
    x = np.random.default_rng(0).normal(size=[2, 40, 8]).astype(np.float32)
    x[:, 20:] *= 1e-3
    rounded = round_input(tf.constant(x)).numpy()
    for time in range(40):
        around = x[:, max(0, time - WINDOW // 2) : time + WINDOW // 2 + 1]
        ranges = around.max(axis=(1, 2)) - around.min(axis=(1, 2))
        error = np.abs(rounded[:, time] - x[:, time]).max(axis=1)
        # Ends are rounded too, to keep zero a step: up to a whole one is lost there.
        assert np.all(error <= 1.01 * ranges / STEPS)
    assert np.abs(rounded - x).max() > 0.003
    assert np.abs(rounded[:, 30:] - x[:, 30:]).max() < 1e-4


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_zero_stays_zero_where_all_have_one_sign(sign):
    x = sign * np.abs(np.random.default_rng(0).normal(size=[1, 20, 4])).astype(np.float32)
    x[:, ::2, 0] = 0.0
    assert np.all(round_input(tf.constant(x)).numpy()[:, ::2, 0] == 0.0)
    assert not np.any(round_input(tf.zeros([1, 5, 3])))


def test_gradients_are_those_of_the_rounded_numbers():
    rounding = CausalConv1D(4, 3, 3, product_dtype="int8")
    plain = CausalConv1D(4, 3, 3, product_dtype="bfloat16")
    randomize(rounding)
    plain.kernel.assign(round_kernel(rounding.kernel))
    plain.bias.assign(rounding.bias)
    x = tf.random.stateless_normal([2, 10, 4], [0, 0])
    gradients = []
    for layer, signal in ((rounding, x), (plain, round_input(tf.pad(x, [[0, 0], [2, 0], [0, 0]])))):
        with tf.GradientTape() as tape:
            tape.watch(signal)
            y = layer(signal)[:, -10:]
            loss = tf.reduce_sum(y**2)
        gradients.append((y, *tape.gradient(loss, [signal, layer.kernel])))
    (y, d_x, d_kernel), (expected, d_padded, d_expected) = gradients
    np.testing.assert_allclose(y, expected, atol=0.02)
    np.testing.assert_allclose(d_x, d_padded[:, 2:], atol=0.2)
    np.testing.assert_allclose(d_kernel, d_expected, rtol=0.05, atol=0.2)


def test_it_is_what_the_exported_decoder_does():
    """Not to the last bit: a call's range is that of a frame. But nearer to it than to float."""
    model = load_model(f"{MODEL}/weights.npz")
    rounding = SoundStream(model.config, product_dtype="int8")
    for name, variable in named_weights(rounding).items():
        variable.assign(named_weights(model)[name])
    audio = tf.constant(harmonic_batch(1, 50 * model.config.hop))
    codes = model.encode(audio, 20)
    decoded = StreamingDecoder(CodecModel.load(MODEL, "dynamic_int8")).decode(codes[0].numpy())
    error = {
        name: np.mean((m.decode(codes)[0, :, 0].numpy() - decoded) ** 2)
        for name, m in (("float", model), ("rounding", rounding))
    }
    assert error["rounding"] < 0.8 * error["float"]
