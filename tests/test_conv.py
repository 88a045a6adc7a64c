import numpy as np
import pytest
import tensorflow as tf

from model.conv import CausalConv1D, DownsampleConv1D, UpsampleConv1D, valid_convolution
from tests.contract import check_contract, check_tflite_step, randomize


@pytest.mark.parametrize("dilation", [1, 2, 3, 9])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 7])
def test_causal_conv_contract(kernel_size, dilation):
    check_contract(CausalConv1D(3, 4, kernel_size, dilation=dilation), 3)


@pytest.mark.parametrize("frames", [1, 2, 4])
@pytest.mark.parametrize("stride", [1, 2, 5, 8])
@pytest.mark.parametrize("layer_type", [DownsampleConv1D, UpsampleConv1D])
def test_resampling_contract(layer_type, stride, frames):
    check_contract(layer_type(3, 4, stride, frames=frames), 3, num_chunkings=2)


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(CausalConv1D(3, 4, 3, dilation=9), id="dilated"),
        pytest.param(DownsampleConv1D(3, 4, 5), id="down"),
        pytest.param(UpsampleConv1D(3, 4, 5), id="up"),
    ],
)
def test_tflite_step(layer):
    check_tflite_step(layer, 3)


@pytest.mark.parametrize("kernel_size,dilation", [(1, 1), (3, 1), (3, 3), (7, 9)])
def test_causal_conv_equals_tensorflow(kernel_size, dilation):
    layer = CausalConv1D(3, 4, kernel_size, dilation=dilation)
    randomize(layer)
    x = tf.random.stateless_normal([2, 20, 3], [0, 0])
    padded = tf.pad(x, [[0, 0], [layer.past.length, 0], [0, 0]])
    expected = tf.nn.conv1d(padded, layer.kernel, 1, "VALID", dilations=dilation) + layer.bias
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 5, 8])
def test_downsampling_is_a_strided_convolution(stride, frames):
    layer = DownsampleConv1D(3, 4, stride, frames=frames)
    randomize(layer)
    x = tf.random.stateless_normal([2, 6 * stride, 3], [0, 0])
    kernel = tf.reshape(layer.conv.kernel, [frames * stride, 3, 4])
    padded = tf.pad(x, [[0, 0], [(frames - 1) * stride, 0], [0, 0]])
    expected = tf.nn.conv1d(padded, kernel, stride, "VALID") + layer.conv.bias
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 5, 8])
def test_upsampling_is_a_transposed_convolution(stride, frames):
    layer = UpsampleConv1D(3, 4, stride, frames=frames)
    randomize(layer)
    layer.conv.bias.assign(tf.zeros_like(layer.conv.bias))
    x = tf.random.stateless_normal([2, 6, 3], [0, 0])
    # The newest frame's weights make the first samples of a transposed kernel [width, out, in].
    taps = tf.reshape(layer.conv.kernel[::-1], [frames, 3, stride, 4])
    kernel = tf.reshape(tf.transpose(taps, [0, 2, 3, 1]), [frames * stride, 4, 3])
    length = (6 + frames - 1) * stride
    expected = tf.nn.conv1d_transpose(x, kernel, [2, length, 4], stride, "VALID")
    np.testing.assert_allclose(layer(x), expected[:, : 6 * stride], atol=1e-5)


@pytest.mark.parametrize("taps,dilation", [(1, 1), (3, 1), (3, 4)])
def test_gradient_equals_tensorflow(taps, dilation):
    x = tf.random.stateless_normal([2, 15, 3], [0, 0])
    kernel = tf.random.stateless_normal([taps, 3, 4], [0, 1])

    def theirs(x, kernel):
        return tf.nn.conv1d(x, kernel, 1, "VALID", dilations=dilation)

    def gradients(convolve):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = convolve(x, kernel)
            loss = tf.reduce_sum(tf.sin(y))
        return [y, *tape.gradient(loss, [x, kernel])]

    ours = gradients(lambda x, k: valid_convolution(x, k, dilation, "float32"))
    for one, other in zip(ours, gradients(theirs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_bfloat16_products_keep_float32_in_and_out():
    layer = CausalConv1D(8, 8, 3, product_dtype="bfloat16")
    randomize(layer)
    x = tf.random.stateless_normal([1, 20, 8], [0, 0])
    exact = CausalConv1D(8, 8, 3)
    exact.set_weights(layer.get_weights())
    y, expected = layer(x), exact(x)
    assert y.dtype == tf.float32
    error = tf.norm(y - expected) / tf.norm(expected)
    assert 0 < error < 0.02


def test_a_partial_frame_is_refused():
    layer = DownsampleConv1D(1, 2, 4)
    with pytest.raises(ValueError, match="whole frames of 4 time steps, got 6"):
        layer.step(tf.zeros([1, 6, 1]), layer.initial_state(1))


def test_a_missing_state_is_explained():
    with pytest.raises(ValueError, match="start from initial_state"):
        CausalConv1D(1, 1, 3).step(tf.zeros([1, 4, 1]), {})


def test_wrong_channels_are_named():
    with pytest.raises(ValueError, match="takes 3 channels"):
        CausalConv1D(3, 4, 3)(tf.zeros([1, 8, 2]))


@pytest.mark.parametrize("arguments", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_sizes_must_be_positive(arguments):
    with pytest.raises(ValueError, match="must be positive"):
        CausalConv1D(*arguments)
