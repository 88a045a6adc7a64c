"""Codes as embeddings, the vectors that the decoder net sees, and how to predict the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

PAST_FRAMES = 4  # that a prediction sees
_RIDGE = 1e-3  # of the inputs' mean power, against overfitting

# Embeddings [PAST_FRAMES, D] up to a loss, oldest first, and how many frames are lost already:
# float32 [D] for the frame that is missing now.
Prediction = Callable[[np.ndarray, int], np.ndarray]


class Codebooks:
    """The entries of a released model's quantizer."""

    def __init__(self, folder: str | Path) -> None:
        with np.load(Path(folder) / "weights.npz") as weights:
            self._entries = weights["quantizer/codebooks"]  # [levels, N, D]

    @property
    def dim(self) -> int:
        return self._entries.shape[2]

    def embed(self, codes: np.ndarray) -> np.ndarray:
        """int32 [frames, levels], any number of levels -> float32 [frames, D]."""
        embeddings = np.zeros((len(codes), self.dim), np.float32)
        for entries, column in zip(self._entries, codes.T):
            embeddings += entries[column]
        return embeddings

    def quantize(self, embedding: np.ndarray) -> np.ndarray:
        """float32 [D] -> int32 [1, levels], all levels."""
        codes, rest = [], embedding
        for entries in self._entries:
            codes.append(np.argmin(np.sum((entries - rest) ** 2, axis=1)))
            rest = rest - entries[codes[-1]]
        return np.array([codes], np.int32)


def learn_linear(clips: Sequence[np.ndarray], num_steps: int) -> Prediction:
    """The linear prediction of least squared error, one for each distance.

    Args:
      clips: embeddings [frames, D] of training recordings.
      num_steps: greatest distance from the last frame that came; beyond it, that one stands.
    """
    inputs, targets = [], []
    for clip in clips:
        count = len(clip) - PAST_FRAMES - num_steps + 1
        if count > 0:
            past = [clip[i : i + count] for i in range(PAST_FRAMES)]
            inputs.append(np.concatenate([*past, np.ones((count, 1), np.float32)], axis=1))
            ahead = range(PAST_FRAMES, PAST_FRAMES + num_steps)
            targets.append(np.stack([clip[i : i + count] for i in ahead], axis=1))
    x, y = np.concatenate(inputs), np.concatenate(targets)
    power = x.T @ x
    power += _RIDGE * np.trace(power) / len(power) * np.eye(len(power), dtype=np.float32)
    weights = np.linalg.solve(power, x.T @ y.reshape(len(y), -1)).reshape(-1, *y.shape[1:])

    def predict(past: np.ndarray, lost: int) -> np.ndarray:
        return np.append(past, np.float32(1)) @ weights[:, min(lost, num_steps - 1)]

    return predict


def with_power_of_last(predict: Prediction) -> Prediction:
    """The direction of a prediction, at the length of the last embedding.

    Least squares shrink what they cannot foresee, which is heard as a drop in level.
    """

    def scaled(past: np.ndarray, lost: int) -> np.ndarray:
        guess = predict(past, lost)
        return guess * (np.linalg.norm(past[-1]) / max(float(np.linalg.norm(guess)), 1e-9))

    return scaled


def repeat(past: np.ndarray, lost: int) -> np.ndarray:
    """The last embedding again."""
    return past[-1]


def zero(past: np.ndarray, lost: int) -> np.ndarray:
    """What Lyra 1.3.2 gives its generator for a lost frame."""
    return np.zeros_like(past[-1])
