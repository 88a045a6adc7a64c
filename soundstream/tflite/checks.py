"""What samples and codes must be, before a graph sees them: it would take anything."""

import numpy as np


def check_samples(samples: np.ndarray) -> None:
    """ValueError that names the type of samples which are no sound in [-1, 1]."""
    if samples.dtype.kind != "f":
        raise ValueError(f"samples of type {samples.dtype}: floating point needed, full scale is 1")
    if not np.isfinite(samples).all():
        raise ValueError(f"samples of type {samples.dtype}: not all of them are finite")


def check_codes(codes: np.ndarray) -> None:
    """ValueError that names the type of codes which are no integers."""
    if codes.dtype.kind not in "iu":
        raise ValueError(f"codes of type {codes.dtype}: integers needed")
