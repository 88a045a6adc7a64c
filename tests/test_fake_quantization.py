import numpy as np
import pytest
import tensorflow as tf

from model.fake_quantization import STEPS, FakeQuantize
from model.soundstream import SoundStream
from model.streaming import Elu, Sequential
from model.weights import load_model, named_weights, save_model, with_int8_nets
from tests.contract import TINY, check_tflite_step, fit_codebooks, randomize, run_chunks


@pytest.fixture
def layer():
    layer = FakeQuantize()
    layer.set_range(-1.0, 2.0)
    return layer


def test_outputs_are_256_values_with_zero_among_them(layer):
    x = tf.reshape(tf.linspace(-3.0, 3.0, 10_000), [1, -1, 1])
    values = np.unique(layer(x))
    assert len(values) == STEPS + 1
    assert 0.0 in values
    np.testing.assert_allclose([values[0], values[-1]], [-1.0, 2.0], atol=0.01)
    np.testing.assert_allclose(np.diff(values), 3.0 / STEPS, rtol=1e-3)


@pytest.fixture(params=[False, True], ids=["fixed", "learnt"])
def either(request, layer):
    layer.trainable = request.param
    return layer


def test_values_inside_move_by_half_a_step_at_most(either):
    x = tf.random.stateless_uniform([1, 1000, 1], [0, 0], -0.9, 1.9)
    assert np.abs(either(x) - x).max() <= 1.5 / STEPS * 1.001


def test_gradient_passes_inside_and_not_outside(either):
    x = tf.constant([[[-2.0], [-0.5], [0.5], [1.5], [2.5]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = either(x)
    np.testing.assert_allclose(tape.gradient(y, x).numpy().ravel(), [0, 1, 1, 1, 0], rtol=1e-6)


def test_a_scale_that_is_learnt_gives_the_same_values(layer):
    x = tf.random.stateless_uniform([1, 1000, 1], [0, 0], -2.0, 3.0)
    expected = layer(x)
    layer.trainable = True
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)


def test_gradient_of_the_scale(layer):
    """Clipped values follow the scale; those inside follow their rounding error."""
    layer.trainable = True
    x = tf.constant([[[-2.0], [0.5], [2.5]]])
    with tf.GradientTape() as tape:
        y = layer(x)
    scale = np.exp(layer.log_scale.numpy())
    zero = layer.zero_point.numpy()
    rounding = np.round(0.5 / scale) - 0.5 / scale
    expected = scale * (-zero + rounding + STEPS - zero)
    np.testing.assert_allclose(tape.gradient(y, layer.log_scale), expected, rtol=1e-4)


def test_tflite_step():
    check_tflite_step(Sequential([Elu(name="elu"), FakeQuantize(name="rounded")]), 3)


def test_everything_but_the_audio_is_rounded():
    model = SoundStream(TINY.replace(int8_nets=True))
    encoder = [layer.name for layer in model.encoder.layers]
    decoder = [layer.name for layer in model.decoder.layers]
    assert encoder[:3] == ["gain", "first", "first_rounded"]
    assert encoder[-2:] == ["last", "last_rounded"]
    assert decoder[:3] == ["embedding_rounded", "first", "first_rounded"]
    assert decoder[-3:-1] == ["block_0_unit_1_rounded", "last"]
    units = len(TINY.strides) * len(TINY.dilations)
    # In a unit: two of ELU, two convolutions. On the trunk: one for each layer.
    expected = 2 * (4 * units + units + len(TINY.strides) + 2)
    rounded = [m for m in model.submodules if isinstance(m, FakeQuantize)]
    assert len(rounded) == expected


@pytest.fixture(scope="module")
def audio():
    return tf.random.stateless_normal([2, 40 * TINY.hop, 1], [0, 1])


@pytest.fixture(scope="module")
def model(audio):
    model = SoundStream(TINY)
    randomize(model)
    fit_codebooks(model, audio)
    return model


def test_a_rounded_model_is_near_the_float_one(model, audio):
    rounded = with_int8_nets(model, audio)
    for expected, actual in (
        (model.embed(audio), rounded.embed(audio)),
        (model.decode(model.encode(audio, 3)), rounded.decode(model.encode(audio, 3))),
    ):
        noise = tf.reduce_mean((actual - expected) ** 2) / tf.reduce_mean(expected**2)
        assert 1e-6 < noise < 10**-1.5


def test_a_rounded_model_streams(model, audio):
    rounded = with_int8_nets(model, audio)
    whole = rounded.embed(audio)
    streamed, _ = run_chunks(rounded.encoder, audio, [TINY.hop, 30 * TINY.hop, 9 * TINY.hop])
    # A value on the edge between two steps may fall to either side.
    noise = tf.reduce_mean((streamed - whole) ** 2) / tf.reduce_mean(whole**2)
    assert noise < 1e-4


def test_rounded_models_are_saved_with_their_ranges(model, audio, tmp_path):
    rounded = with_int8_nets(model, audio)
    save_model(rounded, tmp_path / "w.npz", half_precision=False)
    loaded = load_model(tmp_path / "w.npz")
    assert loaded.config.int8_nets
    for name, variable in named_weights(rounded).items():
        np.testing.assert_array_equal(variable, named_weights(loaded)[name])
