"""Finds and removes the delay that a codec adds, so that metrics compare the same instants."""

import numpy as np

# Frames, look-ahead and resampling of speech codecs together stay below this.
MAX_DELAY_SECONDS = 0.2


def delay(reference: np.ndarray, degraded: np.ndarray, max_delay: int) -> int:
    """The shift, in samples, at which two signals correlate best.

    Args:
        reference: `[time]`.
        degraded: `[time]`, of any length.
        max_delay: Largest shift looked at, in samples, in both directions.

    Returns:
        How many samples `degraded` comes after `reference`; negative if before, 0 for silence.
    """
    size = len(reference) + len(degraded)
    spectrum = np.fft.rfft(degraded, size) * np.conj(np.fft.rfft(reference, size))
    correlation = np.fft.irfft(spectrum, size)  # of lag n at index n, also where n is negative
    nearest_first = sorted(range(-max_delay, max_delay + 1), key=abs)
    lags = np.array([lag for lag in nearest_first if -len(reference) < lag < len(degraded)])
    # A codec may turn the polarity over, hence abs; of equals argmax takes the first.
    return int(lags[np.argmax(np.abs(correlation[lags]))])


def align(reference: np.ndarray, degraded: np.ndarray, rate: int) -> np.ndarray:
    """`degraded` without its delay and as long as `reference`; zeros where it has no sample."""
    return fit(degraded, delay(reference, degraded, int(MAX_DELAY_SECONDS * rate)), len(reference))


def fit(samples: np.ndarray, skip: int, length: int) -> np.ndarray:
    """Drops the first `skip` samples (adds zeros if negative), then cuts or pads to `length`."""
    samples = samples[skip:] if skip >= 0 else np.pad(samples, (-skip, 0))
    return np.pad(samples[:length], (0, max(0, length - len(samples))))
