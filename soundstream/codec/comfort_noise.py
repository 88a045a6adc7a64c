"""Noise of a given colour for pauses that are not transmitted and losses that last.

A pause is described by eight bytes: the power of eight frequency bands in steps of half a decibel,
byte = round(-2 * 10 log10(mean square)), 0 being full scale and 255 silence. The bands end at
1/32, 1/16, 1/8, 3/16, 1/4, 3/8, 5/8 and 1 of half the sample rate (250 Hz to 8 kHz at 16 kHz).
"""

from __future__ import annotations

import itertools

import numpy as np

from ..bitstream.packets import COMFORT_NOISE_BYTES

BAND_EDGES = np.array([0, 1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 5 / 8, 1])
SILENCE = bytes([255]) * COMFORT_NOISE_BYTES
_SMOOTHING = 0.3  # how far the powers go towards a new description in one frame
_MEMORY_SECONDS = 3.0  # of recent sound, whose quiet moments tell what the background is
_QUIET_SHARE = 0.1  # of the frames in memory are taken as background
_LOUDEST_BACKGROUND = 1e-4  # mean square, -40 dBFS: speech without a pause is no background


def band_powers(frames: np.ndarray) -> np.ndarray:
    """Measures the power of each band.

    Args:
      frames: float32 [frames, hop], full scale 1.

    Returns:
      Mean squares, float64 [frames, 8].
    """
    hop = frames.shape[1]
    spectrum = np.fft.rfft(frames * np.hanning(hop) * np.sqrt(8 / 3), axis=1)
    power = 2 * np.square(np.abs(spectrum)) / hop**2
    return np.stack([power[:, band].sum(axis=1) for band in _bands(power.shape[1])], axis=1)


def describe_noise(powers: np.ndarray) -> bytes:
    """Describes noise as a packet does.

    Args:
      powers: mean square of each band, [8].

    Returns:
      Eight bytes.
    """
    with np.errstate(divide="ignore"):
        levels = np.round(-20 * np.log10(powers))
    return np.clip(levels, 0, 255).astype(np.uint8).tobytes()


def powers_of(description: bytes) -> np.ndarray:
    """Reads what `describe_noise` wrote.

    Args:
      description: eight bytes.

    Returns:
      Mean square of each band, float64 [8].
    """
    levels = np.frombuffer(description, np.uint8).astype(np.float64)
    return np.where(levels == 255, 0.0, 10 ** (-levels / 20))


class NoiseGenerator:
    """An endless stream of noise whose colour may change from frame to frame without a click.

    Args:
      hop: samples per frame.
      seed: of its random numbers.
    """

    def __init__(self, hop: int, seed: int = 0) -> None:
        self._hop = hop
        self._random = np.random.default_rng(seed)
        # Blocks of two hops overlap by one; the squares of the window sum to one.
        self._window = np.sin(np.pi * (np.arange(2 * hop) + 0.5) / (2 * hop))
        self._bins_per_band = [band.stop - band.start for band in _bands(hop + 1)]
        self._powers: np.ndarray | None = None
        self._tail = np.zeros(hop)

    def generate(self, powers: np.ndarray, num_frames: int) -> np.ndarray:
        """Goes on with the noise.

        From the first call on, the powers move smoothly towards what is asked for.

        Args:
          powers: mean square of each band, [8].
          num_frames: how much to make.

        Returns:
          float32 [num_frames * hop], full scale 1.
        """
        if not num_frames:
            return np.zeros(0, np.float32)
        start = powers if self._powers is None else self._powers
        remaining = (1 - _SMOOTHING) ** np.arange(1, num_frames + 1)
        path = powers + remaining[:, None] * (start - powers)
        blocks = self._window * self._coloured(path)
        self._powers = path[-1]
        tails = np.concatenate([self._tail[None], blocks[:, self._hop :]])
        self._tail = tails[-1]
        return (tails[:-1] + blocks[:, : self._hop]).ravel().astype(np.float32)

    def _coloured(self, powers: np.ndarray) -> np.ndarray:
        """Blocks of noise with band powers [blocks, 8]: [blocks, 2 * hop]."""
        spectrum = np.fft.rfft(self._random.standard_normal((len(powers), 2 * self._hop)))
        share = np.maximum(1, self._bins_per_band) / spectrum.shape[1]  # of white noise's power
        return np.fft.irfft(spectrum * np.repeat(np.sqrt(powers / share), self._bins_per_band, 1))


class Background:
    """What the quiet moments of the last seconds sound like.

    Args:
      sample_rate: Hz.
      hop: samples per frame.
    """

    def __init__(self, sample_rate: int, hop: int) -> None:
        self._hop = hop
        self._memory_frames = round(_MEMORY_SECONDS * sample_rate / hop)
        self._memory = np.zeros((0, hop), np.float32)

    def hear(self, samples: np.ndarray) -> None:
        """Takes note of sound that came from the other side.

        Args:
          samples: float32 [frames * hop], full scale 1.
        """
        memory = np.concatenate([self._memory, samples.reshape(-1, self._hop)])
        self._memory = memory[-self._memory_frames :]

    def powers(self) -> np.ndarray:
        """Measures the quietest frames in memory.

        Returns:
          Mean square of each band, float64 [8]; zeros before anything was heard.
        """
        if not len(self._memory):
            return np.zeros(len(BAND_EDGES) - 1)
        energy = np.mean(self._memory**2, axis=1)
        quiet = np.argsort(energy)[: max(1, int(_QUIET_SHARE * len(energy)))]
        powers = band_powers(self._memory[quiet]).mean(axis=0)
        return powers * (_LOUDEST_BACKGROUND / max(powers.sum(), _LOUDEST_BACKGROUND))


def _bands(num_bins: int) -> list[slice]:
    """Which bins of a spectrum of `num_bins` belong to each band."""
    edges = np.round(BAND_EDGES * num_bins).astype(int)
    return [slice(*pair) for pair in itertools.pairwise(edges)]
