"""Units of preparation at scale: each is done by one worker, wholly or not at all.

A unit's shards and then its record are renamed into place, the record last. So a unit that was
interrupted, or done twice at a time, leaves what one undisturbed pass would have left, and one with
a record is not done again. Every recording belongs to exactly one unit.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from data import preparation, screening, shards
from data.preparation import Refusals
from data.recordings import Recording, name_share
from soundstream.atomic import whole_file, write_whole

RECORDS = "units"  # folder of the records, beside the shards
Piece = tuple[Recording, np.ndarray]  # int16 [time]


@dataclasses.dataclass(frozen=True)
class Unit:
    """What one worker does at a time.

    Attributes:
      number: of its shards and its record.
      key: changes with what the unit is made from.
      pieces: (sample rate in Hz, list that refusals go to) -> fit pieces.
    """

    number: int
    key: str
    pieces: Callable[[int, Refusals], Iterator[Piece]]


def unit_of(recording: Recording, units: int) -> int:
    """Number of a recording's unit; a speaker is in one, so that short pieces can be joined."""
    return int(name_share(f"{recording.kind}/{recording.speaker}") * units)


def by_size(recordings: Iterable[Recording]) -> list[list[Recording]]:
    """Groups of files of equal size, in which alone there can be copies."""
    groups: defaultdict[int, list[Recording]] = defaultdict(list)
    for recording in recordings:
        groups[recording.path.stat().st_size if recording.path.is_file() else -1].append(recording)
    return list(groups.values())


def distinct(group: Sequence[Recording], units: int) -> Iterator[tuple[int, tuple[Recording, str]]]:
    """(unit, (recording, "")) of each file; instead of "" why it is left out: see `unique`."""
    if len(group) == 1 and group[0].path.is_file() and not group[0].path.is_symlink():
        yield unit_of(group[0], units), (group[0], "")
        return
    _, refused = preparation.unique(group)
    reasons = dict(refused)
    for recording in group:
        yield unit_of(recording, units), (recording, reasons.get(recording.source, ""))


def of_files(number: int, members: Iterable[tuple[Recording, str]]) -> Unit:
    """The unit of these files and reasons, in whatever order they come."""
    ordered = sorted(members, key=lambda member: member[0].source)
    key = [
        (recording.source, recording.split, recording.flag, reason, _state(recording.path))
        for recording, reason in ordered
    ]

    def pieces(sample_rate: int, refused: Refusals) -> Iterator[Piece]:
        for recording, reason in ordered:
            if reason:
                refused.append((recording.source, reason))
                continue
            found, reasons = preparation.prepare(recording, sample_rate)
            refused.extend(reasons)
            yield from ((recording, piece) for piece in found)

    return Unit(number, json.dumps(key), pieces)


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat() if path.is_file() else None
    return (stat.st_size, stat.st_mtime_ns) if stat else (0, 0)


def write(unit: Unit, folder: Path, sample_rate: int) -> bool:
    """Writes a unit's shards and record into `folder`; False if they are there already."""
    record = _record(folder, unit.number)
    key = hashlib.sha256(f"{sample_rate}\n{unit.key}".encode()).hexdigest()
    if record.is_file() and json.loads(record.read_text("utf-8"))["key"] == key:
        return False
    record.unlink(missing_ok=True)
    refused: Refusals = []
    samples: dict[str, list[np.ndarray]] = {split: [] for split in shards.SPLITS}
    clips: list[tuple[str, shards.Clip]] = []
    for recording, piece in preparation.joined(unit.pieces(sample_rate, refused), sample_rate):
        if len(piece) < screening.MIN_CLIP_SECONDS * sample_rate:
            refused.append((recording.source, f"too short: {len(piece) / sample_rate:.2f} s"))
            continue
        offset = sum(map(len, samples[recording.split]))
        clip = shards.Clip(unit.number, offset, len(piece), **recording.columns)
        samples[recording.split].append(piece)
        clips.append((recording.split, clip))
    record.parent.mkdir(parents=True, exist_ok=True)
    for split, parts in samples.items():
        path = shards.shard_path(folder, split, unit.number)
        if parts:
            with whole_file(path) as temporary, temporary.open("wb") as stream:
                np.save(stream, np.concatenate(parts))
        else:
            path.unlink(missing_ok=True)
    rows = [(split, *dataclasses.astuple(clip)) for split, clip in clips]
    text = json.dumps({"key": key, "clips": rows, "refused": refused})
    write_whole(record, text)
    return True


def collect(folder: Path, numbers: Iterable[int]) -> tuple[list[tuple[str, shards.Clip]], Refusals]:
    """What units wrote and refused, by their records; writes the index of each split."""
    written: list[tuple[str, shards.Clip]] = []
    refused: Refusals = []
    for number in sorted(numbers):
        record = json.loads(_record(folder, number).read_text("utf-8"))
        written += [(split, shards.Clip(*row)) for split, *row in record["clips"]]
        refused += [(source, reason) for source, reason in record["refused"]]
    for split in shards.SPLITS:
        shards.write_index(folder, split, (clip for of, clip in written if of == split))
    return written, refused


def _record(folder: Path, number: int) -> Path:
    return folder / RECORDS / f"{number:05d}.json"
