"""Audio in and out of the file codec: in blocks, through pipes, and files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from ..audio import AudioError, AudioReader

PIPE = "-"  # stands for standard input or output wherever a path is asked for
_WAV_LIMIT_BYTES = 1 << 32  # of the sizes in a wav header; beyond it RF64 is written
_PIPE_WAV = struct.Struct("<4sI4s4sIHHIIHH4sI")


def open_audio(path: str) -> AudioReader:
    """Opens a wav, flac, ogg or mp3 file, or wav on standard input.

    Args:
      path: the file; "-" is standard input.

    Returns:
      Its reader.

    Raises:
      AudioError: missing, empty or not audio; names the file.
    """
    try:
        return AudioReader("/dev/stdin" if path == PIPE else path)
    except (AudioError, TypeError) as error:
        if path == PIPE:
            raise AudioError("standard input: not audio; a pipe must carry wav") from error
        raise AudioError(str(error)) from error


class StandardOutput:
    """Passes bytes on at once, so that live sound does not wait for a buffer to fill."""

    def write(self, data: bytes) -> None:
        """Writes bytes to standard output.

        Args:
          data: any number of them.
        """
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


@contextlib.contextmanager
def whole_file(path: str) -> Iterator[str]:
    """Writes a file whole or not at all; a context manager.

    Args:
      path: the file to write.

    Yields:
      The name of a temporary file, which takes the place of `path` once the block succeeds.

    Raises:
      AudioError: the folder is missing or cannot be written to.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise AudioError(f"{path}: no such folder: {target.parent}")
    if not os.access(target.parent, os.W_OK):
        raise AudioError(f"{path}: the folder {target.parent} cannot be written to")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield str(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def audio_sink(
    path: str, sample_rate: int, num_channels: int, num_samples: int | None
) -> Iterator[Callable[[np.ndarray], object]]:
    """Opens an audio file to write: 16 bit, clipped to full scale; a context manager.

    Args:
      path: the suffix picks the format; "-" is wav to standard output.
      sample_rate: Hz.
      num_channels: of every block.
      num_samples: per channel, if known: a pipe's wav header states it, and longer files than wav
        can hold become RF64.

    Yields:
      A function that writes a block, float32 [time, channels].

    Raises:
      AudioError: the folder is missing, or the format cannot hold such audio.
    """
    data_bytes = None if num_samples is None else 2 * num_channels * num_samples
    if path == PIPE:
        stream = StandardOutput()
        stream.write(_pipe_wav_header(sample_rate, num_channels, data_bytes))
        yield lambda samples: stream.write(_int16(samples))
        return
    name = Path(path).suffix[1:].upper()
    if name not in soundfile.available_formats():
        raise AudioError(f"{path}: cannot write this format; use .wav or .flac")
    if name == "WAV" and data_bytes is not None and data_bytes + 4096 > _WAV_LIMIT_BYTES:
        name = "RF64"
    with whole_file(path) as temporary:
        try:
            file = soundfile.SoundFile(temporary, "w", sample_rate, num_channels, format=name)
        except (soundfile.LibsndfileError, ValueError) as error:
            raise AudioError(
                f"{path}: {name} cannot hold {num_channels} channels at {sample_rate} Hz: "
                f"{_reason(error)}"
            ) from error
        with file:
            try:
                yield file.write
            except soundfile.LibsndfileError as error:
                raise AudioError(f"{path}: cannot be written: {_reason(error)}") from error


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


def _reason(error: Exception) -> str:
    return getattr(error, "error_string", str(error))
