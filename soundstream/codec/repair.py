"""Packets that did not come, rebuilt from the sums that others carry (bitstream/datagrams.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bitstream.datagrams import Datagram

_KEPT_PACKETS = 64


@dataclass(frozen=True)
class _Equation:
    """A sum that came: the exclusive or of these packets' first levels."""

    numbers: tuple[int, ...]
    codes: np.ndarray
    denoise: bool


class Repair:
    """The last packets: those that came, and what sums tell of those that did not."""

    def __init__(self) -> None:
        self._came: dict[int, Datagram] = {}
        self._rebuilt: dict[int, Datagram] = {}
        self._equations: list[_Equation] = []
        self._newest = 0

    def add(self, number: int, datagram: Datagram) -> None:
        """Takes in what came; a second one of the same number changes nothing.

        Args:
          number: of the packet; 64 or more away from the newest, all is forgotten first.
          datagram: its content.
        """
        if abs(number - self._newest) >= _KEPT_PACKETS:
            # The sender began anew, or nothing came for long.
            self._came, self._rebuilt, self._equations = {}, {}, []
        if number in self._came:
            return
        self._newest = max(number, self._newest) if self._came else number
        self._came[number] = datagram
        self._equations += [
            _Equation(tuple(number - d for d in one.distances), one.codes, datagram.denoise)
            for one in datagram.sums
        ]
        oldest = self._newest - _KEPT_PACKETS
        self._came = {key: came for key, came in self._came.items() if key > oldest}
        self._rebuilt = {key: built for key, built in self._rebuilt.items() if key > oldest}
        self._equations = [e for e in self._equations if min(e.numbers) > oldest]

    def received(self, number: int) -> Datagram | None:
        """Looks up a packet as it came.

        Args:
          number: of the packet.

        Returns:
          Its content; None if it did not come, or long ago.
        """
        return self._came.get(number)

    def rebuilt(self, number: int) -> Datagram | None:
        """Rebuilds a packet that did not come from what sums tell of it by now.

        Args:
          number: of the packet.

        Returns:
          Its first levels, as many as are known; None if nothing is.
        """
        self._equations = [
            e for e in self._equations if any(one not in self._came for one in e.numbers)
        ]
        while any(self._solve(equation) for equation in self._equations):
            pass
        return self._rebuilt.get(number)

    def _solve(self, equation: _Equation) -> bool:
        """Rebuilds what the others of a sum tell of; whether that was news.

        What came is never changed, and what was rebuilt only by something with more levels: so this
        ends, whatever sums contradict one another.
        """
        news = False
        for number in equation.numbers:
            others = [n for n in equation.numbers if n != number]
            known = [self._came.get(other) or self._rebuilt.get(other) for other in others]
            codes = [one.codes for one in known if one is not None and one.codes is not None]
            terms = [equation.codes, *codes]
            fits = len({term.shape[:2] for term in terms}) == 1
            levels = min(term.shape[2] for term in terms)
            before = self._rebuilt.get(number)
            better = before is None or before.codes is None or before.codes.shape[2] < levels
            if number not in self._came and len(codes) == len(others) and fits and better:
                total = np.bitwise_xor.reduce([term[..., :levels] for term in terms])
                self._rebuilt[number] = Datagram(len(total), total, denoise=equation.denoise)
                news = True
        return news
