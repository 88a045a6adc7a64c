"""Losses built on models of hearing: levels of critical bands, their movement, and their loudness.

A band sums enough spectral lines that its level is steady even where the signal is noise. So unlike
the mel loss, whose narrow bins differ by chance, these say clearly how loud each part of the
spectrum is and how it moves.
"""

import functools

import numpy as np
import tensorflow as tf

from training.spectra import Spectrum, cut, log10, power_law

# ViSQOL's view of speech: 80 ms windows every 20 ms, 21 bands. 32 ms sees faster changes.
WINDOWS = (512, 1280)
BANDS = 21
BAND_FLOOR = 1e-9  # power of a band below which nothing is heard, about -90 dB
PULSE_WINDOW = 64  # samples, hop a quarter of it: 4 ms every 1 ms at 16 kHz
PULSE_BAND_LINES = 3  # bands of 750 Hz
PULSE_LOW_HZ = 1500  # above, harmonics are heard as pulses
PULSE_FRAMES = 20  # neighbourhood in time, 20 ms: two periods of a low voice
PULSE_STEADY = 1.0  # dB^2: below, levels do not move
PULSE_RANGE_DB = 40.0  # below an example's loudest band nothing counts
KERNEL = (0.1063, 0.7874, 0.1063)  # NSIM's neighbourhood, along time and along bands
# Variance in dB^2 under which a band counts as steady. ViSQOL's own is 0.002 in these units, where
# the gradient at nearly steady bands would drown all others.
STEADY = 0.05

LOUDNESS_WINDOW = 512
BARK_BANDS = 49  # wideband PESQ's number
SPEECH_LEVEL = 1e7  # power that mean speech is scaled to, where 1 is 0 dB SPL
QUIETEST = 1e-7  # mean power of a crop below which it is not scaled up further
ZWICKER = 0.23  # loudness grows with this power of the power


def band_losses(
    reference: dict[int, Spectrum], decoded: dict[int, Spectrum], sample_rate: int
) -> dict[str, tf.Tensor]:
    """How the levels of gammatone bands differ, for spectra at each of `WINDOWS`.

    Returns:
      `bands`, the mean absolute log10 ratio of powers, and `nsim`, 1 - NSIM (ViSQOL, arXiv
      2004.09584, there with an intensity term, which `bands` stands for): the correlation of
      levels in dB within their neighbourhood in time and frequency.
    """
    bands = nsim = 0.0
    for window in reference:
        filters = tf.constant(gammatone_matrix(window, BANDS, sample_rate))
        x, y = (
            10 * log10(tf.matmul(s.power(), filters) + BAND_FLOOR)
            for s in (reference[window], decoded[window])
        )
        bands += tf.reduce_mean(tf.abs(x - y)) / 10
        mean_x, mean_y = _smooth(x), _smooth(y)
        variance_x = tf.nn.relu(_smooth(x * x) - mean_x**2)
        variance_y = tf.nn.relu(_smooth(y * y) - mean_y**2)
        covariance = _smooth(x * y) - mean_x * mean_y
        spread = tf.sqrt(variance_x * variance_y + 1e-6)
        nsim += tf.reduce_mean(1 - (covariance + STEADY) / (spread + STEADY))
    return {"bands": bands / len(reference), "nsim": nsim / len(reference)}


def pulse_loss(reference: Spectrum, decoded: Spectrum, sample_rate: int) -> tf.Tensor:
    """1 - correlation in time of band levels within 20 ms: are pitch pulses where they were?

    Levels in windows of 32 ms and more, as in the losses above, are those of a voice also where
    noise stands for its pulses. For spectra of `PULSE_WINDOW`.
    """
    first = round(PULSE_LOW_HZ * PULSE_WINDOW / sample_rate) + 1
    bands = (PULSE_WINDOW // 2 + 1 - first) // PULSE_BAND_LINES
    x, y = (_narrow_levels(s, first, bands) for s in (reference, decoded))
    middle = tf.stop_gradient(tf.reduce_mean(x, axis=1, keepdims=True))  # keeps sums small
    x, y = x - middle, y - middle
    mean_x, mean_y = _moving_mean(x), _moving_mean(y)
    variance_x = tf.nn.relu(_moving_mean(x * x) - mean_x**2)
    variance_y = tf.nn.relu(_moving_mean(y * y) - mean_y**2)
    covariance = _moving_mean(x * y) - mean_x * mean_y
    spread = tf.sqrt(variance_x * variance_y + 1e-3)
    likeness = (covariance + PULSE_STEADY) / (spread + PULSE_STEADY)
    level = tf.stop_gradient(mean_x + middle)
    loudest = tf.reduce_max(level, axis=[1, 2], keepdims=True)
    heard = tf.cast(level > loudest - PULSE_RANGE_DB, tf.float32)
    # A mean for each example: shares of a batch are then means like the whole.
    missed = tf.reduce_sum(heard * (1 - likeness), axis=[1, 2])
    return tf.reduce_mean(missed / (tf.reduce_sum(heard, axis=[1, 2]) + 1))


def _narrow_levels(spectrum: Spectrum, first: int, bands: int) -> tf.Tensor:
    """dB of bands of PULSE_BAND_LINES lines from line `first` on, [batch, frames, bands]."""
    lines = spectrum.real.shape[2]
    end = first + bands * PULSE_BAND_LINES - lines
    power = cut(spectrum.power(), start=(0, 0, first), end=(0, 0, end))
    frames = power.shape[1]
    grouped = tf.reshape(power, [-1, frames, bands, PULSE_BAND_LINES])
    return 10 * log10(tf.reduce_sum(grouped, axis=3) + BAND_FLOOR)


def _moving_mean(x: tf.Tensor) -> tf.Tensor:
    """[batch, frames, bands] over PULSE_FRAMES neighbours in time, of those that have all."""
    total = tf.cumsum(tf.pad(x, [[0, 0], [1, 0], [0, 0]]), axis=1)
    later = cut(total, start=(0, PULSE_FRAMES, 0), end=(0, 0, 0))
    return (later - cut(total, end=(0, -PULSE_FRAMES, 0))) / PULSE_FRAMES


def loudness_loss(reference: Spectrum, decoded: Spectrum, sample_rate: int) -> tf.Tensor:
    """Disturbance of specific loudness, counting what was added more than what is missing.

    The perceptual model of PESQ (ITU-T P.862.2) as a loss, after Martin-Donas et al. (IEEE Signal
    Processing Letters 25, 2018): Bark bands, Zwicker's loudness, a dead zone of a quarter of the
    smaller loudness, and half as much again of the asymmetric disturbance, where noise between
    harmonics weighs up to 12 times. Each example is scaled to speech at 70 dB SPL by its reference.
    """
    filters, threshold = bark_filters(2 * (reference.real.shape[-1] - 1), BARK_BANDS, sample_rate)
    x, y = (tf.matmul(s.power(), tf.constant(filters)) for s in (reference, decoded))
    level = tf.reduce_mean(tf.reduce_sum(x, axis=2, keepdims=True), axis=1, keepdims=True)
    scale = SPEECH_LEVEL / tf.maximum(level, QUIETEST)
    x, y = x * scale, y * scale
    loud_x, loud_y = _loudness(x, threshold), _loudness(y, threshold)
    dead = 0.25 * tf.minimum(loud_x, loud_y)
    more, less = tf.nn.relu(loud_y - loud_x - dead), tf.nn.relu(loud_x - loud_y - dead)
    symmetric = tf.sqrt(tf.reduce_mean(more**2 + less**2, axis=2) + 1e-6)
    ratio = power_law((y + 50) / (x + 50), 1.2)
    asymmetric = tf.where(ratio > 3, tf.minimum(ratio, 12) * more, 0.0)
    return tf.reduce_mean(symmetric) + 0.5 * tf.reduce_mean(asymmetric)


def _smooth(x: tf.Tensor) -> tf.Tensor:
    """[batch, frames, bands] averaged over 3 x 3 neighbours, of those that have all of them."""
    near, at, _ = KERNEL

    def part(axis: int, index: int) -> tf.Tensor:
        start, end = np.zeros([2, 3], int)
        start[axis], end[axis] = index, index - 2
        return cut(x, start=start, end=end)

    for axis in (1, 2):
        x = near * (part(axis, 0) + part(axis, 2)) + at * part(axis, 1)
    return x


def _loudness(power: tf.Tensor, threshold: np.ndarray) -> tf.Tensor:
    """Specific loudness of band powers, 0 below the threshold of hearing (Zwicker)."""
    gain = (threshold / 0.5) ** ZWICKER
    return gain * tf.nn.relu(power_law(0.5 + 0.5 * power / threshold, ZWICKER) - 1)


@functools.cache
def gammatone_matrix(window: int, bands: int, sample_rate: int, low_hz: float = 50) -> np.ndarray:
    """Power responses [window / 2 + 1, bands] of 4th order gammatone filters, 1 at their centres.

    Centres are evenly spaced in ERB from `low_hz` up to, but without, half the sample rate
    (Slaney's ERBSpace), bandwidths are 1.019 ERB (Glasberg and Moore): the ear model of ViSQOL.
    """
    lines = np.arange(window // 2 + 1) * sample_rate / window
    offset = 9.26449 * 24.7
    ratio = (low_hz + offset) / (sample_rate / 2 + offset)
    centre = (sample_rate / 2 + offset) * ratio ** (np.arange(bands, 0, -1) / bands) - offset
    bandwidth = 1.019 * (centre / 9.26449 + 24.7)
    power = (1 + np.square((lines[:, None] - centre) / bandwidth)) ** -4
    return power.astype(np.float32)


@functools.cache
def bark_filters(window: int, bands: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Rectangular bands [window / 2 + 1, bands], evenly spaced in Bark, and the power [bands] at
    their threshold of hearing (Terhardt), where 1 is 0 dB SPL.

    A band narrower than the spectrum's resolution takes half of the nearest line.
    """
    lines = np.arange(window // 2 + 1) * sample_rate / window
    edges = np.linspace(0, 6 * np.arcsinh(sample_rate / 2 / 600), bands + 1)
    centre = 600 * np.sinh((edges[1:] + edges[:-1]) / 12)
    bark = 6 * np.arcsinh(lines / 600)
    band = np.minimum(np.searchsorted(edges, bark, side="right") - 1, bands - 1)
    filters = np.eye(bands, dtype=np.float32)[band]
    for index in np.flatnonzero(filters.sum(axis=0) == 0):
        filters[np.argmin(np.abs(lines - centre[index])), index] = 0.5
    khz = centre / 1000
    threshold = 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
    return filters, (10 ** (np.minimum(threshold, 60) / 10)).astype(np.float32)
