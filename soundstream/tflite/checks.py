"""What samples and codes must be, before a graph sees them: it would take anything."""

import numpy as np


def check_samples(samples: np.ndarray) -> None:
    """Refuses samples which are no sound in [-1, 1].

    Args:
      samples: of any shape.

    Raises:
      ValueError: integers, or not all of them finite; names their type.
    """
    if not np.issubdtype(samples.dtype, np.floating):
        raise ValueError(f"samples of type {samples.dtype}: floating point needed, full scale is 1")
    if not np.all(np.isfinite(samples)):
        raise ValueError(f"samples of type {samples.dtype}: not all of them are finite")


def check_codes(codes: np.ndarray) -> None:
    """Refuses codes which are no integers.

    Args:
      codes: of any shape.

    Raises:
      ValueError: names their type.
    """
    if not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"codes of type {codes.dtype}: integers needed")
