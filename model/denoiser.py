"""Denoising at the bottleneck, encoder side, switched by frame (section III-F of the paper)."""

from typing import Any

import tensorflow as tf

from model.backend import keras
from model.config import CodecConfig
from model.seanet import residual_net
from model.streaming import State


class Denoiser(keras.layers.Layer):
    """x + switch * (scale * x + shift), on embeddings x of noisy speech.

    The paper's FiLM scales and shifts the same in every frame: enough where noise and speech have
    embedding dimensions of their own, as in its 256. A narrow embedding has none to spare, so here
    a small causal net hears the embedding and chooses both anew in each frame. They start at zero,
    so the switch starts as the identity, and "off" always is: where only this layer is trained, the
    codec stays what it was.
    """

    def __init__(self, config: CodecConfig, product_dtype: str = "float32", **kwargs: Any):
        super().__init__(**kwargs)
        self.dim = config.embedding_dim
        self.modulation = residual_net(
            self.dim,
            config.denoise_channels,
            2 * self.dim,
            config.denoise_dilations,
            product_dtype=product_dtype,
            name="modulation",
        )

    def initial_state(self, batch: int | tf.Tensor) -> State:
        return self.modulation.initial_state(batch)

    def step(self, x: tf.Tensor, denoise: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """x [batch, frames, D], denoise [batch, frames] or [batch, 1], 0 (off) to 1 (on)."""
        both, state = self.modulation.step(x, state)
        scale, shift = both[..., : self.dim], both[..., self.dim :]
        return x + denoise[..., None] * (scale * x + shift), state

    def call(self, x: tf.Tensor, denoise: tf.Tensor) -> tf.Tensor:
        """The whole signal at once."""
        y, _ = self.step(x, denoise, self.initial_state(tf.shape(x)[0]))
        return y
