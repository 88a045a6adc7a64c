"""What a decoder of audio files is, and what it raises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np


class AudioError(ValueError):
    """A file that cannot be read or written as audio; the message begins with its name."""


class Decoder(Protocol):
    """An open file.

    Attributes:
      rate: Hz.
      channels: at least 1.
      frames: samples per channel as the header has them, 0 where it does not say.
      subtype: of a wav file without any oddity, in libsndfile's terms; None of all else.
      remarks: what is odd about the file; complete once it has been read to its end.
    """

    rate: int
    channels: int
    frames: int
    subtype: str | None
    remarks: list[str]

    def blocks(self, first: int = 0) -> Iterator[np.ndarray]:
        """Decodes on to the end.

        Args:
          first: the sample to begin with.

        Yields:
          float32 [time, channels], full scale 1, of any length.

        Raises:
          AudioError: it is damaged further on, or changes its rate or number of channels.
        """

    def count_frames(self) -> int:
        """Counts samples by more than the header's word, but without decoding all of them.

        Returns:
          Samples per channel.

        Raises:
          AudioError: the file cannot be read, or ends before its header says.
        """

    def close(self) -> None:
        """Frees the file."""


def reason_of(error: Exception) -> str:
    """Finds the libraries' own words without the path that they put before them.

    Args:
      error: of the system, libsndfile or FFmpeg.

    Returns:
      What is wrong, without the file's name.
    """
    if isinstance(error, FileNotFoundError):
        return "no such file"
    words = getattr(error, "strerror", None) or getattr(error, "error_string", None) or error
    return str(words).strip()


def unreadable(name: str, error: Exception | str) -> AudioError:
    """Makes the error to raise where a library gives up on a file.

    Args:
      name: of the file.
      error: what the library raised, or the reason in words.

    Returns:
      The error, which names the file and the reason.
    """
    reason = error if isinstance(error, str) else reason_of(error)
    return AudioError(f"{name}: cannot be read as audio: {reason}")
