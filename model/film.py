"""Feature-wise affine conditioning of a bottleneck on a switch (section III-F)."""

from typing import Any

import tensorflow as tf

from model.backend import keras


class FiLM(keras.layers.Layer):
    """gamma * x + beta, both chosen by a two-way one-hot of the switch, per frame.

    "Off" is fixed as the identity: the convolution beside the bottleneck is linear and can be any
    affine map itself, so only the difference of the two settings is there to be learnt. "On" starts
    as the identity too.
    """

    def __init__(self, channels: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros")

    def call(self, x: tf.Tensor, denoise: tf.Tensor) -> tf.Tensor:
        """x [batch, frames, channels], denoise [batch, frames] or [batch, 1], 0 (off) to 1 (on)."""
        on = tf.cast(denoise, x.dtype)[..., None]
        gamma, beta = tf.cast(self.gamma, x.dtype), tf.cast(self.beta, x.dtype)
        return x + on * ((gamma - 1) * x + beta)
