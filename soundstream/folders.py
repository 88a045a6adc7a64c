"""Files of folders, and names of them that can be printed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path


def find_files(folder: str | Path, suffixes: Collection[str]) -> tuple[list[Path], Counter[str]]:
    """Finds the files below a folder that end in one of the suffixes.

    Args:
      folder: where to look; links to folders are not followed.
      suffixes: in lower case, as in ".wav"; files may have them in any case.

    Returns:
      Files, sorted, and how many there are of each other suffix; hidden files do not count there.

    Raises:
      ValueError: a folder cannot be read; names it.
    """

    def refuse(error: OSError) -> None:
        raise ValueError(f"{printable(error.filename)}: {error.strerror}")

    found: list[Path] = []
    others: Counter[str] = Counter()
    for parent, _, names in os.walk(folder, onerror=refuse, followlinks=False):
        for name in names:
            path = Path(parent, name)
            if path.suffix.lower() in suffixes:
                found.append(path)
            elif not name.startswith("."):
                others[path.suffix.lower() or name] += 1
    return sorted(found), others


def in_words(counts: Counter[str], most: int = 5) -> str:
    """Names the most frequent suffixes.

    Args:
      counts: how many files there are of each suffix, from `find_files`.
      most: how many suffixes to name.

    Returns:
      Words as in "12 .txt, 3 .jpg"; ", ..." follows if there are more suffixes.
    """
    words = [f"{count} {printable(suffix)}" for suffix, count in counts.most_common(most)]
    return ", ".join(words) + (", ..." if len(counts) > most else "")


def printable(name: str | Path) -> str:
    """Turns a name into text that UTF-8 can hold.

    Args:
      name: of a file or folder, as the system gives it.

    Returns:
      The name; bytes that are no UTF-8 are hexadecimal, with a backslash and x before them.
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")
