"""What samples and codes must be, before a graph sees them: it would take anything."""

import numpy as np


def check_samples(samples: np.ndarray) -> None:
    """Refuses samples that are no sound.

    Args:
      samples: floating point of any shape, full scale 1.

    Raises:
      ValueError: they are of another type, which it names, or not all of them are finite.
    """
    if samples.dtype.kind != "f":
        raise ValueError(f"samples of type {samples.dtype}: floating point needed, full scale is 1")
    if not np.isfinite(samples).all():
        raise ValueError(f"samples of type {samples.dtype}: not all of them are finite")


def check_codes(codes: np.ndarray) -> None:
    """Refuses codes that are no integers.

    Args:
      codes: integers of any shape.

    Raises:
      ValueError: they are of another type, which it names.
    """
    if codes.dtype.kind not in "iu":
        raise ValueError(f"codes of type {codes.dtype}: integers needed")
