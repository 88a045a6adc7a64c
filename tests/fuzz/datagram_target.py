"""What must hold for any datagrams given to `Receiver`: audio, whatever they say.

Run as a script it is the coverage-guided fuzzer (atheris, libFuzzer):

    python tests/fuzz/datagram_target.py tests/fuzz/datagrams -runs=1000000 -max_len=512
"""

from __future__ import annotations

import contextlib
import functools
import sys
import zlib
from collections.abc import Iterator

import numpy as np

if __name__ == "__main__":
    import atheris

    with atheris.instrument_imports(include=["soundstream"]):
        import soundstream.codec.receiver  # noqa: F401

from soundstream.bitstream.datagrams import DatagramCoder
from soundstream.bitstream.errors import BitstreamError
from soundstream.codec.receiver import Receiver
from soundstream.codec.repair import Repair
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


def check_codes(data: bytes, coder: DatagramCoder) -> None:
    """Reads all datagrams, and what they tell of one another."""
    repair = Repair()
    for number, one in datagrams(data):
        with contextlib.suppress(BitstreamError):
            repair.add(number, coder.decode(one))
        found = repair.received(number - 3) or repair.rebuilt(number - 3)
        if found is not None and found.codes is not None:
            assert found.codes.shape[:2] == (found.num_frames, coder.num_channels)
            assert 0 <= found.codes.min() <= found.codes.max() < 1 << coder.bits_per_code


def check_audio(data: bytes, coder: DatagramCoder) -> None:
    """Plays one packet for each that comes."""
    receiver = Receiver(MODEL, coder)
    for number, one in datagrams(data):
        receiver.deliver(number, one)
        audio = receiver.play(number - 3)
        assert audio.shape[1] == coder.num_channels and len(audio) % MODEL.metadata.hop == 0
        assert audio.dtype == np.float32 and np.all(np.isfinite(audio))
    assert bool(receiver.num_refused) == bool(receiver.last_refusal)


def fuzz_one(data: bytes, audio_every: int = 1) -> None:
    """The first byte says how many channels there are, and whether there are tables."""
    coder = CODERS[data[0] % len(CODERS)] if data else CODERS[0]
    check_codes(data[1:], coder)
    if zlib.crc32(data) % audio_every == 0:
        check_audio(data[1:], coder)


if __name__ == "__main__":
    use_stand_in(setattr)
    atheris.Setup(sys.argv, functools.partial(fuzz_one, audio_every=64))
    atheris.Fuzz()
