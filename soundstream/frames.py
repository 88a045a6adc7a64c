"""Samples by the frame: what a codec takes is a whole number of frames."""

import numpy as np


def whole_length(num_samples: int, hop: int) -> int:
    """The samples of all frames of `hop` that `num_samples` fill."""
    return num_samples // hop * hop


def whole_frames(samples: np.ndarray, hop: int) -> np.ndarray:
    """[..., time] without the samples at the end that fill no frame."""
    return samples[..., : whole_length(samples.shape[-1], hop)]


def filled_frames(samples: np.ndarray, hop: int) -> np.ndarray:
    """[time] with silence at the end that fills the last frame."""
    return np.pad(samples, (0, -len(samples) % hop))
