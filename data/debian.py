"""Fetches recordings from Debian packages: no installation, no root, restartable.

`debian_sources.tsv` lists what to take: package, glob (`ARCHIVE!GLOB` looks inside a zip),
exclude (patterns on the whole path, apart by spaces), kind, language, speaker, split, flag,
license, note.
"""

from __future__ import annotations

import csv
import dataclasses
import fnmatch
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from data.recordings import Recording, series_of

SOURCES_FILE = Path(__file__).with_name("debian_sources.tsv")


@dataclasses.dataclass(frozen=True)
class Source:
    """One row of debian_sources.tsv; "-" stands for "none"."""

    package: str
    glob: str
    exclude: str
    kind: str
    language: str
    speaker: str  # "-": noise goes by series, music by file
    split: str  # "train": always there; "-": by the hash of the speaker
    flag: str
    license: str
    note: str


def read_sources(path: Path = SOURCES_FILE) -> list[Source]:
    """The rows of a sources file; ValueError names a row with a wrong number of columns."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    columns = len(dataclasses.fields(Source))
    for number, row in enumerate(rows, start=2):
        if len(row) != columns:
            raise ValueError(f"{path}:{number}: {len(row)} columns, expected {columns}")
    return [Source(*row) for row in rows]


def fetch(packages: Iterable[str], folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Downloads and unpacks packages into `folder`, except those that are there already.

    Returns:
      {package: folder of its files, named package_version_arch}, and {package that cannot be had:
      reason}.

    Raises:
      ValueError: this machine has no apt-get or dpkg-deb.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise ValueError(
                f"{tool} is not on this machine, and the open corpus comes from Debian packages: "
                "run on Debian or Ubuntu (a container will do), or prepare folders of your own "
                "with --nodebian --input_dir=DIR"
            )
    folder.mkdir(parents=True, exist_ok=True)
    unpacked, failed = {}, {}
    for package in packages:
        try:
            unpacked[package] = _unpacked(package, folder) or _fetch_one(package, folder)
        except OSError as error:
            failed[package] = str(error)
    return unpacked, failed


def _unpacked(package: str, folder: Path) -> Path | None:
    return next((path for path in sorted(folder.glob(f"{package}_*")) if path.is_dir()), None)


def _fetch_one(package: str, folder: Path) -> Path:
    # What is cut off stays in a folder of its own, and never looks like a finished package.
    with tempfile.TemporaryDirectory(dir=folder, prefix="partial-") as name:
        partial = Path(name)
        _run(["apt-get", "download", "-q", package], partial)
        debs = list(partial.glob("*.deb"))
        if len(debs) != 1:
            raise OSError(f"apt-get download left {len(debs)} packages")
        _run(["dpkg-deb", "-x", str(debs[0]), "files"], partial)
        return (partial / "files").rename(folder / debs[0].stem)


def _run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if not line.startswith("W:")]
        raise OSError(f"{' '.join(command[:2])}: {' '.join(lines) or result.returncode}")


def recordings(sources: Sequence[Source], unpacked: dict[str, Path]) -> list[Recording]:
    """The files that the rows of unpacked packages name; the first row that names a file has it."""
    found: dict[Path, Recording] = {}
    for source in sources:
        if source.package not in unpacked:
            continue
        root = unpacked[source.package]
        for path in _matching(root, source):
            name = f"{source.package}:{path.relative_to(root)}"
            speaker = source.speaker if source.speaker != "-" else series_of(source.kind, name)
            found.setdefault(
                path,
                Recording(
                    path=path,
                    kind=source.kind,
                    speaker=speaker,
                    language=source.language,
                    license=source.license,
                    source=name,
                    flag=source.flag,
                    split=source.split,
                ),
            )
    return list(found.values())


def _matching(root: Path, source: Source) -> list[Path]:
    base, pattern = root, source.glob
    if "!" in pattern:
        archive, pattern = pattern.split("!")
        base = _unzip(root / archive)
    paths = sorted(path for path in base.glob(pattern) if path.is_file() and not path.is_symlink())
    excluded = source.exclude.split()
    return [p for p in paths if not any(fnmatch.fnmatch(str(p), one) for one in excluded)]


def _unzip(archive: Path) -> Path:
    target = archive.with_name(archive.name + ".files")
    if not target.is_dir():
        partial = archive.with_name(archive.name + ".partial")
        with zipfile.ZipFile(archive) as file:
            file.extractall(partial)
        partial.rename(target)
    return target
