"""What must hold for any datagrams given to `Receiver`: audio, whatever they say.

Run as a script it is the coverage-guided fuzzer (atheris, libFuzzer):

    python tests/fuzz/datagram_target.py tests/fuzz/datagrams -runs=1000000 -max_len=512
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

if __name__ == "__main__":
    import atheris

    with atheris.instrument_imports(include=["soundstream"]):
        import soundstream.codec.receiver  # noqa: F401

from soundstream.bitstream.datagrams import DatagramCoder
from soundstream.codec.receiver import Receiver
from tests.fuzz.sst_target import MODEL, TABLES, use_stand_in

CODERS = [DatagramCoder(8, channels, tables) for channels in (1, 2) for tables in (None, TABLES)]


def datagrams(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Splits bytes into datagrams: each has its size and how many are lost before it in front.

    A number far from the last one stands for a sender that began anew.
    """
    number = position = 0
    while position + 2 <= len(data):
        size, step = data[position] % 64, data[position + 1]
        number += step % 8 - 1 if step < 240 else 50 * (step - 248)
        position += 2
        yield number, data[position : position + size]
        position += size


def fuzz_one(data: bytes) -> None:
    """The first byte says how many channels there are, and whether there are tables."""
    coder = CODERS[data[0] % len(CODERS)] if data else CODERS[0]
    receiver = Receiver(MODEL, coder)
    played = 0
    for number, one in datagrams(data[1:]):
        receiver.deliver(number, one)
        audio = receiver.play(number - 3)
        assert audio.shape[1] == coder.num_channels and len(audio) % MODEL.metadata.hop == 0
        assert audio.dtype == np.float32 and np.all(np.isfinite(audio))
        played += 1
    assert receiver.num_concealed + receiver.num_rebuilt <= played
    assert bool(receiver.num_refused) == bool(receiver.last_refusal)


if __name__ == "__main__":
    use_stand_in(setattr)
    atheris.Setup(sys.argv, fuzz_one)
    atheris.Fuzz()
