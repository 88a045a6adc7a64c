"""Streams of datagrams of which many are lost and the rest damaged, through coder and repair.

python tests/fuzz/damaged_datagrams.py 1000000
"""

from __future__ import annotations

import random
import sys

import numpy as np

from soundstream.bitstream.datagrams import DatagramCoder
from soundstream.bitstream.errors import BitstreamError
from soundstream.codec.redundancy import PROFILES, DatagramEncoder
from soundstream.codec.repair import Repair
from tests.fuzz.datagram_target import CODERS

Stream = tuple[DatagramCoder, list[bytes]]
_LOST, _RENUMBERED = 0.2, 0.01
_DELAY = 8


def streams() -> list[Stream]:
    """Forty datagrams in each form: one and two channels, packed and entropy-coded."""
    rng = np.random.default_rng(0)
    made = []
    for coder in CODERS:
        # Tables of tests are for four levels of codes that are mostly 0 or 1.
        name, levels, entries = ("light", 4, 2) if coder.tables else ("strong", 12, 256)
        encoder = DatagramEncoder(coder, PROFILES[name])
        shape = (40, 2, coder.num_channels, levels)
        made.append((coder, [encoder.encode(p) for p in rng.integers(0, entries, shape)]))
    return made


def damaged(data: bytes, draw: random.Random) -> bytes:
    """A few bits turned, cut, prolonged, or something else altogether."""
    out = bytearray(data)
    kind = draw.random()
    if kind < 0.7:
        for _ in range(draw.randint(1, 3)):
            near = draw.choice([4, len(out)])  # the first bytes say what the others are
            out[draw.randrange(min(near, len(out)))] ^= 1 << draw.randrange(8)
    elif kind < 0.8:
        del out[draw.randrange(len(out)) :]
    else:
        out += draw.randbytes(draw.randrange(4))
    return bytes(out) if kind < 0.9 else draw.randbytes(draw.randrange(40))


def run(count: int) -> tuple[int, int]:
    """Gives so many to receivers; returns how many were refused, and how many packets rebuilt."""
    draw = random.Random(0)
    made = streams()
    given = refused = rebuilt = 0
    while given < count:
        coder, datagrams = draw.choice(made)
        repair = Repair()
        for at, data in enumerate(datagrams):
            if draw.random() < _LOST:
                continue
            given += 1
            number = at + (draw.randrange(-70, 70) if draw.random() < _RENUMBERED else 0)
            try:
                repair.add(number, coder.decode(damaged(data, draw)))
            except BitstreamError:
                refused += 1
            if repair.received(at - _DELAY) is None:
                rebuilt += repair.rebuilt(at - _DELAY) is not None
    return refused, rebuilt


if __name__ == "__main__":
    total = int(sys.argv[1])
    print("{1} of {0} refused, {2} packets rebuilt".format(total, *run(total)))
