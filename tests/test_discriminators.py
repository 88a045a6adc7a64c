import numpy as np
import pytest
import tensorflow as tf

from model.backend import keras
from training.discriminators import KINDS, Discriminators, GroupedConv1D


@pytest.mark.parametrize("kind", KINDS)
def test_feature_maps_end_in_logits(kind):
    members = Discriminators([kind], channels=4, windows=(256, 128))(tf.zeros([2, 4096]))
    assert len(members) == {"wave": 3, "stft": 1, "ms_stft": 2}[kind]
    for maps in members:
        assert len(maps) > 3
        assert maps[-1].shape[0] == 2
        assert maps[-1].shape[-1] == 1
        assert all(m.dtype == tf.float32 for m in maps)


def test_wave_discriminator_has_the_papers_widths():
    wave = Discriminators(["wave"])
    wave(tf.zeros([1, 4096]))
    filters = [conv.filters for conv in wave.members[0].convolutions]
    assert filters == [16, 64, 256, 1024, 1024, 1024, 1]


@pytest.mark.parametrize("time", [64, 61, 3])
@pytest.mark.parametrize("kernel_size,strides", [(41, 4), (8, 4), (5, 3)])
def test_the_grouped_convolution_is_that_of_keras(time, kernel_size, strides):
    ours = GroupedConv1D(8, 12, kernel_size, strides=strides, groups=4)
    keras_layer = keras.layers.Conv1D(12, kernel_size, strides, padding="same", groups=4)
    x = tf.random.stateless_normal([2, time, 8], [0, 1])
    keras_layer(x)
    keras_layer.set_weights([ours.kernel.numpy(), np.arange(12, dtype=np.float32)])
    ours.bias.assign(tf.range(12.0))
    results = []
    for layer in (ours, keras_layer):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(tf.sin(y))
        gradients = tape.gradient(loss, [x, layer.kernel, layer.bias])
        results.append([y, *gradients])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)


def test_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"'wawe'.*wave, stft, ms_stft"):
        Discriminators(["wawe"])
