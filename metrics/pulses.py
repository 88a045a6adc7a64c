"""Pitch pulses in the treble: are they there, and where they were?

Above 1.5 kHz the ear no longer hears harmonics one by one, but pulses: every band's level jumps
once a pitch period. A codec that sends noise of the right level instead scores well by levels in
windows of 30 ms and sounds hoarse. Levels here are of 4 ms windows every 1 ms, in bands of 750 Hz:

  periodic: the highest correlation of such a level with itself 3 to 12 ms later, in bands and
    moments where the original has pulses. Clean voices have .70 to .72, noise .44 to .46. No
    alignment is needed.
  follow: the correlation of the level with the original's, where there is voice.

No loss of the project imitates either; they say what losses on longer windows cannot.
"""

import numpy as np
import soxr
from scipy.signal import stft

RATE = 16_000
GROUPS = {"1500": (2, 4), "3000": (4, 6), "4500": (6, 10)}  # bands, by where they begin in Hz

_WINDOW, _HOP = 64, 16  # samples at RATE: 4 ms every 1 ms
_FIRST_LINE, _BAND_LINES, _BANDS = 1, 3, 10  # of 250 Hz each: ten bands of 750 Hz
_FLOOR = 1e-9
_LAGS = range(3, 13)  # ms: pitches from 83 to 333 Hz
_PERIODS_MS = 30  # over which a level is compared with its past
_FOLLOW_MS = 20
_PULSES = 0.5  # periodicity from which the original has pulses
_QUIET_DB, _SILENT_DB = 40.0, 30.0  # below the loudest: bands, and moments, that do not count
_STEADY = 1.0  # dB^2: variances below this are noise of the measurement


def periodic(reference: np.ndarray, degraded: np.ndarray, rate: int, group: str) -> float:
    """Periodicity of the levels of `degraded` in one of `GROUPS`; NaN without pulses to find.

    Args:
        reference, degraded: float `[time]`.
        rate: in Hz.
        group: a key of `GROUPS`.

    Raises:
        ValueError: there is no such group, or the signals are shorter than a tenth of a second.
    """
    low, high = _bands(group)
    before, after = _levels(reference, rate), _levels(degraded, rate)
    length = min(before.shape[1], after.shape[1])
    found, kept = _periodicity(before[:, :length]), _periodicity(after[:, :length])
    level = _smooth(before, _FOLLOW_MS)[:, : found.shape[1]]
    voiced = (found > _PULSES) & (level > level.max() - _QUIET_DB)
    chosen = kept[low:high][voiced[low:high]]
    return float(chosen.mean()) if chosen.size else float("nan")


def follow(reference: np.ndarray, degraded: np.ndarray, rate: int, group: str) -> float:
    """Correlation of levels with those of `reference` in one of `GROUPS`; arguments as above.

    The signals must be aligned to a millisecond.
    """
    low, high = _bands(group)
    before, after = _levels(reference, rate), _levels(degraded, rate)
    length = min(before.shape[1], after.shape[1])
    level = _smooth(before[:, :length], _FOLLOW_MS)
    loud = level.max(axis=0) > level.max() - _SILENT_DB
    same = _correlation(before[:, :length], after[:, :length], _FOLLOW_MS)
    return float(same[low:high][:, loud].mean())


def _bands(group: str) -> tuple[int, int]:
    if group not in GROUPS:
        raise ValueError(f"no bands {group!r}: choose from {', '.join(GROUPS)}")
    return GROUPS[group]


def _levels(samples: np.ndarray, rate: int) -> np.ndarray:
    """Levels in dB, `[_BANDS, milliseconds]`."""
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE)
    if len(samples) < RATE // 10:
        raise ValueError(f"{len(samples)} samples at {RATE} Hz are too short for pulses")
    _, _, spectrum = stft(samples, RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP, boundary=None)
    lines = np.abs(spectrum[_FIRST_LINE : _FIRST_LINE + _BANDS * _BAND_LINES]) ** 2
    return 10 * np.log10(lines.reshape(_BANDS, _BAND_LINES, -1).sum(axis=1) + _FLOOR)


def _smooth(levels: np.ndarray, length: int) -> np.ndarray:
    """Means over `length` neighbours in time, where there are so many."""
    total = np.cumsum(np.pad(levels, ((0, 0), (1, 0))), axis=1)
    return (total[:, length:] - total[:, :-length]) / length


def _correlation(x: np.ndarray, y: np.ndarray, length: int) -> np.ndarray:
    """Of two levels in their neighbourhood of `length` ms; 1 where both are steady."""
    mean_x, mean_y = _smooth(x, length), _smooth(y, length)
    variance_x = np.maximum(_smooth(x * x, length) - mean_x**2, 0)
    variance_y = np.maximum(_smooth(y * y, length) - mean_y**2, 0)
    covariance = _smooth(x * y, length) - mean_x * mean_y
    return (covariance + _STEADY) / (np.sqrt(variance_x * variance_y) + _STEADY)


def _periodicity(levels: np.ndarray) -> np.ndarray:
    """The best correlation of levels with their own past, `[_BANDS, milliseconds]`."""
    length = levels.shape[1] - max(_LAGS) - _PERIODS_MS + 1
    return np.max(
        [_correlation(levels[:, :-lag], levels[:, lag:], _PERIODS_MS)[:, :length] for lag in _LAGS],
        axis=0,
    )
