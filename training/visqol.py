"""ViSQOL's speech quality (arXiv 2004.09584) as a loss, for 16 kHz.

ViSQOL compares levels of 21 gammatone bands every 20 ms, and gives four numbers for each band to a
net of lattices that learnt from listeners. Both parts are here in a form with gradients: the
comparison without the search for shifted patches, and in place of the lattices, which take a
millisecond for each example, a small net that learnt from them (`tools/study/fit_visqol_map.py`).

What it asks for beyond likeness, which `nsim` is for, are quirks of that mapping too: what
is trained on it gains by ViSQOL and need not by other scores. Watch those beside it.
"""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from training.auditory import BANDS, gammatone_matrix
from training.spectra import Spectrum, cut, log10

SAMPLE_RATE = 16_000
WINDOW = 1280  # samples, hop a quarter of it
FEATURES = 4 * BANDS
MAP_FILE = Path(__file__).with_name("visqol_map.npz")
MAP_OFFSET = 0.5  # the map gives the logarithm of what is above this
BEST = 5.0

_HOP = WINDOW // 4
_PATCH = 20  # frames that are compared as a whole
_FIRST = _PATCH // 2 - 1  # frame that the first patch begins with
SHORTEST = WINDOW + (_FIRST + _PATCH - 1) * _HOP  # samples of an example that holds one patch
_ACTIVE = 5000 / 2**15  # RMS of 20 ms, relative to the peak, that makes a patch count
_DYNAMIC_RANGE = 45.0  # decibels of amplitude, half of those of power
_CORNER, _EDGE, _MIDDLE = 0.0113033910173052, 0.0838251475442633, 0.619485845753726
_INTENSITY, _STRUCTURE = 1e-4, 4.5e-4  # NSIM's constants
_TINY = 1e-9
# Under the root of variances: keeps gradients finite where levels do not move.
_STEADY = 1e-4


def check_length(samples: int) -> None:
    """Raises ValueError for examples that are too short for one patch."""
    if samples < SHORTEST:
        raise ValueError(
            f"examples of {samples} samples are too short for the loss visqol, which needs "
            f"{SHORTEST}: --crop_seconds={SHORTEST / SAMPLE_RATE:g} or more"
        )


def visqol_loss(
    reference: tf.Tensor, decoded: tf.Tensor, heard: Spectrum, hears: Spectrum
) -> tf.Tensor:
    """5 less the quality that ViSQOL's speech mode gives, a mean over examples.

    Args:
      reference, decoded: [batch, time] at 16 kHz.
      heard, hears: `stft(reference, WINDOW)` and `stft(decoded, WINDOW)`.

    Raises:
      ValueError: examples are shorter than `SHORTEST` samples.
    """
    return BEST - tf.reduce_mean(quality(features(reference, decoded, heard, hears)))


def features(
    reference: tf.Tensor, decoded: tf.Tensor, heard: Spectrum, hears: Spectrum
) -> tf.Tensor:
    """What the mapping gets, arguments as in `visqol_loss`: [batch, FEATURES].

    For each band the mean of NSIM, the mean of its worst patch, its standard deviation, and the
    mean level of what was decoded above the lowest of all levels.
    """
    check_length(reference.shape[1])
    louder = _mean_square(reference) / _mean_square(decoded)
    x = _levels(heard, tf.ones_like(louder))
    y = _levels(hears, louder)
    loudest = tf.reduce_max(tf.maximum(x, y), axis=2, keepdims=True)
    floor = tf.maximum(loudest - _DYNAMIC_RANGE, -_DYNAMIC_RANGE)
    x, y = tf.maximum(x, floor), tf.maximum(y, floor)
    lowest = tf.reduce_min(tf.minimum(x, y), axis=[1, 2], keepdims=True)
    x, y = (_patches(level - tf.stop_gradient(lowest)) for level in (x, y))
    similar = _nsim(x, y)
    share = _active_share(reference, x.shape[1])
    means = tf.reduce_mean(similar, axis=2)
    mean = tf.reduce_sum(means * share, axis=1)
    worst = tf.reduce_min(tf.where(share > 0.0, means, np.inf), axis=1)
    variance = tf.reduce_mean(tf.square(similar - mean[:, None, None]), axis=2)
    deviation = tf.sqrt(tf.reduce_sum(variance * share, axis=1) + _STEADY**2)
    energy = tf.reduce_sum(tf.reduce_mean(y, axis=2) * share, axis=1)
    return tf.concat([mean, worst, deviation, energy], axis=-1)


def quality(features: tf.Tensor, layers: Mapping[str, np.ndarray] | None = None) -> tf.Tensor:
    """[batch, FEATURES] -> mean opinion scores [batch], 1 to 5; `layers` are those of MAP_FILE."""
    layers = layers or _map()
    x = (features - layers["mean"]) / layers["scale"]
    for index in (0, 1):
        x = tf.nn.softplus(tf.matmul(x, layers[f"kernel_{index}"]) + layers[f"bias_{index}"])
    return tf.exp(tf.matmul(x, layers["kernel_2"]) + layers["bias_2"])[:, 0] + MAP_OFFSET


@functools.cache
def _map() -> dict[str, np.ndarray]:
    with np.load(MAP_FILE, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _mean_square(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.square(x), axis=1)[:, None, None] + _TINY


def _levels(spectrum: Spectrum, gain: tf.Tensor) -> tf.Tensor:
    """Levels of bands, [batch, frames, BANDS]: 10 log10 of their RMS, as ViSQOL has it.

    Only of windows that lie within the signal; `gain` is that of their power.
    """
    inside = (cut(part, start=(0, 3, 0), end=(0, -3, 0)) for part in spectrum)
    bands = tf.matmul(Spectrum(*inside).power(), gammatone_matrix(WINDOW, BANDS, SAMPLE_RATE))
    return 5.0 * log10(gain * bands / 2.0 + 1e-10)


def _patches(levels: tf.Tensor) -> tf.Tensor:
    """[batch, frames, bands] -> [batch, patches, frames of a patch, bands]."""
    count = (levels.shape[1] - _FIRST) // _PATCH
    end = _FIRST + count * _PATCH - levels.shape[1]
    levels = cut(levels, start=(0, _FIRST, 0), end=(0, end, 0))
    return tf.reshape(levels, [-1, count, _PATCH, BANDS])


def _nsim(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Likeness of levels in their neighbourhood, 1 for equal ones, for patches as above."""
    mean_x, mean_y = _smooth(x), _smooth(y)
    variances = tf.nn.relu(_smooth(x * x) - mean_x**2) * tf.nn.relu(_smooth(y * y) - mean_y**2)
    covariance = _smooth(x * y) - mean_x * mean_y
    intensity = (2 * mean_x * mean_y + _INTENSITY) / (mean_x**2 + mean_y**2 + _INTENSITY)
    return intensity * (covariance + _STRUCTURE) / (tf.sqrt(variances + _STEADY**2) + _STRUCTURE)


def _smooth(x: tf.Tensor) -> tf.Tensor:
    """A patch's weighted means over 3 x 3 neighbours; at its edges the edge counts twice."""
    x = tf.concat([x[:, :, :1], x, x[:, :, -1:]], axis=2)
    x = tf.concat([x[..., :1], x, x[..., -1:]], axis=3)

    def at(row: int, column: int) -> tf.Tensor:
        return cut(x, start=(0, 0, row, column), end=(0, 0, row - 2, column - 2))

    corners = at(0, 0) + at(0, 2) + at(2, 0) + at(2, 2)
    edges = at(0, 1) + at(1, 0) + at(1, 2) + at(2, 1)
    return _CORNER * corners + _EDGE * edges + _MIDDLE * at(1, 1)


def _active_share(reference: tf.Tensor, patches: int) -> tf.Tensor:
    """Weight of each patch, [batch, patches, 1], of sum 1: only those with voice count."""
    samples = patches * _PATCH * _HOP
    spoken = tf.reshape(
        cut(reference, end=(0, samples - reference.shape[1])), [-1, patches, _PATCH, _HOP]
    )
    loudest = tf.reduce_max(tf.reduce_mean(tf.square(spoken), axis=3), axis=2)
    peak = tf.reduce_max(tf.abs(reference), axis=1, keepdims=True)
    active = tf.cast(loudest >= tf.square(_ACTIVE * peak), tf.float32)
    active += tf.cast(tf.reduce_sum(active, axis=1, keepdims=True) == 0.0, tf.float32)
    return (active / tf.reduce_sum(active, axis=1, keepdims=True))[..., None]
