"""What every program owes the terminal: any name can be printed, and Ctrl-C is one line."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

INTERRUPTED = 130  # the exit code that shells give what Ctrl-C ended


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Goes around a program: what the terminal cannot show of a name becomes hexadecimal.

    Ctrl-C ends the program with one line on standard error and the exit code 130.

    Yields:
      Nothing; the program is the block.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except KeyboardInterrupt:
        print(f"{Path(sys.argv[0]).name}: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


def told(message: object) -> str:
    """Puts a message in one line: of the system's errors, the file and what is wrong with it.

    Args:
      message: an exception, or anything that `str` takes.

    Returns:
      The line, without an end of line.
    """
    if isinstance(message, OSError) and message.filename:
        return f"{message.filename}: {message.strerror}"
    return str(message)
