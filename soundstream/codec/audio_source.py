"""What can be coded: anything that gives its samples block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np


class AudioSource(Protocol):
    """What is encoded: a file, like `AudioReader`, or samples in memory."""

    @property
    def rate(self) -> int:
        """Sample rate in Hz."""

    @property
    def channels(self) -> int:
        """Number of channels."""

    def blocks(self, block_samples: int) -> Iterator[np.ndarray]:
        """Reads on to the end.

        Args:
          block_samples: how many samples of each channel a block has.

        Yields:
          float32 [block_samples, channels]; the last block may be shorter.
        """
