"""Bytes that come once, and bytes that are not what a file holds."""

from __future__ import annotations

from typing import Any, BinaryIO


class Pipe:
    """Bytes that come once, the first of which can be looked at before they are read.

    Args:
      stream: open for reading bytes; it is never sought in.
    """

    def __init__(self, stream: BinaryIO) -> None:
        # What a pipe holds already, where the stream can tell, rather than waiting for more.
        self._read = getattr(stream, "read1", stream.read)
        self._ahead = bytearray()

    def ahead(self, start: int, count: int) -> bytes:
        """Looks at bytes that have not been read yet.

        Args:
          start: place of the first one, counted from the next byte to be read.
          count: how many bytes.

        Returns:
          The bytes; fewer where the stream ends.
        """
        while len(self._ahead) < start + count and (part := self._read(start + count)):
            self._ahead += part
        return bytes(self._ahead[start : start + count])

    def correct(self, corrections: dict[int, bytes]) -> None:
        """Replaces bytes that were looked at ahead.

        Args:
          corrections: bytes by the place of the first one, counted from the next byte to be read.
        """
        for place, content in corrections.items():
            self._ahead[place : place + len(content)] = content

    def read(self, count: int) -> bytes:
        """Reads on.

        Args:
          count: how many bytes at most.

        Returns:
          The next bytes: fewer where the stream has no more at hand, none at its end.
        """
        if not self._ahead:
            return self._read(count)
        part = bytes(self._ahead[:count])
        del self._ahead[:count]
        return part


class Peek:
    """Reads what a pipe will give without taking it.

    Args:
      pipe: must not be read meanwhile.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._position = 0

    def read(self, count: int) -> bytes:
        """Looks at the next bytes.

        Args:
          count: how many bytes at most.

        Returns:
          The bytes; fewer where the pipe ends.
        """
        part = self._pipe.ahead(self._position, count)
        self._position += len(part)
        return part


class Corrected:
    """A file in which some bytes are others.

    Args:
      file: a regular file, open for reading bytes.
      corrections: bytes by their place in the file, read instead of those there.

    Attributes:
      seek: of the file.
      tell: of the file.
      close: of the file.
    """

    def __init__(self, file: Any, corrections: dict[int, bytes]) -> None:
        self._file = file
        self._corrections = corrections
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, count: int) -> bytes:
        """Reads on.

        Args:
          count: how many bytes at most.

        Returns:
          The next bytes, corrected; fewer at the end.
        """
        start = self._file.tell()
        part = bytearray(self._file.read(count))
        for place, content in self._corrections.items():
            for at, byte in enumerate(content, place - start):
                if 0 <= at < len(part):
                    part[at] = byte
        return bytes(part)
