"""The prepared form of a data set: int16 shards that are memory-mapped, and a tab-separated index.

A folder holds, for each split (train, valid, test), `<split>-00000.npy`, ... (int16, 1-D, full
scale = 32768) and `<split>.tsv` with one row per clip; and `dataset.json`, which is written last,
so that a folder that has it is complete.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from soundstream.atomic import write_whole

FORMAT_VERSION = 1
METADATA_FILE = "dataset.json"  # written last: a folder that has it is complete
SPLITS = ("train", "valid", "test")
INT16_SCALE = np.float32(32768.0)  # as in wav files, so that 16-bit sources survive unchanged
SHARD_SAMPLES = 128 * 2**20  # 256 MiB: few files, yet easy to copy


@dataclasses.dataclass(frozen=True)
class Clip:
    """One row of the index: a stretch of one recording, or several short ones of one speaker."""

    shard: int
    offset: int  # in samples
    length: int  # in samples
    kind: str  # speech, noise or music
    speaker: str
    language: str
    license: str
    source: str
    flag: str  # "-" clean wideband, or noisy, short, coded, dull


COLUMNS = tuple(field.name for field in dataclasses.fields(Clip))
TEXT_COLUMNS = COLUMNS[3:]


def to_int16(samples: np.ndarray) -> np.ndarray:
    """float [...] in [-1, 1] -> int16 [...]; beyond full scale is clipped."""
    return np.clip(np.rint(samples * INT16_SCALE), -32768, 32767).astype(np.int16)


def to_float32(samples: np.ndarray) -> np.ndarray:
    """int16 [...] -> float32 [...] in [-1, 1]."""
    return samples.astype(np.float32) / INT16_SCALE


class ShardWriter:
    """Writes the shards and the index of one split; a context manager.

    with ShardWriter(folder, "train") as writer:
        writer.add(samples_int16, kind="speech", speaker=..., ...)
    """

    def __init__(self, folder: Path, split: str, shard_samples: int = SHARD_SAMPLES):
        self._folder = folder
        self._split = split
        self._shard_samples = shard_samples
        self._pending: list[np.ndarray] = []
        self._pending_samples = 0
        self._shard = 0
        self.clips: list[Clip] = []

    def add(self, samples: np.ndarray, **columns: str) -> None:
        """Appends one clip: int16 [time] and the text columns of `Clip`."""
        assert samples.dtype == np.int16 and samples.ndim == 1
        if self._pending and self._pending_samples + len(samples) > self._shard_samples:
            self._write_shard()
        self.clips.append(
            Clip(shard=self._shard, offset=self._pending_samples, length=len(samples), **columns)
        )
        self._pending.append(samples)
        self._pending_samples += len(samples)

    def _write_shard(self) -> None:
        np.save(shard_path(self._folder, self._split, self._shard), np.concatenate(self._pending))
        self._pending, self._pending_samples = [], 0
        self._shard += 1

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is not None:
            return
        if self._pending:
            self._write_shard()
        write_index(self._folder, self._split, self.clips)


def write_index(folder: Path, split: str, clips: Iterable[Clip]) -> None:
    """Writes the clips of one split, in this order, to its index."""
    rows = [COLUMNS, *(dataclasses.astuple(clip) for clip in clips)]
    text = "".join(tsv_line(row) for row in rows)
    write_whole(folder / f"{split}.tsv", text)


def tsv_line(values: Iterable[object]) -> str:
    """One line of a tab-separated file; tabs and line ends in the values become spaces."""
    return "\t".join(" ".join(str(value).split()) for value in values) + "\n"


def shard_path(folder: Path, split: str, shard: int) -> Path:
    """Where shard number `shard` of a split lies."""
    return folder / f"{split}-{shard:05d}.npy"


class PreparedSplit:
    """One split of a prepared folder, opened for random access.

    Attributes:
      clips: the index, in file order.
      sample_rate: in Hz.
    """

    def __init__(self, folder: str | Path, split: str):
        folder = Path(folder)
        self.sample_rate = int(read_metadata(folder)["sample_rate"])
        self.clips = read_index(folder, split)
        self._shards = {
            shard: np.load(shard_path(folder, split, shard), mmap_mode="r")
            for shard in sorted({clip.shard for clip in self.clips})
        }

    def samples(self, clip: Clip, start: int, length: int) -> np.ndarray:
        """float32 [length] of `clip` from sample `start` on, less where the clip ends."""
        stop = min(clip.length, start + length)
        return to_float32(self._shards[clip.shard][clip.offset + start : clip.offset + stop])


def read_metadata(folder: Path) -> dict:
    """dataset.json of a prepared folder; ValueError when it is missing or of another version."""
    path = folder / METADATA_FILE
    if not path.is_file():
        raise ValueError(f"{folder}: no {METADATA_FILE}, so no (complete) prepared folder")
    metadata = json.loads(path.read_text(encoding="utf-8"))
    if metadata.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{path}: format version {metadata.get('format_version')}, expected {FORMAT_VERSION}"
        )
    return metadata


def read_index(folder: Path, split: str) -> list[Clip]:
    """The clips of one split; ValueError names a missing file or a wrong header."""
    path = folder / f"{split}.tsv"
    if not path.is_file():
        raise ValueError(f"{path}: no such index; splits are {', '.join(SPLITS)}")
    header, *rows = (line.split("\t") for line in path.read_text("utf-8").split("\n"))
    if tuple(header) != COLUMNS:
        raise ValueError(f"{path}: the header is not {' '.join(COLUMNS)}")
    return [Clip(int(r[0]), int(r[1]), int(r[2]), *r[3:]) for r in rows[:-1]]
