"""Sounds for tests."""

import numpy as np


def tones(rate, num_samples, num_channels=1):
    """Band-limited audio that no two samples or channels share."""
    time = np.arange(num_samples)[:, None] / rate
    frequency = 150 + 40 * np.arange(num_channels)
    return (0.5 * np.sin(2 * np.pi * frequency * time + 9 * np.sin(4 * time))).astype(np.float32)
