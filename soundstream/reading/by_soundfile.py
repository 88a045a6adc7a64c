"""Audio files by libsndfile."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import soundfile

from . import riff
from .decoder import AudioError, unreadable

_BLOCK_FRAMES = 1 << 16
_FLAC_START = b"fLaC\0\0\0\x22"  # its mark, and the head of the block that always comes first


class SoundfileDecoder:
    """A regular file by libsndfile: a `Decoder`.

    Args:
      name: of the file, for messages.
      file: open for reading bytes; `close` closes it.
      layout: what the header of a wav file says; None of all else.

    Attributes:
      rate: Hz.
      channels: at least 1.
      frames: samples per channel as the header has them.
      subtype: of a wav file without any oddity, in libsndfile's terms; None of all else.
      remarks: what is odd about the file; complete once it has been read to its end.

    Raises:
      AudioError: libsndfile cannot read it.
    """

    def __init__(self, name: str, file: BinaryIO, layout: riff.Riff | None) -> None:
        self._name = name
        self._raw = file
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        try:
            self._file = soundfile.SoundFile(file.fileno(), closefd=False)
        except (OSError, RuntimeError) as error:
            raise unreadable(self._name, error) from error
        self.rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int = self._file.frames
        self.subtype = layout.subtype if layout and layout.strict else None
        self.remarks = [layout.remark] if layout and layout.remark else []

    def blocks(self, first: int = 0) -> Iterator[np.ndarray]:
        """Decodes on to the end.

        Args:
          first: the sample to begin with.

        Yields:
          float32 [time, channels], full scale 1, of any length.

        Raises:
          AudioError: it is damaged further on.
        """
        count = first
        try:
            if first >= self.frames:
                return
            if first:
                self._file.seek(first)
            while len(block := self._file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
                count += len(block)
                yield block
        except (OSError, RuntimeError) as error:
            raise unreadable(self._name, error) from error
        if count < self.frames:
            self.remarks.append(_breaks_off(count, self.frames, self.rate))

    def count_frames(self) -> int:
        """Checks the length that the header names by reading the last sample.

        Returns:
          Samples per channel; of FLAC files that were joined, those of the first.

        Raises:
          AudioError: the file ends before, or is damaged there.
        """
        if self.frames and not len(next(self.blocks(self.frames - 1), ())):
            raise AudioError(
                f"{self._name}: ends before the {self.frames} samples that its header names"
            )
        if self._file.format == "FLAC" and holds_another(self._raw):
            self.remarks.append(
                f"only the first {self.frames / self.rate:.2f} s: files were joined"
            )
        return self.frames

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        self._raw.close()


def _breaks_off(count: int, claimed: int, rate: int) -> str:
    return (
        f"it breaks off after {count / rate:.2f} s of the {claimed / rate:.2f} s that its header "
        "names"
    )


def holds_another(file: Any) -> bool:
    """Tells whether FLAC files were joined: libsndfile ends where the first one does.

    Args:
      file: a regular file, open for reading and not empty; its position stays.

    Returns:
      True if a FLAC file begins anywhere after the first byte.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(_FLAC_START, 1) >= 0
