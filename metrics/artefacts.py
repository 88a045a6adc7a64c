"""Faults that scores of similarity hardly notice: whistling at the frame rate, noise in silence."""

import numpy as np
import scipy.signal

BINS_PER_LINE = 10  # of the spectrum, from one line to the next
FLOOR = 1e-20  # power density that stands for none


def line_excess_db(samples: np.ndarray, rate: int, line_hz: int, low_hz: float = 1000) -> float:
    """How far multiples of `line_hz` stand out of the spectrum between them, mean, in dB.

    A decoder that repeats a pattern in each frame whistles at the frame rate and its multiples.
    Speech and noise have about 0 dB, a pulse train 30 dB and more.

    Args:
        samples: float `[time]`, a second or more of speech or noise.
        rate: in Hz.
        line_hz: the frame rate, or the rate of a decoder's stage.
        low_hz: where to start, above the harmonics of a voice that happen to be there.

    Raises:
        ValueError: a line's period is no whole number of samples, or the signal is too short.
    """
    if line_hz <= 0 or rate % line_hz:
        raise ValueError(f"line_hz={line_hz} does not divide the rate of {rate} Hz")
    window = BINS_PER_LINE * rate // line_hz
    if len(samples) < window:
        raise ValueError(f"{len(samples)} samples are too short: {window} are needed")
    _, density = scipy.signal.welch(samples, rate, nperseg=window)
    level = 10 * np.log10(density + FLOOR)
    lines = np.arange(low_hz // line_hz + 1, 0.97 * rate / 2 // line_hz + 1) * line_hz
    at = np.round(BINS_PER_LINE * lines / line_hz).astype(int)
    half = BINS_PER_LINE // 2
    around = np.median([level[at + offset] for offset in range(-half, half + 1)], axis=0)
    return float(np.mean(level[at] - around))


def level_dbfs(samples: np.ndarray) -> float:
    """Root mean square in dB of full scale; -200 for digital silence."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + FLOOR))
