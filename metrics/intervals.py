"""Means with 95 % intervals, by a bootstrap over speakers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2000
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A mean, the 95 % interval around it, and the number of values it rests on."""

    mean: float
    low: float
    high: float
    count: int


def mean_interval(values: Sequence[float], clusters: Sequence[str]) -> Interval:
    """The mean of the values that are not NaN.

    Recordings of one speaker resemble one another, so whole speakers are drawn with replacement,
    not recordings (percentile bootstrap, 2000 draws, the same ones at every call). Of a single
    speaker, recordings are drawn.

    Args:
        values: `[n]`.
        clusters: `[n]`, the speaker of each value.

    Returns:
        The interval; its ends are NaN with fewer than two values.
    """
    array = np.asarray(values, dtype=np.float64)
    valid = np.isfinite(array)
    if not valid.any():
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    array = array[valid]
    _, members = np.unique(np.asarray(clusters)[valid], return_inverse=True)
    if members.max() == 0:
        members = np.arange(len(array))
    sums, counts = np.bincount(members, array), np.bincount(members)
    low = high = float("nan")
    if len(sums) > 1:
        draws = np.random.default_rng(0).integers(len(sums), size=(_RESAMPLES, len(sums)))
        means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
        low, high = (float(end) for end in np.percentile(means, _PERCENTILES))
    return Interval(float(array.mean()), low, high, len(array))
