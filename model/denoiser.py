"""Denoising at the bottleneck, encoder side, switched by frame (section III-F of the paper)."""

from typing import Any

import tensorflow as tf

from model.backend import keras
from model.config import CodecConfig
from model.conv import CausalConv1D
from model.film import FiLM
from model.seanet import ResidualUnit
from model.streaming import Elu, Sequential, State


class Denoiser(keras.layers.Layer):
    """FiLM(x, switch) + switch * correction(x), on embeddings of noisy speech.

    FiLM scales and shifts, the same in every frame: enough where noise and speech have embedding
    dimensions of their own, as in the paper's 256. A narrow embedding has none to spare, so a small
    causal net beside it says what the noise added. Both start as the identity, and "off" always is:
    where only this layer is trained, the codec stays what it was.
    """

    def __init__(self, config: CodecConfig, product_dtype: str = "float32", **kwargs: Any):
        super().__init__(**kwargs)
        dim, channels = config.embedding_dim, config.denoise_channels
        self.film = FiLM(dim, name="film")
        self.correction = Sequential(
            [
                CausalConv1D(dim, channels, 1, name="first", product_dtype=product_dtype),
                *(
                    ResidualUnit(
                        channels, channels, 3, dilation, name=f"unit_{index}",
                        product_dtype=product_dtype,
                    )
                    for index, dilation in enumerate(config.denoise_dilations)
                ),
                Elu(name="elu"),
                CausalConv1D(
                    channels, dim, 1, kernel_initializer="zeros", name="last",
                    product_dtype=product_dtype,
                ),
            ],
            name="correction",
        )  # fmt: skip

    def initial_state(self, batch: int | tf.Tensor) -> State:
        return self.correction.initial_state(batch)

    def step(self, x: tf.Tensor, denoise: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """x [batch, frames, D], denoise [batch, frames] or [batch, 1], 0 (off) to 1 (on)."""
        correction, state = self.correction.step(x, state)
        return self.film(x, denoise) + denoise[..., None] * correction, state

    def call(self, x: tf.Tensor, denoise: tf.Tensor) -> tf.Tensor:
        """The whole signal at once."""
        y, _ = self.step(x, denoise, self.initial_state(tf.shape(x)[0]))
        return y
