"""Goes on with a sound by repeating its last pitch period."""

from __future__ import annotations

import numpy as np

WINDOW_SECONDS = 0.02  # of the end of the sound that is looked for in what came before
SHORTEST_SECONDS, LONGEST_SECONDS = 0.0025, 0.025  # pitch periods: 400 Hz to 40 Hz
PAST_SECONDS = WINDOW_SECONDS + 1.25 * LONGEST_SECONDS  # how much of the past is used


def pitch_period(past: np.ndarray, sample_rate: int) -> int:
    """Finds how long a sound's period is, by normalised correlation.

    Args:
      past: [time], at least PAST_SECONDS.
      sample_rate: Hz.

    Returns:
      Samples after which the end of `past` repeats best.
    """
    window = round(WINDOW_SECONDS * sample_rate)
    shortest, longest = round(SHORTEST_SECONDS * sample_rate), round(LONGEST_SECONDS * sample_rate)
    recent = past[-window - longest :].astype(np.float64)
    similarity = np.correlate(recent, recent[-window:], "valid")[::-1]  # [lag], from 0 to longest
    sums = np.concatenate([[0.0], np.cumsum(recent**2)])
    energy = (sums[window:] - sums[:-window])[::-1]
    normalised = similarity / np.sqrt(np.maximum(energy, 0.0) + 1e-9)
    return shortest + int(np.argmax(normalised[shortest:]))


def extend(past: np.ndarray, num_samples: int, sample_rate: int) -> np.ndarray:
    """Continues a sound.

    Args:
      past: float32 [time], at least PAST_SECONDS.
      num_samples: how much to add.
      sample_rate: Hz.

    Returns:
      float32 [num_samples], the last period again and again. A quarter of it is blended with the
      sound one period before, so that it has no seam where it starts anew.
    """
    period = pitch_period(past, sample_rate)
    cycle = past[-period:].copy()
    seam = period // 4
    weights = np.arange(1, seam + 1, dtype=np.float32) / (seam + 1)
    before = past[-period - seam : -period]
    cycle[-seam:] += weights * (before - cycle[-seam:])
    return np.resize(cycle, num_samples)
