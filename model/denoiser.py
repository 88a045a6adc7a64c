"""Noisy speech to embeddings of clean speech, beside the encoder (section III-F of the paper)."""

from typing import Any

import tensorflow as tf

from model import seanet
from model.backend import keras
from model.band_gains import BandGains
from model.config import CodecConfig
from model.streaming import Sequential, State


class Denoiser(keras.layers.Layer):
    """Band gains, an encoder of its own, and x + scale * x + shift on what that returns.

    The paper's FiLM scales and shifts the embedding the same in every frame: enough where noise and
    speech have dimensions of their own, as in its 256. A narrow embedding has none to spare, so
    noise has to go before it: gains take what bands can tell apart, and the encoder, which knows
    phase and pitch, learns the rest, as does a small causal net that chooses scale and shift anew
    in each frame from the embeddings so far. The codec's own encoder runs beside all this and is
    never touched: switched off, the codec stays what it was.
    """

    def __init__(self, config: CodecConfig, product_dtype: str = "float32", **kwargs: Any):
        super().__init__(**kwargs)
        self.dim = config.embedding_dim
        self.band_gains = BandGains(config, product_dtype, name="band_gains")
        self.encoder = seanet.encoder(config, product_dtype)
        self.modulation = seanet.residual_net(
            self.dim,
            config.denoise_channels,
            2 * self.dim,
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

    def step(self, audio: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """audio [batch, time, 1] of whole frames -> embeddings [batch, frames, D]."""
        after: State = {}
        audio, after["band_gains"] = self.band_gains.step(audio, state["band_gains"])
        x, after["encoder"] = self.encoder.step(audio, state["encoder"])
        both, after["modulation"] = self.modulation.step(x, state["modulation"])
        return self._modulated(x, both), after

    def call(self, audio: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The whole signal at once: embeddings, and what the encoder heard, [batch, time, 1]."""
        cleaned = self.band_gains(audio)
        x = self.encoder(cleaned)
        return self._modulated(x, self.modulation(x)), cleaned

    def _modulated(self, x: tf.Tensor, both: tf.Tensor) -> tf.Tensor:
        scale, shift = both[..., : self.dim], both[..., self.dim :]
        return x + scale * x + shift
