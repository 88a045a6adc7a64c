"""Finds and removes the delay that a codec adds, so that metrics compare the same instants."""

import numpy as np
from scipy import signal

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
    correlation = signal.correlate(degraded, reference, method="fft")
    lags = signal.correlation_lags(len(degraded), len(reference))
    near = np.abs(lags) <= max_delay
    # A codec may turn the polarity over, hence abs; the first of equals, if all are zero, is lag 0.
    order = np.argsort(np.abs(lags[near]), kind="stable")
    return int(lags[near][order][np.argmax(np.abs(correlation[near][order]))])


def align(reference: np.ndarray, degraded: np.ndarray, rate: int) -> np.ndarray:
    """`degraded` without its delay and as long as `reference`; zeros where it has no sample."""
    return fit(degraded, delay(reference, degraded, int(MAX_DELAY_SECONDS * rate)), len(reference))


def fit(samples: np.ndarray, skip: int, length: int) -> np.ndarray:
    """Drops the first `skip` samples (adds zeros if negative), then cuts or pads to `length`."""
    samples = samples[skip:] if skip >= 0 else np.pad(samples, (-skip, 0))
    return np.pad(samples[:length], (0, max(0, length - len(samples))))
