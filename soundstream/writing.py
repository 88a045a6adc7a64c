"""Writing of audio files, by libsndfile, whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from .atomic import whole_file
from .reading.decoder import AudioError, reason_of

# libsndfile's format and subtype where a suffix is not the name of its format.
_FORMATS = {
    "AIF": ("AIFF", None),
    "OGA": ("OGG", "VORBIS"),
    "OPUS": ("OGG", "OPUS"),
    "WAVE": ("WAV", None),
}


def format_of(path: str | Path) -> tuple[str, str | None]:
    """Finds libsndfile's format and subtype by a file's suffix.

    Args:
      path: the file; its suffix may be in any case.

    Returns:
      Format and subtype, as in "OGG" and "OPUS"; None is the format's own subtype.

    Raises:
      AudioError: it cannot write such files.
    """
    suffix = Path(path).suffix[1:].upper()
    name, subtype = _FORMATS.get(suffix, (suffix, None))
    if name not in soundfile.available_formats():
        raise AudioError(f"{path}: cannot write this format; use .wav or .flac")
    return name, subtype


@contextlib.contextmanager
def open_writer(
    path: str | Path, sample_rate: int, num_channels: int, wide: bool = False
) -> Iterator[Callable[[np.ndarray], object]]:
    """Opens an audio file to write; a context manager. Wav and flac become 16 bit, clipped.

    Args:
      path: the suffix picks the format.
      sample_rate: Hz.
      num_channels: of every block.
      wide: of wav: RF64, which may be longer than 4 GB.

    Yields:
      A function that writes a block, floating point [time, channels], full scale 1.

    Raises:
      AudioError: the format cannot be written, or not with such audio.
      ValueError, OSError: the folder is missing, the disk is full and the like; names the file.
    """
    name, subtype = format_of(path)
    if wide and name == "WAV":
        name = "RF64"
    with whole_file(path) as temporary, temporary.open("w+b") as raw:
        stream = _Watched(raw)
        try:
            file = soundfile.SoundFile(
                stream, "w", sample_rate, num_channels, subtype=subtype, format=name
            )
        except (soundfile.LibsndfileError, TypeError, ValueError) as error:
            stream.check()
            raise AudioError(
                f"{path}: {name} cannot hold {num_channels} channels at {sample_rate} Hz: "
                f"{reason_of(error)}"
            ) from error

        def write(samples: np.ndarray) -> None:
            try:
                file.write(samples)
            except (soundfile.LibsndfileError, AssertionError) as error:
                stream.check()
                raise AudioError(f"{path}: cannot be written: {reason_of(error)}") from error

        try:
            yield write
        finally:
            file.close()
        stream.check()


class _Watched:
    """A file that remembers what went wrong: libsndfile only says that something did."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: OSError | None = None
        self.read, self.readinto = file.read, file.readinto  # type: ignore[attr-defined]
        self.seek, self.tell = file.seek, file.tell

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self._error = error
            return 0

    def flush(self) -> None:
        self._file.flush()

    def check(self) -> None:
        """Raises what went wrong, if anything did."""
        if self._error is not None:
            raise self._error
        self._file.flush()
