"""Which packets a network loses: the two-state model of Gilbert and Elliott.

The channel is good or bad; every packet sent while it is bad is lost. Losses therefore come in
bursts, which is what hurts a codec: 10 % of single losses is easy to conceal, one second in ten
is not. (Gilbert, "Capacity of a burst-noise channel", 1960; with loss only in the bad state.)
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

PACKET_SECONDS = 0.02  # of sound in each packet, whatever the codec


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


def lost_packets(network: GilbertElliott, samples: np.ndarray, rate: int) -> np.ndarray:
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
