"""Noisy speech to embeddings of clean speech, beside the encoder (section III-F of the paper)."""

from typing import Any

import tensorflow as tf

from model import seanet
from model.backend import keras
from model.band_gains import BandGains
from model.config import CodecConfig
from model.streaming import Sequential, State


class Denoiser(keras.layers.Layer):
    """Band gains, an encoder of its own, and a net that modulates what that returns.

    The paper's FiLM scales and shifts the embedding the same in every frame: enough where noise and
    speech have dimensions of their own, as in its 256. A narrow embedding has none to spare, so
    noise has to go before it: gains take what bands can tell apart, and the encoder, which knows
    phase and pitch, learns the rest, as does a small causal net that chooses anew in each frame,
    from the embeddings so far, how to scale and shift each dimension and how much to let pass of
    what the codec's encoder says: the more, the less noise there is. That encoder is never touched:
    switched off, the codec stays what it was.
    """

    def __init__(self, config: CodecConfig, product_dtype: str = "float32", **kwargs: Any):
        super().__init__(**kwargs)
        self.dim = config.embedding_dim
        self.band_gains = BandGains(config, product_dtype, name="band_gains")
        self.encoder = seanet.encoder(config, product_dtype)
        self.modulation = seanet.residual_net(
            2 * self.dim,
            config.denoise_channels,
            3 * self.dim,
            config.denoise_dilations,
            product_dtype=product_dtype,
            name="modulation",
        )

    def begin_as(self, encoder: Sequential) -> None:
        """Takes the weights of the codec's encoder: with that and band gains training begins."""
        for source, own in zip(encoder.weights, self.encoder.weights, strict=True):
            own.assign(source)

    def initial_state(self, batch: int | tf.Tensor) -> State:
        parts = (self.band_gains, self.encoder, self.modulation)
        return {part.name: part.initial_state(batch) for part in parts}

    def step(self, audio: tf.Tensor, noisy: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """One or more frames.

        Args:
          audio: [batch, time, 1] of whole frames.
          noisy: what the codec's encoder makes of it, [batch, frames, D].
          state: of the frames before.

        Returns:
          Embeddings [batch, frames, D], and the state after them.
        """
        after: State = {}
        audio, after["band_gains"] = self.band_gains.step(audio, state["band_gains"])
        x, after["encoder"] = self.encoder.step(audio, state["encoder"])
        heard = tf.concat([x, noisy], axis=-1)
        chosen, after["modulation"] = self.modulation.step(heard, state["modulation"])
        return self._modulated(x, noisy, chosen), after

    def call(self, audio: tf.Tensor, noisy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The whole signal at once: embeddings, and what the encoder heard, [batch, time, 1]."""
        cleaned = self.band_gains(audio)
        x = self.encoder(cleaned)
        chosen = self.modulation(tf.concat([x, noisy], axis=-1))
        return self._modulated(x, noisy, chosen), cleaned

    def _modulated(self, x: tf.Tensor, noisy: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        scale, shift, passed = tf.split(chosen, 3, axis=-1)
        clean = x + scale * x + shift
        return clean + passed * (noisy - clean)
