"""Audio files with the oddities that recorders, pipes and cut-off downloads leave behind."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
import soundfile

DATA = 36  # where the data chunk of `plain_wav` begins


def plain_wav(samples: np.ndarray, rate: int) -> bytes:
    """16 bit wav with a header of 44 bytes."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format="WAV", subtype="PCM_16")
    return stream.getvalue()


def with_sizes(wav: bytes, riff: int, data: int) -> bytes:
    """`plain_wav` with other sizes in its header."""
    return b"".join(
        (wav[:4], struct.pack("<I", riff), wav[8 : DATA + 4], struct.pack("<I", data), wav[44:])
    )


def as_stream(wav: bytes) -> bytes:
    """As FFmpeg writes it to a pipe: sizes of -1, and a chunk before the audio."""
    note = (
        b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf60.16.100\0"
    )
    whole = wav[:DATA] + note + wav[DATA:]
    open_ = b"\xff\xff\xff\xff"
    return b"RIFF" + open_ + whole[8 : DATA + len(note) + 4] + open_ + wav[44:]


def as_rf64(wav: bytes, sizes: tuple[int, int] = (0, 0)) -> bytes:
    """RF64, with (file, data) sizes as they are on a pipe: never filled in."""
    table = b"ds64" + struct.pack("<IQQQI", 28, *sizes, 0, 0)
    open_ = b"\xff\xff\xff\xff"
    return b"RF64" + open_ + b"WAVE" + table + wav[12 : DATA + 4] + open_ + wav[44:]


def with_chunk(wav: bytes, name: bytes, content: bytes) -> bytes:
    """A valid wav with a chunk behind the audio, padded to an even size."""
    chunk = name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    whole = wav + chunk
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def flac_without_count(flac: bytes) -> bytes:
    """FLAC as it is written to a pipe: neither samples nor checksum in the header."""
    out = bytearray(flac)
    out[21] &= 0xF0
    out[22:42] = bytes(20)
    return bytes(out)


def coded(
    samples: np.ndarray,
    rate: int,
    container: str,
    codec: str,
    options: dict[str, str] | None = None,
) -> bytes:
    """Mono audio in one of FFmpeg's formats."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=container, options=options or {}) as output:
        track = output.add_stream(codec, rate=rate, layout="mono")
        if codec == "libmp3lame":
            track.codec_context.qscale = True
            track.codec_context.global_quality = 5 * 118  # FF_QP2LAMBDA: VBR quality 5
        frame = av.AudioFrame.from_ndarray(
            np.rint(32767 * np.clip(samples, -1, 1)).astype(np.int16)[None], "s16", "mono"
        )
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            track.codec_context.format, "mono", rate, track.codec_context.frame_size or None
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(track.encode(part))
        output.mux(track.encode(None))
    return stream.getvalue()


def mp3_without_xing(samples: np.ndarray, rate: int) -> bytes:
    """MP3 of variable bitrate that does not say how long it is."""
    return coded(samples, rate, "mp3", "libmp3lame", {"write_xing": "0"})


def resealed(ogg: bytes, before: int) -> bytes:
    """Makes the checksums right of those pages that begin before byte `before`."""
    out = bytearray(ogg)
    place = 0
    while 0 <= place < before and len(out) >= place + 27:
        table = out[place + 27 : place + 27 + out[place + 26]]
        end = place + 27 + len(table) + sum(table)
        out[place + 22 : place + 26] = bytes(4)
        crc = 0
        for byte in out[place:end]:
            crc = (crc << 8 & 0xFFFFFFFF) ^ _OGG_CRC[crc >> 24 ^ byte]
        out[place + 22 : place + 26] = struct.pack("<I", crc)
        place = out.find(b"OggS", end)
    return bytes(out)


def _ogg_crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)
            crc &= 0xFFFFFFFF
        table.append(crc)
    return table


_OGG_CRC = _ogg_crc_table()
