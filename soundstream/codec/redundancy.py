"""What a sender adds to its packets, so that a receiver can do without some of them.

The first levels of a residual quantizer are the same sound at a low rate. So part of a packet's
bits go to sums of the first levels of earlier packets (bitstream/datagrams.py); the packet itself
has fewer levels, and the bitrate stays what was asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..bitstream.datagrams import DISTANCES, FARTHEST, MAX_SUM_LEVELS, DatagramCoder, Sum
from ..bitstream.packets import Kind, Packet


@dataclass(frozen=True)
class Profile:
    """How much of a packet protects others.

    Attributes:
      name: what flags call it.
      parts: a row of DISTANCES for each sum, and which part of the packet's levels it gets: 3 for
        a third.
    """

    name: str
    parts: tuple[tuple[tuple[int, ...], int], ...] = ()

    def split(self, num_levels: int, bits_per_code: int) -> tuple[int, list[tuple[int, int]]]:
        """Shares out a packet as long as one of `num_levels` levels.

        A frame's bits are rounded down to whole codes, for one frame of one channel in a packet.

        Args:
          num_levels: of a packet without redundancy.
          bits_per_code: width of a packed code.

        Returns:
          The packet's own levels, and for each sum its row of DISTANCES and levels.

        Raises:
          ValueError: there are too few levels.
        """
        free = num_levels - -(-8 * len(self.parts) // bits_per_code)
        sums = [
            (DISTANCES.index(distances), min(MAX_SUM_LEVELS, max(free, 0) // part))
            for distances, part in self.parts
        ]
        own = free - sum(levels for _, levels in sums)
        if own < 1 or any(levels < 1 for _, levels in sums):
            raise ValueError(
                f"redundancy {self.name!r} needs more than {num_levels} levels of {bits_per_code} "
                "bits: choose a higher bitrate"
            )
        return own, sums


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("off"),
        Profile("light", (((2, 5), 3),)),
        Profile("strong", (((1, 3), 3), ((2, 7), 5))),
    )
}


def profile_named(name: str) -> Profile:
    """Finds a profile.

    Args:
      name: "off", "light" or "strong".

    Returns:
      The profile of PROFILES.

    Raises:
      ValueError: there is no such profile; lists those there are.
    """
    if name not in PROFILES:
        raise ValueError(f"no redundancy {name!r}: there are {', '.join(PROFILES)}")
    return PROFILES[name]


class DatagramEncoder:
    """Codes of one stream -> datagrams, in order.

    Args:
      coder: writes the datagrams.
      profile: what redundancy to start with.

    Attributes:
      profile: may be changed at any time.
    """

    def __init__(self, coder: DatagramCoder, profile: Profile) -> None:
        self.profile = profile
        self._coder = coder
        self._past: deque[np.ndarray | None] = deque(maxlen=FARTHEST)  # the newest last

    def encode(self, codes: np.ndarray, denoise: bool = False) -> bytes:
        """Writes the next datagram, no longer than all of `codes` would be if packed.

        Args:
          codes: integers [frames, channels, levels]; the last levels make room for the sums.
          denoise: whether the encoder was told to remove noise.

        Returns:
          The datagram.

        Raises:
          ValueError: a shape or a code does not fit, or there are too few levels.
        """
        own, parts = self.profile.split(codes.shape[2], self._coder.bits_per_code)
        sums = [self._sum(row, levels, codes.shape[:2]) for row, levels in parts]
        sent = codes[..., :own]
        data = self._coder.encode(sent, [one for one in sums if one is not None], denoise)
        self._past.append(sent)
        return data

    def pause(self, num_frames: int, description: bytes = b"") -> bytes:
        """Writes the next datagram, of a pause.

        Args:
          num_frames: how long it is, 1..64.
          description: what it sounds like, 8 bytes per channel, or none.

        Returns:
          The datagram.
        """
        self._past.append(None)
        return Packet(Kind.SILENCE, num_frames, 0, description).to_bytes()

    def _sum(self, row: int, levels: int, size: Sequence[int]) -> Sum | None:
        """None where one of the packets was a pause, of another size, or before the first."""
        terms: list[np.ndarray] = []
        for distance in DISTANCES[row]:
            term = self._past[-distance] if distance <= len(self._past) else None
            if term is None or term.shape[:2] != tuple(size):
                return None
            terms.append(term)
        levels = min(levels, *(term.shape[2] for term in terms))
        return Sum(row, np.bitwise_xor.reduce([term[..., :levels] for term in terms]))
