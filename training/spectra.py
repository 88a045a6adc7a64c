"""Short-time spectra for losses and discriminators, computed once and shared.

Frames are cut without a gather: with hop = window / 4 a frame is four neighbouring blocks of `hop`
samples, so framing is a reshape and a concatenation, and its gradient is one too.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

OVERLAP = 4


class Spectrum(NamedTuple):
    """Complex spectrum as two real tensors, [batch, frames, window / 2 + 1] each."""

    real: tf.Tensor
    imag: tf.Tensor

    def below(self, lines: int) -> "Spectrum":
        """The lowest `lines` spectral lines."""
        return Spectrum(*(cut(part, end=(0, 0, lines - part.shape[2])) for part in self))

    def power(self) -> tf.Tensor:
        return tf.square(self.real) + tf.square(self.imag)

    def magnitude(self, floor: float = 1e-6) -> tf.Tensor:
        """|X|, rounded off below `floor` so that the gradient is finite at silence."""
        return tf.sqrt(self.power() + floor**2)


def log10(x: tf.Tensor) -> tf.Tensor:
    return tf.math.log(x) * 0.4342944819032518


def power_law(x: tf.Tensor, exponent: float) -> tf.Tensor:
    """x ** exponent for positive x: `tf.pow` takes six times as long on CPUs."""
    return tf.exp(exponent * tf.math.log(x))


def cut(x: tf.Tensor, *, start: Sequence[int] = (), end: Sequence[int]) -> tf.Tensor:
    """x[start[0] : size + end[0], start[1] : ...], with a fast gradient.

    That of `x[...]` is a strided assignment on CPUs, which took a tenth of a training step.

    Args:
      start, end: for each axis, `end` zero or negative; no `start` is zero for all. Axes but the
        first have static sizes.
    """
    start = start if len(start) else [0] * len(x.shape)
    sizes = [x.shape[0] or tf.shape(x)[0], *x.shape[1:]]
    return tf.slice(x, start, [size + b - a for size, a, b in zip(sizes, start, end, strict=True)])


def stft(x: tf.Tensor, window: int) -> Spectrum:
    """Spectrum of `x` [batch, time] with a Hann window of `window` samples and hop window / 4.

    Scaled by 2 / window so that a full-scale sine has magnitude 0.5 at every window length; the
    signal is padded by window - hop at both ends so that each sample weighs the same.
    """
    hop = window // OVERLAP
    length = x.shape[1]
    tail = -length % hop
    x = tf.pad(x, [[0, 0], [window - hop, window - hop + tail]])
    count = x.shape[1] // hop
    blocks = tf.reshape(x, [-1, count, hop])
    frames = tf.concat(
        [cut(blocks, start=(0, i, 0), end=(0, i + 1 - OVERLAP, 0)) for i in range(OVERLAP)],
        axis=-1,
    )
    if window < 256:
        # A product with the windowed Fourier basis is faster than many short transforms.
        product = tf.matmul(frames, tf.constant(_fourier_basis(window)))
        return Spectrum(*tf.split(product, 2, axis=-1))
    taper = tf.constant(_taper(window))
    spectrum = tf.signal.rfft(frames * taper)
    return Spectrum(tf.math.real(spectrum), tf.math.imag(spectrum))


@functools.cache
def _taper(window: int) -> np.ndarray:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return (hann * 2 / window).astype(np.float32)


@functools.cache
def _fourier_basis(window: int) -> np.ndarray:
    """[window, 2 * (window / 2 + 1)]: cosines, then negative sines, times the taper."""
    phase = 2 * np.pi * np.outer(np.arange(window), np.arange(window // 2 + 1)) / window
    basis = np.concatenate([np.cos(phase), -np.sin(phase)], axis=1)
    return (basis * _taper(window)[:, None]).astype(np.float32)


@functools.cache
def mel_matrix(window: int, bins: int, sample_rate: int) -> np.ndarray:
    """Triangular mel filters [window / 2 + 1, bins] (HTK scale), each of unit sum.

    Filters narrower than the spectrum's resolution take the nearest line, so none is empty.
    """
    lines = np.arange(window // 2 + 1) * sample_rate / window
    mel = np.linspace(0, 2595 * np.log10(1 + sample_rate / 2 / 700), bins + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (lines[:, None] - lower) / (centre - lower)
    falling = (upper - lines[:, None]) / (upper - centre)
    filters = np.maximum(0, np.minimum(rising, falling))
    for index in np.flatnonzero(filters.sum(axis=0) == 0):
        filters[np.argmin(np.abs(lines - centre[index])), index] = 1
    return (filters / filters.sum(axis=0)).astype(np.float32)
