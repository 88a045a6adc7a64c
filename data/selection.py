"""The recordings of an evaluation: audio files of a folder, or clips of a prepared data folder."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, zip_longest
from pathlib import Path
from typing import Protocol

import numpy as np

from data.recordings import read_folder
from data.shards import PreparedSplit, read_index
from soundstream.audio import AudioReader, resample
from soundstream.folders import printable

UNKNOWN = "-"


@dataclass(frozen=True)
class Labels:
    """What a manifest says about a recording; `-` where it says nothing.

    Attributes:
        speaker: A name, the same in all recordings of one voice.
        language: A language code.
        condition: clean, music, noise, or the manifest's flag: noisy, coded ...
    """

    speaker: str = UNKNOWN
    language: str = UNKNOWN
    condition: str = UNKNOWN


class Recording(Protocol):
    """One recording that can be read in any process."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def labels(self) -> Labels: ...

    def read(self, rate: int, max_seconds: float) -> np.ndarray:
        """The beginning of the recording, float32 mono `[time]`, at `rate` samples per second."""

    def reference(self, rate: int, max_seconds: float) -> np.ndarray:
        """What should come out of a codec, like `read`, which is what goes in."""


@dataclass(frozen=True)
class FileRecording:
    """An audio file; its channels are averaged."""

    path: str
    name: str
    labels: Labels

    def read(self, rate: int, max_seconds: float) -> np.ndarray:
        with AudioReader(self.path, rate) as reader:
            block = next(reader.blocks(round(max_seconds * rate)), np.zeros((0, 1), np.float32))
        return block.mean(axis=1)

    def reference(self, rate: int, max_seconds: float) -> np.ndarray:
        return self.read(rate, max_seconds)


@dataclass(frozen=True)
class PreparedRecording:
    """A clip of a prepared data folder (see `data.shards`), by its position in the index."""

    folder: str
    split: str
    index: int
    name: str
    labels: Labels

    def read(self, rate: int, max_seconds: float) -> np.ndarray:
        split = _open_split(self.folder, self.split)
        length = round(max_seconds * split.sample_rate)
        samples = split.samples(split.clips[self.index], 0, length)
        return resample(samples, split.sample_rate, rate)

    def reference(self, rate: int, max_seconds: float) -> np.ndarray:
        return self.read(rate, max_seconds)


@lru_cache(maxsize=1)
def _open_split(folder: str, split: str) -> PreparedSplit:
    return PreparedSplit(folder, split)


def find_recordings(
    input_dir: str, split: str, kinds: Iterable[str], max_files: int | None = None
) -> list[Recording]:
    """The recordings below a folder, one of each speaker first.

    Args:
        input_dir: A prepared data folder (it has a `dataset.json`), or any folder of audio files.
            A `manifest.tsv` in the latter labels the files (see `data.recordings.read_folder`).
        split: Which part of a prepared folder: train, valid or test.
        kinds: speech, music or noise; files without a manifest count as speech.
        max_files: At most so many; None is all.

    Raises:
        ValueError: nothing there.
    """
    folder = Path(input_dir)
    if (folder / "dataset.json").is_file():
        recordings = _prepared(folder, split, set(kinds))
    else:
        recordings = _files(folder, set(kinds))
    if not recordings:
        raise ValueError(f"{input_dir}: no recordings of kind {', '.join(kinds)} found")
    return _round_robin(recordings)[:max_files]


def _prepared(folder: Path, split: str, kinds: set[str]) -> list[Recording]:
    recordings: list[Recording] = []
    for index, clip in enumerate(read_index(folder, split)):
        if clip.kind in kinds:
            labels = Labels(clip.speaker, clip.language, _condition(clip.kind, clip.flag))
            name = f"{split}-{index:05d}"
            recordings.append(PreparedRecording(str(folder), split, index, name, labels))
    return recordings


def _files(folder: Path, kinds: set[str]) -> list[Recording]:
    return [
        FileRecording(
            path=str(file.path),
            name=printable(file.path.relative_to(folder).as_posix()),
            labels=Labels(file.speaker, file.language, _condition(file.kind, file.flag)),
        )
        for file in read_folder(folder)
        if file.kind in kinds
    ]


def _condition(kind: str, flag: str) -> str:
    """A group to report by: speech without a flag is clean."""
    if kind == "speech":
        return "clean" if flag == UNKNOWN else flag
    return kind


def _round_robin(recordings: list[Recording]) -> list[Recording]:
    """First one recording of each speaker, then their second ones, and so on."""
    by_speaker: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        by_speaker[recording.labels.speaker].append(recording)
    rounds = zip_longest(*by_speaker.values())
    return [recording for recording in chain.from_iterable(rounds) if recording is not None]
