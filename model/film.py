"""The denoising switch (section III-F): feature-wise affine conditioning at the bottleneck."""

from typing import Any

import tensorflow as tf

from model.backend import keras


class FiLM(keras.layers.Layer):
    """gamma * x + beta, both linear in a two-way one-hot of the switch, per frame.

    Starts as the identity for both settings (gamma 1, beta 0).
    """

    def __init__(self, channels: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.gamma = self.add_weight(name="gamma", shape=(2, channels), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(2, channels), initializer="zeros")

    def call(self, x: tf.Tensor, denoise: tf.Tensor) -> tf.Tensor:
        """x [batch, frames, channels], denoise [batch, frames] or [batch, 1], 0 (off) to 1 (on)."""
        on = tf.cast(denoise, x.dtype)[..., None]
        gamma, beta = tf.cast(self.gamma, x.dtype), tf.cast(self.beta, x.dtype)
        return x * (gamma[0] + on * (gamma[1] - gamma[0])) + beta[0] + on * (beta[1] - beta[0])
