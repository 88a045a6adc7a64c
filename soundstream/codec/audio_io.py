"""Audio in and out of the file codec: in blocks, through pipes, and files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..atomic import is_stream, whole_file
from ..audio import AudioError, AudioReader
from ..writing import open_writer

PIPE = "-"  # stands for standard input or output wherever a path is asked for
_WAV_LIMIT_BYTES = 1 << 32  # of the sizes in a wav header; beyond it RF64 is written
_PIPE_WAV = struct.Struct("<4sI4s4sIHHIIHH4sI")
_STREAM_SUFFIXES = ("", ".wav")


def open_audio(path: str) -> AudioReader:
    """Opens an audio file, or what comes through a pipe or standard input.

    Args:
      path: the file; "-" is standard input.

    Returns:
      Its reader.

    Raises:
      AudioError: missing, empty or not audio; names the file.
    """
    if path != PIPE:
        return AudioReader(path)
    is_file = stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)  # which can be read back and forth
    return AudioReader("/dev/stdin" if is_file else sys.stdin.buffer)


def goes_through(path: str) -> bool:
    """Tells whether what is written passes on at once and cannot be changed later.

    Args:
      path: where to write; "-" is standard output.

    Returns:
      True for standard output, a pipe or a device.
    """
    return path == PIPE or is_stream(path)


class Outlet:
    """Passes bytes on at once, so that live sound does not wait for a buffer to fill.

    Args:
      stream: open for writing bytes; the caller closes it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Writes bytes and flushes them.

        Args:
          data: all of it is written.
        """
        self._stream.write(data)
        self._stream.flush()


@contextlib.contextmanager
def outlet(path: str) -> Iterator[Outlet]:
    """Opens what `goes_through`; a context manager.

    Args:
      path: a pipe or device; "-" is standard output, which stays open.

    Yields:
      Where to write bytes.

    Raises:
      ValueError, OSError: as `whole_file`.
    """
    if path == PIPE:
        yield Outlet(sys.stdout.buffer)
        return
    with whole_file(path) as itself, itself.open("wb") as stream:
        yield Outlet(stream)


@contextlib.contextmanager
def audio_sink(
    path: str, sample_rate: int, num_channels: int, num_samples: int | None
) -> Iterator[Callable[[np.ndarray], object]]:
    """Opens an audio file to write: 16 bit, clipped to full scale; a context manager.

    Args:
      path: the suffix picks the format; through pipes and devices goes wav.
      sample_rate: Hz.
      num_channels: of every block.
      num_samples: per channel, if known: a pipe's wav header states it, and longer files than wav
        can hold become RF64.

    Yields:
      A function that writes a block, float32 [time, channels].

    Raises:
      AudioError: the format cannot be written, or cannot hold such audio.
      ValueError, OSError: the folder is missing, the disk is full and the like; names the file.
    """
    data_bytes = None if num_samples is None else 2 * num_channels * num_samples
    if goes_through(path):
        if Path(path).suffix.lower() not in _STREAM_SUFFIXES:
            raise AudioError(f"{path}: only wav can be written to what is no regular file")
        with outlet(path) as stream:
            stream.write(_pipe_wav_header(sample_rate, num_channels, data_bytes))
            yield lambda samples: stream.write(_int16(samples))
        return
    wide = data_bytes is not None and data_bytes + 4096 > _WAV_LIMIT_BYTES
    with open_writer(path, sample_rate, num_channels, wide) as write:
        yield write


def _pipe_wav_header(sample_rate: int, num_channels: int, data_bytes: int | None) -> bytes:
    """44 bytes of RIFF; sizes of 2^32 - 1, as other tools write them, where the length is open."""
    largest = _WAV_LIMIT_BYTES - 1
    size = largest if data_bytes is None else min(data_bytes, largest)
    frame = 2 * num_channels
    fields = (16, 1, num_channels, sample_rate, sample_rate * frame, frame, 16)
    return _PIPE_WAV.pack(
        b"RIFF", min(size + 36, largest), b"WAVE", b"fmt ", *fields, b"data", size
    )


def _int16(samples: np.ndarray) -> bytes:
    return np.round(np.clip(samples, -1, 32767 / 32768) * 32768).astype("<i2").tobytes()
