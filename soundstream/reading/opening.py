"""Which of two libraries reads a file: libsndfile or FFmpeg.

libsndfile, by soundfile, reads what it reads best and seeks in to the sample: wav whose header
tells the truth, and FLAC that says how long it is. All else is FFmpeg's, by PyAV, which decodes to
the end whatever headers say. PyAV is large and loaded for the first file that needs it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from . import riff
from .by_ffmpeg import FfmpegDecoder
from .by_soundfile import SoundfileDecoder, holds_another
from .decoder import AudioError, Decoder, reason_of
from .pipe import Corrected, Peek, Pipe

_STANDARD_INPUT = "standard input"


def open_decoder(path: str | Path | BinaryIO, whole: bool = False) -> Decoder:
    """Opens a file or pipe by its name, or standard input as a stream of bytes.

    Args:
      path: the file, pipe or stream.
      whole: it will be read to its end, so that looking through all of it first costs little.

    Returns:
      A decoder at the beginning; the caller closes it.

    Raises:
      AudioError: there is no audio in it, or it cannot be opened; names it.
    """
    if not isinstance(path, (str, Path)):
        return _open_pipe(_STANDARD_INPUT, path)
    name = str(path)
    if Path(path).is_dir():
        raise AudioError(f"{name}: it is a folder, not a file")
    try:
        file = open(os.fsencode(path), "rb", buffering=0)  # noqa: PTH123, SIM115 (kept open)
    except OSError as error:
        raise AudioError(f"{name}: {reason_of(error)}") from error
    try:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return _open_pipe(name, file)
        return _open_file(name, file, status.st_size, whole)
    except BaseException:
        file.close()
        raise


def _open_file(name: str, file: Any, size: int, whole: bool) -> Decoder:
    if not size:
        raise AudioError(f"{name}: the file is empty")
    head = file.read(42)
    file.seek(0)
    layout = None
    if riff.is_riff(head):
        layout = riff.scan(file, size)
        file.seek(0)
        if layout is None:
            raise AudioError(f"{name}: cannot be read as audio: a wav file without any audio in it")
    single = _is_sized_flac(head) and not (whole and holds_another(file))
    if (layout and layout.sized and layout.subtype) or single or _is_simple(head):
        try:
            return SoundfileDecoder(name, file, layout)
        except AudioError as error:
            file.seek(0)
            with contextlib.suppress(AudioError):  # what the better reader says is to be heard
                return FfmpegDecoder(name, file, layout)
            raise error
    if layout and layout.corrections:
        return FfmpegDecoder(name, Corrected(file, layout.corrections), layout)
    return FfmpegDecoder(name, file, layout)


def _open_pipe(name: str, stream: BinaryIO) -> Decoder:
    pipe = Pipe(stream)
    if not (head := pipe.ahead(0, 12)):
        raise AudioError(f"{name}: it is empty")
    layout = riff.scan(Peek(pipe), None) if riff.is_riff(head) else None
    if layout:
        pipe.correct(layout.corrections)
    try:
        return FfmpegDecoder(name, pipe, layout)
    except AudioError as error:
        raise AudioError(
            f"{error}; a pipe carries what is read from front to end, as wav"
        ) from error


def _is_sized_flac(head: bytes) -> bool:
    samples = int.from_bytes(head[18:26], "big") & ((1 << 36) - 1)
    return head[:4] == b"fLaC" and samples > 0


def _is_simple(head: bytes) -> bool:
    """AIFF and W64, which libsndfile reads from pipes too, and FFmpeg does not."""
    return head[:4] in (b"FORM", b"riff")
