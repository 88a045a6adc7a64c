"""Files that appear whole or not at all: the one place where the project writes files."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

# What ends a process without a word to Python, unless someone listens; Windows has no SIGHUP.
_FATAL = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class _EndedBySignal(BaseException):
    """Unwinds the stack, so that what was begun is cleared away."""


def is_stream(path: str | Path) -> bool:
    """Tells whether what is written to `path` passes through: a pipe, a terminal, /dev/stdout.

    What lies in /dev and /proc counts whatever it leads to: others have it open already.

    Args:
      path: need not exist.

    Returns:
      True for a stream; False for a regular file, a folder, or what does not exist.
    """
    if Path(os.path.abspath(path)).parts[1:2] in (("dev",), ("proc",)):  # noqa: PTH100 (no links)
        return True
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (of strings too)
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Gives the name of a temporary file that takes the place of `path` once the block succeeds.

    A link stays, and the file that it leads to is replaced; a file that is replaced hands on its
    permissions. Where `path` is a stream (`is_stream`) its own name is given: what is written
    passes through. The temporary file is removed when the block fails, is interrupted, or the
    process is ended by SIGTERM or SIGHUP.

    Args:
      path: the file to write; its folder must exist.

    Yields:
      The path to write to: of a temporary file in the same folder, or of the stream itself.

    Raises:
      ValueError: the folder is missing or cannot be written to, or `path` is a folder or a disk.
      OSError: of the block, with the file's name.
    """
    if is_stream(path):
        if stat.S_ISBLK(os.stat(path).st_mode):  # noqa: PTH116
            raise ValueError(f"{path}: is a disk, not a file")
        yield Path(path)
        return
    target = Path(os.path.realpath(path))
    _check(path, target)
    temporary = target.with_name(f".{uuid.uuid4().hex[:12]}.part")
    with _cleaned_up_before_the_end():
        try:
            yield temporary
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            _to_disk(temporary)
            temporary.replace(target)
        except OSError as error:
            if error.errno is None or error.filename not in (None, str(temporary)):
                raise
            raise type(error)(error.errno, error.strerror, str(path)) from error
        finally:
            temporary.unlink(missing_ok=True)


def write_whole(path: str | Path, content: bytes | str) -> None:
    """Writes a file at once: who reads `path` meanwhile finds the old content or the new one.

    Args:
      path: the file to write; its folder must exist.
      content: all of it; text is written as UTF-8.

    Raises:
      ValueError, OSError: as `whole_file`.
    """
    data = content.encode() if isinstance(content, str) else content
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def _check(path: str | Path, target: Path) -> None:
    if not target.parent.is_dir():
        raise ValueError(f"{path}: no such folder: {target.parent}")
    if not os.access(target.parent, os.W_OK):
        raise ValueError(f"{path}: the folder {target.parent} cannot be written to")
    if target.is_dir():
        raise ValueError(f"{path}: is a folder, not a file")


def _to_disk(path: Path) -> None:
    """Else a power cut may leave an empty file behind the new name."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def _cleaned_up_before_the_end() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP unwind the block before they end the process, as they would have.

    Only where nobody else listens to them, and on the main thread, which alone is told.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def unwind(number: int, _: FrameType | None) -> None:
        received.append(number)
        raise _EndedBySignal

    taken = [number for number in _FATAL if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, unwind)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
        if received:
            os.kill(os.getpid(), received[0])
