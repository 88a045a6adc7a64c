"""What is known of recordings before they are opened: folders, manifests, and the three splits."""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from absl import logging

from data.shards import SPLITS, TEXT_COLUMNS
from soundstream.audio import AUDIO_SUFFIXES
from soundstream.folders import find_files, in_words, printable

# 6 % of the speakers each: the open corpus has many speakers of a few seconds and few of hours,
# so this holds out more than 40 voices for validation at about 2 % of the hours.
HELD_OUT_SHARE = 0.06
MIN_SPEAKERS = 3  # fewer cannot be split by speaker
MANIFEST_COLUMNS = ("file", "kind", "speaker", "language", "license")
KINDS = ("speech", "noise", "music")


@dataclasses.dataclass(frozen=True)
class Recording:
    """One audio file of a corpus."""

    path: Path
    kind: str  # one of KINDS
    speaker: str  # of noise: the series that the file belongs to; of music: the source file
    language: str
    license: str
    source: str  # where it comes from, without any path of this machine
    flag: str = "-"  # "-" clean and wideband, or noisy, short, coded, dull
    split: str = "-"  # "-": assign_splits decides

    @property
    def columns(self) -> dict[str, str]:
        """What an index says of it: the text columns of `shards.Clip`."""
        return {name: getattr(self, name) for name in TEXT_COLUMNS}


def read_folder(folder: str | Path) -> list[Recording]:
    """The recordings of a folder: by its manifest.tsv, else every audio file in it as speech.

    The manifest is tab-separated with the columns file, kind, speaker, language and license, and
    optionally source_repo, source_path, flag and split. Without a manifest speakers are told apart
    by folders, the uppermost ones of which there are several, or by the files' names; the log says
    which. Files that are no audio by their suffix are counted there.

    Raises:
      ValueError: no such folder, nothing in it, or a wrong manifest.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    manifest = folder / "manifest.tsv"
    found = _read_manifest(manifest) if manifest.is_file() else _read_tree(folder)
    if not found:
        raise ValueError(f"{folder}: no audio files in it ({' '.join(AUDIO_SUFFIXES)})")
    return found


def _read_tree(folder: Path) -> list[Recording]:
    paths, others = find_files(folder, AUDIO_SUFFIXES)
    paths = [path for path in paths if path.is_file()]
    folders = [path.relative_to(folder).parts[:-1] for path in paths]
    level = _speaker_level(folders)
    found = []
    for path, parts in zip(paths, folders):
        speaker = printable(parts[level] if len(parts) > level else path.stem)
        source = printable(f"{folder.name}:{path.relative_to(folder).as_posix()}")
        found.append(Recording(path, "speech", speaker, "-", "unknown", source))
    if found:
        _say(_told_apart(folder, found, folders, level))
    if others:
        _say(f"{printable(folder)}: passed over, no audio by name: {in_words(others)}")
    return found


def _speaker_level(folders: Sequence[tuple[str, ...]]) -> int:
    """How deep the folders lie that tell speakers apart: below those that all files share."""
    level = 0
    while folders and min(map(len, folders)) > level + 1:
        if len({parts[level] for parts in folders}) > 1:
            break
        level += 1
    return level


def _told_apart(
    folder: Path, found: Sequence[Recording], folders: Sequence[tuple[str, ...]], level: int
) -> str:
    by_folder = sum(len(parts) > level for parts in folders)
    deep = "" if level == 0 else f" {level + 1} deep"
    how = [f"{by_folder} by their folder{deep}"] if by_folder else []
    if by_folder < len(found):
        how.append(f"{len(found) - by_folder} by their name")
    return (
        f"{printable(folder)}: no manifest.tsv, so {len(found)} files are speech of "
        f"{len({recording.speaker for recording in found})} speakers: {' and '.join(how)}"
    )


@functools.cache
def _say(text: str) -> None:
    """Logs it, once: a folder is read for each of its splits."""
    logging.warning("%s", text)


def _read_manifest(manifest: Path) -> list[Recording]:
    with manifest.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        rows = list(reader)
    missing = [name for name in MANIFEST_COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(f"{manifest}: column {missing[0]} is missing")
    found = []
    for number, row in enumerate(rows, start=2):
        split = row.get("split") or "-"
        for name, value, known in (("kind", row["kind"], KINDS), ("split", split, ("-", *SPLITS))):
            if value not in known:
                raise ValueError(
                    f"{manifest}:{number}: {name} is one of {', '.join(known)}, got {value!r}"
                )
        origin = row.get("source_path") or row["file"]
        source = f"{row.get('source_repo') or manifest.parent.name}:{origin}"
        found.append(
            Recording(
                path=manifest.parent / row["file"],
                kind=row["kind"],
                speaker=(
                    row["speaker"] if row["kind"] == "speech" else series_of(row["kind"], source)
                ),
                language=row["language"] or "-",
                license=row["license"] or "unknown",
                source=source,
                flag=row.get("flag") or "-",
                split=split,
            )
        )
    return found


def series_of(kind: str, source: str) -> str:
    """What takes a speaker's place in noise and music: what must not be torn apart by splits.

    Pieces of one recording (NAME#0, NAME#1, ...) stay together; and of noise whole series (rain1,
    rain2, rain03b), which share a place, a microphone or a machine.
    """
    recording = source.split("#")[0]
    if kind != "noise":
        return recording
    stem, suffix = PurePosixPath(recording).stem, PurePosixPath(recording).suffix
    series = re.sub(r"[ _-]*\d+[a-z]?$", "", stem) or stem
    return recording.removesuffix(stem + suffix) + series


def name_share(name: str) -> float:
    """A number in [0, 1) from the hash of a name: the same on every machine, for ever."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def assign_splits(recordings: Sequence[Recording]) -> list[Recording]:
    """Gives every recording its split: its speaker's named one, or by the hash of the speaker.

    Names that hash below HELD_OUT_SHARE are valid, those below twice that are test. So that a
    small collection has all three splits too, the lowest hash is valid and the next test when no
    other is, and the highest is always train. With fewer than MIN_SPEAKERS speakers of a kind, the
    files take the speakers' place.
    """
    units: dict[str, dict[int, str]] = {}
    for kind in KINDS:
        members = {n: r for n, r in enumerate(recordings) if r.kind == kind}
        by_speaker = len({r.speaker for r in members.values()}) >= MIN_SPEAKERS
        units[kind] = {n: r.speaker if by_speaker else r.path.name for n, r in members.items()}
    assigned = list(recordings)
    for names in units.values():
        named = {
            name: recordings[n].split for n, name in names.items() if recordings[n].split != "-"
        }
        splits = _split_names(set(names.values()) - set(named), taken=set(named.values())) | named
        for n, name in names.items():
            if recordings[n].split == "-":
                assigned[n] = dataclasses.replace(recordings[n], split=splits[name])
    return assigned


def _split_names(names: set[str], taken: set[str]) -> dict[str, str]:
    ranked = sorted(names, key=name_share)
    splits: dict[str, str] = {}
    for number, split in enumerate(("valid", "test")):
        low, high = number * HELD_OUT_SHARE, (number + 1) * HELD_OUT_SHARE
        free = [name for name in ranked[:-1] if name not in splits]
        chosen = [name for name in free if low <= name_share(name) < high]
        if not chosen and split not in taken:
            chosen = free[:1]
        splits.update(dict.fromkeys(chosen, split))
    return {name: splits.get(name, "train") for name in ranked}
