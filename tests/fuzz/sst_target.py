"""What must hold for any bytes given to `info` and `decode`: audio or one clear error.

Run as a script it is the coverage-guided fuzzer (atheris, libFuzzer):

    python tests/fuzz/sst_target.py tests/fuzz/corpus -runs=1000000 -max_len=2048
"""

from __future__ import annotations

import binascii
import contextlib
import functools
import io
import sys
import zlib
from collections.abc import Callable

import numpy as np

if __name__ == "__main__":
    import atheris

    with atheris.instrument_imports(include=["soundstream"]):
        import soundstream.codec.file_codec  # noqa: F401

from soundstream.bitstream.container import ContainerReader
from soundstream.bitstream.entropy_tables import EntropyTables, LevelTable
from soundstream.bitstream.errors import BitstreamError
from soundstream.bitstream.header import HEADER_BYTES
from soundstream.bitstream.info import describe
from soundstream.bitstream.packets import PacketCoder
from soundstream.bitstream.range_coder import TOTAL
from soundstream.codec import concealment
from soundstream.codec.file_codec import decode_audio
from tests import fake_runtime

MODEL = fake_runtime.CodecModel(fake_runtime.Metadata(codebook_size=256, hop=80))
_SKEWED = np.ones(256, np.uint16)
_SKEWED[:2] = (TOTAL - 254) // 2
_CONTEXTS = np.arange(256, dtype=np.uint8) % 2
TABLES = EntropyTables(
    tuple(LevelTable(_CONTEXTS, _CONTEXTS, np.tile(_SKEWED, (2, 2, 1))) for _ in range(4))
)
# Stated in docs/bitstream.md: 64 frames for each packet of at least 7 bytes, 8 for each byte that
# belongs to none, and 32,768.
FREE_FRAMES, FRAMES_PER_BYTE = 32_768, 64 / 7


def use_stand_in(patch: Callable[[object, str, object], None]) -> None:
    """Puts the stand-in in a model's place, and shortens fades: two frames test what twenty do."""
    fake_runtime.use(patch)
    patch(concealment, "FADE_SECONDS", 0.01)


def check_stream(data: bytes) -> None:
    """Reads all packets and their codes."""
    with contextlib.suppress(BitstreamError):
        reader = ContainerReader(io.BytesIO(data))
        coder = PacketCoder(reader.header.bits_per_code, reader.header.num_channels, TABLES)
        for block in reader:
            if block.packet is not None:
                with contextlib.suppress(BitstreamError):
                    codes = coder.decode(block.packet)
                    assert codes.shape[0] == block.num_frames and codes.min() >= 0
        most = FREE_FRAMES + FRAMES_PER_BYTE * len(data)
        assert reader.num_frames <= most, f"{reader.num_frames} frames from {len(data)} bytes"


def check_audio(data: bytes) -> None:
    """Decodes all of it."""
    num_samples = 0

    @contextlib.contextmanager
    def open_sink(header):
        def write(samples):
            nonlocal num_samples
            assert samples.dtype == np.float32 and samples.shape[1] == header.num_channels
            assert np.all(np.isfinite(samples))
            num_samples += len(samples)

        yield write

    with contextlib.suppress(BitstreamError):
        summary = decode_audio(MODEL, ContainerReader(io.BytesIO(data)), open_sink, TABLES)
        assert summary.header.total_samples == num_samples
        assert num_samples == describe(io.BytesIO(data))["samples"]


def seal(data: bytes) -> bytes:
    """Makes the checksums right and the header fit the model, so that packets are looked into."""
    out = bytearray(data)
    if len(out) < HEADER_BYTES:
        return data
    metadata = MODEL.metadata
    out[0:5] = b"SST\x1a\x01"
    out[5] &= 7
    out[6] = out[6] % 3 + 1
    out[7] = 8
    out[10:12] = metadata.hop.to_bytes(2, "big")
    out[12:16] = (16_000, 16_000, 8_000, 44_100)[out[15] % 4].to_bytes(4, "big")
    out[16:20] = metadata.sample_rate.to_bytes(4, "big")
    out[28:36] = bytes.fromhex(metadata.model_id)
    out[36:40] = TABLES.id.to_bytes(4, "big")
    out[40:44] = zlib.crc32(out[:40]).to_bytes(4, "big")
    position, frame = HEADER_BYTES, 0
    while position + 7 <= len(out):
        kind, num_frames, num_levels = out[position + 4] >> 6, (out[position + 4] & 63) + 1, 0
        if kind < 2:
            num_levels = out[position + 3] % 4 + 1
        out[position + 3] = out[position + 3] & 128 | num_levels
        # Mostly the frame that is due, at times a gap.
        skip = out[position + 1] % 16 if out[position + 2] % 16 == 0 else 0
        out[position] = 0xA5
        out[position + 1 : position + 3] = ((frame + skip) % 65536).to_bytes(2, "big")
        size = {0: num_frames * out[6] * num_levels, 3: 8}.get(kind)
        if size is None:
            limit = num_frames * out[6] * num_levels if kind == 1 else 8 * out[6]
            size = out[position + 6] % (limit + 1)
            out[position + 5 : position + 7] = size.to_bytes(2, "big")
            size += 2
        end = position + 5 + size
        if end + 2 > len(out):
            break
        out[end : end + 2] = binascii.crc_hqx(out[position:end], 0xFFFF).to_bytes(2, "big")
        position, frame = end + 2, frame + skip + num_frames
    return bytes(out)


def fuzz_one(data: bytes, audio_every: int = 1) -> None:
    """The first byte says whether the rest is sealed, 128, and whether it is decoded, 64.

    Decoding takes thirty times as long as reading; `audio_every` thins it out.
    """
    how = data[0] if data else 0
    stream = seal(data[1:]) if how & 128 else data[1:]
    check_stream(stream)
    if how & 64 and zlib.crc32(data) % audio_every == 0:
        check_audio(stream)


if __name__ == "__main__":
    use_stand_in(setattr)
    atheris.Setup(sys.argv, functools.partial(fuzz_one, audio_every=16))
    atheris.Fuzz()
