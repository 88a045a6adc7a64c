"""Which packets a network loses: the two-state model of Gilbert and Elliott, or recorded losses.

The channel is good or bad; every packet sent while it is bad is lost. Losses therefore come in
bursts, which is what hurts a codec: 10 % of single losses is easy to conceal, one second in ten
is not. (Gilbert, "Capacity of a burst-noise channel", 1960; with loss only in the bad state.)
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

PACKET_SECONDS = 0.02  # of sound in each packet, whatever the codec


class Network(Protocol):
    """Says which packets are lost."""

    @property
    def loss_rate(self) -> float:
        """Share of packets lost in the long run."""

    def sample(self, num_packets: int, random: np.random.Generator) -> np.ndarray:
        """Draws bool [num_packets], true where a packet is lost."""


@dataclass(frozen=True)
class GilbertElliott:
    """Bursty packet loss.

    Attributes:
      loss_rate: share of packets lost in the long run, 0 up to below 1.
      mean_burst: mean number of packets lost in a row, at least 1. Independent losses have
        1 / (1 - loss_rate).
    """

    loss_rate: float
    mean_burst: float = 2.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.loss_rate < 1.0:
            raise ValueError(f"loss_rate must be from 0 to below 1, got {self.loss_rate}")
        if self.mean_burst < 1.0:
            raise ValueError(f"mean_burst must be 1 or more, got {self.mean_burst}")
        if self.enter_probability > 1.0:
            raise ValueError(
                f"a loss_rate of {self.loss_rate} needs bursts longer than {self.mean_burst}"
            )

    @classmethod
    def independent(cls, loss_rate: float) -> GilbertElliott:
        """Losses that do not depend on one another; ValueError as above."""
        return cls(loss_rate, 1.0 / (1.0 - loss_rate) if 0.0 <= loss_rate < 1.0 else 1.0)

    @property
    def enter_probability(self) -> float:
        """Probability that a loss follows on a packet that arrived."""
        return self.loss_rate / (1.0 - self.loss_rate) / self.mean_burst

    def sample(self, num_packets: int, random: np.random.Generator) -> np.ndarray:
        """Draws bool [num_packets], true where a packet is lost."""
        draws = random.random(num_packets + 1)
        lost = draws[0] < self.loss_rate
        leave = 1.0 / self.mean_burst
        pattern = np.empty(num_packets, bool)
        for index, draw in enumerate(draws[1:].tolist()):
            pattern[index] = lost
            lost = draw >= leave if lost else draw < self.enter_probability
        return pattern


@dataclass(frozen=True)
class RecordedLosses:
    """Losses as some network had them.

    Attributes:
      pattern: 1 for each packet that was lost, 0 for each that came.
    """

    pattern: bytes

    @classmethod
    def read(cls, path: str | Path) -> RecordedLosses:
        """From a text file of 0s (came) and 1s (lost), with any blanks and line ends between.

        Raises:
          ValueError: names the file and what is wrong with it.
        """
        try:
            text = "".join(Path(path).read_text(encoding="ascii").split())
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: not a pattern of losses: {error}") from error
        wrong = sorted(set(text) - {"0", "1"})
        if wrong or "0" not in text:
            what = f"it has {wrong[0]!r}" if wrong else "no packet came"
            raise ValueError(f"{path}: not a pattern of losses, 0 came and 1 lost: {what}")
        return cls(bytes(map(int, text)))

    @property
    def loss_rate(self) -> float:
        return sum(self.pattern) / len(self.pattern)

    def sample(self, num_packets: int, random: np.random.Generator) -> np.ndarray:
        """The pattern from some place on, over and over: bool [num_packets]."""
        start = int(random.integers(len(self.pattern)))
        return np.frombuffer(self.pattern, bool)[
            np.arange(start, start + num_packets) % len(self.pattern)
        ]


def lost_packets(network: Network, samples: np.ndarray, rate: int) -> np.ndarray:
    """Which of a recording's packets are lost: bool [packets].

    The draws follow from the recording's first second, so that they are the same for all codecs,
    and for any beginning of the recording.

    Args:
      samples: float32 [time].
      rate: of the samples, Hz.
    """
    first_second = np.rint(samples[:rate] * 32767).astype("<i4")
    random = np.random.default_rng(zlib.crc32(first_second.tobytes()))
    return network.sample(int(np.ceil(len(samples) / rate / PACKET_SECONDS)), random)
