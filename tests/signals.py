"""Sounds for tests."""

import numpy as np


def tones(rate, num_samples, num_channels=1):
    """Band-limited audio that no two samples or channels share."""
    time = np.arange(num_samples)[:, None] / rate
    frequency = 150 + 40 * np.arange(num_channels)
    return (0.5 * np.sin(2 * np.pi * frequency * time + 9 * np.sin(4 * time))).astype(np.float32)


def voice(rate, seconds=2.0):
    """A melody with harmonics, in syllables: float32 [time]."""
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(130 + 20 * np.sin(2 * np.pi * 0.7 * time)) / rate
    harmonics = sum(np.sin(k * phase) / k for k in range(1, 40))
    return (0.1 * harmonics * np.sin(np.pi * 4 * time) ** 2).astype(np.float32)


def hiss(rate, seconds=3.0):
    """Noise with the slope and the syllables of speech: hard to code, and sharp in time."""
    noise = np.random.default_rng(0).normal(size=int(seconds * rate))
    for i in range(1, len(noise)):
        noise[i] += 0.9 * noise[i - 1]
    time = np.arange(len(noise)) / rate
    return (0.03 * noise * np.sin(np.pi * 4 * time) ** 2).astype(np.float32)
