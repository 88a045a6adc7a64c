"""Audio files with the oddities that recorders, pipes and cut-off downloads leave behind."""

from __future__ import annotations

import dataclasses
import io
import struct
from typing import Any

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
    layout: str = "mono",
) -> bytes:
    """Audio [time] or [channels, time] in one of FFmpeg's formats."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=container, options=options or {}) as output:
        track: Any = output.add_stream(codec, rate=rate, layout=layout)
        if codec == "libmp3lame":
            track.codec_context.qscale = True
            track.codec_context.global_quality = 5 * 118  # FF_QP2LAMBDA: VBR quality 5
        pcm = np.rint(32767 * np.clip(np.atleast_2d(samples), -1, 1)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm.T.reshape(1, -1).copy(), "s16", layout)
        frame.sample_rate = rate
        size = track.codec_context.frame_size or None
        resampler = av.AudioResampler(track.codec_context.format, layout, rate, size)
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


@dataclasses.dataclass(frozen=True)
class Case:
    """One odd file.

    Attributes:
      name: with its suffix.
      content: its bytes.
      seconds: of sound in it; None where it holds none, and must be refused.
    """

    name: str
    content: bytes
    seconds: float | None


def cases(samples: np.ndarray, rate: int) -> list[Case]:
    """Files of mono `samples` [time], each with an oddity that people met in the wild."""
    seconds = len(samples) / rate
    wav = plain_wav(samples, rate)
    size = len(wav) - 44
    half = size // 4 * 2
    odd = [
        ("plain.wav", wav, seconds),
        ("stream_sizes.wav", as_stream(wav), seconds),
        ("sox_pipe.wav", with_sizes(wav, 0x7FFFFFFF, 0x7FFFFFFF - 36), seconds),
        ("sign_bit.wav", with_sizes(wav, 0x80000024, 0x80000000), seconds),
        ("minus_two.wav", with_sizes(wav, 0xFFFFFFFE, 0xFFFFFFFE), seconds),
        ("three_times_too_large.wav", with_sizes(wav, 3 * size + 36, 3 * size), seconds),
        ("never_finalised.wav", with_sizes(wav, 0, 0), seconds),
        ("finalised_empty.wav", wav[:4] + struct.pack("<I", 36) + wav[8:40] + bytes(4), 0.0),
        ("odd_chunk_behind.wav", with_chunk(wav, b"LIST", b"INFOICMT\x03\0\0\0abc"), seconds),
        ("odd_byte_count.wav", with_sizes(wav + b"\x07", size + 37, size + 1), seconds),
        ("cut_off.wav", wav[: 44 + half], half / 2 / rate),
        ("junk_behind.wav", wav + bytes(range(100)), seconds),
        ("rf64_pipe.wav", as_rf64(wav), seconds),
        ("rf64.wav", as_rf64(wav, (len(wav) + 28, size)), seconds),
        ("no_audio.wav", wav[:36], None),
        ("text.wav", b"this is no audio\n" * 50, None),
        ("empty.wav", b"", None),
    ]
    flac = written(samples, rate, "FLAC")
    ogg, opus = written(samples, rate, "OGG"), written(samples, rate, "OGG", "OPUS")
    xing = coded(samples, rate, "mp3", "libmp3lame")
    vbr = mp3_without_xing(samples, rate)
    odd += [
        ("plain.flac", flac, seconds),
        ("no_count.flac", flac_without_count(flac), seconds),
        ("joined.flac", flac + flac, 2 * seconds),
        ("cut_off.flac", flac[: len(flac) // 2], None),
        ("plain.ogg", ogg, seconds),
        ("chained.ogg", ogg + ogg, 2 * seconds),
        ("plain.opus", opus, seconds),
        ("chained.opus", opus + opus, 2 * seconds),
        ("xing.mp3", xing, seconds),
        ("no_xing.mp3", vbr, seconds),
        ("joined.mp3", vbr + vbr, 2 * seconds),
        ("aac.m4a", coded(samples, rate, "mp4", "aac"), seconds),
        ("opus.webm", coded(samples, rate, "webm", "libopus"), seconds),
        ("adts.aac", coded(samples, rate, "adts", "aac"), seconds),
        ("opus.mka", coded(samples, rate, "matroska", "libopus"), seconds),
    ]
    for suffix, name in (("caf", "CAF"), ("w64", "W64"), ("aiff", "AIFF"), ("au", "AU")):
        odd.append((f"plain.{suffix}", written(samples, rate, name, "PCM_16"), seconds))
    return [Case(*one) for one in odd]


def written(samples: np.ndarray, rate: int, name: str, subtype: str | None = None) -> bytes:
    """Audio in one of libsndfile's formats."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=name, subtype=subtype)
    return stream.getvalue()
