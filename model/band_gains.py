"""Gains of frequency bands in front of the encoder: the first part of the denoiser."""

from typing import Any

import numpy as np
import tensorflow as tf

from model.backend import keras
from model.band_filters import Design, Transform, levels_matrices
from model.config import CodecConfig
from model.conv import Past
from model.seanet import residual_net
from model.streaming import State

# What the net hears of each half of a frame, up to its end: pitch in long windows, onsets in short
# ones.
WINDOWS = ((0.032, 72), (0.010, 24))  # seconds, mel bands
POWER_FLOOR = 1e-9

GAIN_BANDS = 48
MIN_GAIN = 0.03
FIRST_GAIN = 3.0  # logit that the net starts from: nearly all passes
TAPS = 64  # of the filter that applies the gains
FADE_SECONDS = 0.004  # from the filter of one half frame to that of the next


class BandGains(keras.layers.Layer):
    """Turns down bands of audio where a causal net hears noise, twice in a frame, without delay.

    The net chooses gains of 48 mel bands for both halves of a frame when it has heard the whole of
    it, which a codec has to wait for anyway. A minimum-phase filter applies them. The embedding
    cannot be cleaned as well: its dimensions hold speech and noise together (`model/denoiser.py`).

    A half frame must be a whole number of samples.
    """

    def __init__(self, config: CodecConfig, product_dtype: str = "float32", **kwargs: Any):
        super().__init__(**kwargs)
        self.hop, self.half = config.hop, config.hop // 2
        if config.hop % 2:
            raise ValueError(f"hop={config.hop} has no halves, which denoise=True needs")
        self.fade = min(self.half, round(FADE_SECONDS * config.sample_rate))
        self.lengths = tuple(round(seconds * config.sample_rate) for seconds, _ in WINDOWS)
        self.levels = tuple(
            levels_matrices(length, bands, config.sample_rate)
            for length, (_, bands) in zip(self.lengths, WINDOWS)
        )
        self.design = Design(config.sample_rate, GAIN_BANDS, TAPS)
        self.transform = Transform(self.half, TAPS)
        self.past = Past(max(TAPS, *self.lengths), 1, name="past")
        self.filter_before = Past(1, TAPS, name="filter_before")
        self.net = residual_net(
            2 * sum(bands for _, bands in WINDOWS),
            config.denoise_gain_channels,
            2 * GAIN_BANDS,
            config.denoise_gain_dilations,
            product_dtype=product_dtype,
            name="net",
        )

    def initial_state(self, batch: int | tf.Tensor) -> State:
        parts = (self.past, self.net, self.filter_before)
        return {part.name: part.initial_state(batch) for part in parts}

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """x [batch, time, 1] of whole frames."""
        after: State = {}
        batch, length = x.shape[0] or tf.shape(x)[0], x.shape[1] or tf.shape(x)[1]
        frames = length // self.hop
        heard, after["past"] = self.past.step(x, state["past"])
        heard = heard[..., 0]
        features = tf.concat([self._levels(heard, i, 2 * frames) for i in (0, 1)], axis=-1)
        features = tf.reshape(features, [batch, frames, 2 * features.shape[-1]])
        logits, after["net"] = self.net.step(features, state["net"])
        taps = self._taps(tf.reshape(logits, [batch, 2 * frames, GAIN_BANDS]))
        both, after["filter_before"] = self.filter_before.step(taps, state["filter_before"])
        new = np.minimum(1.0, np.arange(1, self.half + 1) / self.fade).astype(np.float32)
        filters = tf.stack([both[:, :-1], taps], axis=2)
        change = self._filtered(heard, filters, 2 * frames) * np.stack([1.0 - new, new])
        change = tf.reduce_sum(change, axis=2)
        return x + tf.reshape(change, [batch, length, 1]), after

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The whole signal at once."""
        y, _ = self.step(x, self.initial_state(tf.shape(x)[0]))
        return y

    def _windows(self, heard: tf.Tensor, length: int, count: int | tf.Tensor) -> tf.Tensor:
        """The last `length` samples at the end of each half frame: [batch, count, length]."""
        first = self.past.length + self.half - length
        starts = first + self.half * tf.range(count)
        return tf.gather(heard, starts[:, None] + np.arange(length, dtype=np.int32), axis=1)

    def _levels(self, heard: tf.Tensor, index: int, count: int | tf.Tensor) -> tf.Tensor:
        """Levels of mel bands, about -1 to 1, in the windows of each half frame."""
        basis, bands = self.levels[index]
        spectra = tf.matmul(self._windows(heard, self.lengths[index], count), basis)
        power = tf.matmul(tf.square(spectra), bands)
        return tf.math.log(power + POWER_FLOOR) * 0.1 + 1.0

    def _filtered(self, heard: tf.Tensor, filters: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
        """Each half frame through filters [batch, half frames, n, taps]: [..., n, samples].

        By discrete Fourier transforms: with sums over taps the exported encoder took 1.3 times as
        long, and a training step, which needs the gradient of each tap, 1.7 times.
        """
        windows = self._windows(heard, self.half + TAPS - 1, count)[:, :, None]
        x_real, x_imag = tf.split(tf.matmul(windows, self.transform.signal), 2, axis=-1)
        h_real, h_imag = tf.split(tf.matmul(filters, self.transform.taps), 2, axis=-1)
        product = [x_real * h_real - x_imag * h_imag, x_real * h_imag + x_imag * h_real]
        return tf.matmul(tf.concat(product, axis=-1), self.transform.back)

    def _taps(self, logits: tf.Tensor) -> tf.Tensor:
        """Logits of gains [batch, half frames, bands] -> filters, less the one that does nothing.

        A minimum-phase response has as its phase the Hilbert transform of its log magnitude.
        """
        gains = MIN_GAIN + (1.0 - MIN_GAIN) * tf.sigmoid(logits + FIRST_GAIN)
        log_gains = tf.math.log(gains)
        magnitude = tf.exp(tf.matmul(log_gains, self.design.magnitude))
        phase = tf.matmul(log_gains, self.design.phase)
        taps = tf.matmul(magnitude * tf.cos(phase), self.design.from_real)
        taps += tf.matmul(magnitude * tf.sin(phase), self.design.from_imag)
        return taps - np.eye(1, TAPS, TAPS - 1, dtype=np.float32)[0]
