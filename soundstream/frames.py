"""Samples by the frame: what a codec takes is a whole number of frames."""

import numpy as np


def whole_length(num_samples: int, hop: int) -> int:
    """Counts the samples of all frames that are full.

    Args:
      num_samples: how many samples there are.
      hop: samples per frame.

    Returns:
      The largest multiple of `hop` that is not above `num_samples`.
    """
    return num_samples // hop * hop


def whole_frames(samples: np.ndarray, hop: int) -> np.ndarray:
    """Leaves out the samples at the end that fill no frame.

    Args:
      samples: [..., time].
      hop: samples per frame.

    Returns:
      [..., frames * hop], a view.
    """
    return samples[..., : whole_length(samples.shape[-1], hop)]


def filled_frames(samples: np.ndarray, hop: int) -> np.ndarray:
    """Adds silence at the end, so that the last frame is full.

    Args:
      samples: [time].
      hop: samples per frame.

    Returns:
      [frames * hop].
    """
    return np.pad(samples, (0, -len(samples) % hop))
