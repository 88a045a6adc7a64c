"""A plain folder of audio files as a source of clips, without preparing it first."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
from absl import logging

from data.recordings import Recording, assign_splits, read_folder
from data.shards import Clip
from soundstream.audio import AudioError, read_header, read_segment, resample

# A stretch that gives less than this share of its samples is of a file that is damaged.
MIN_READ_SHARE = 0.9
# Resampling a stretch needs some of the signal beyond both of its ends.
MARGIN_SECONDS = 0.02


@dataclasses.dataclass(frozen=True)
class AudioFile:
    """What is known of one file."""

    path: Path
    rate: int  # in Hz
    frames: int
    subtype: str | None  # PCM_16, FLOAT, ... of wav without any oddity; see `AudioHeader`


@dataclasses.dataclass(frozen=True)
class Segment:
    """What to read of a file for a stretch of a clip, in the file's own samples."""

    file: AudioFile
    first: int
    count: int
    skipped: int  # samples at the clip's rate between `first` and the stretch


class AudioFolder:
    """One split of a folder of audio files (optionally with manifest.tsv).

    Files that cannot be read, or were recorded below `sample_rate`, are logged by name and left
    out; where a file proves damaged later on, its stretches are taken from the next one of its
    kind. Nothing is trimmed or screened beyond that: `data/corpus.py` does it properly.

    Attributes:
      clips: one per file; `Clip.shard` is the file's number.
      sample_rate: of the clips in Hz; the files' own may be higher.
    """

    def __init__(self, folder: str | Path, split: str, sample_rate: int):
        self.sample_rate = sample_rate
        self.clips: list[Clip] = []
        self._files: list[AudioFile] = []
        self._damaged: set[int] = set()
        members = [r for r in assign_splits(read_folder(folder)) if r.split == split]
        for recording in members:
            try:
                self._add(recording, _probe(recording.path, sample_rate))
            except AudioError as error:
                logging.warning("left out: %s", error)
        if not self.clips:
            raise ValueError(
                f"{folder}: no usable audio at {sample_rate} Hz in its {split} split, which has "
                f"{len(members)} files"
            )

    def _add(self, recording: Recording, file: AudioFile) -> None:
        length = file.frames * self.sample_rate // file.rate
        self.clips.append(Clip(len(self._files), 0, length, **recording.columns))
        self._files.append(file)

    def segment(self, clip: Clip, start: int, length: int) -> Segment:
        """Where to find `length` samples of `clip` from `start` on."""
        file = self._files[clip.shard]
        common = math.gcd(file.rate, self.sample_rate)
        to_step, from_step = self.sample_rate // common, file.rate // common
        margin = 0 if to_step == from_step else round(MARGIN_SECONDS * self.sample_rate)
        # The stretch begins where a sample of the file and one of the clip coincide.
        steps = max(0, start - margin) // to_step
        first = steps * from_step
        last = -(-(start + length + margin) * from_step // to_step)
        count = max(0, min(file.frames, last) - first)
        return Segment(file, first, count, skipped=start - steps * to_step)

    def finish(self, raw: np.ndarray, clip: Clip, start: int, length: int) -> np.ndarray:
        """The stretch itself, from what was read of its segment: mono float32 [time] -> [length].

        Less where the clip ends. Of a file that gave too little, another's is returned.
        """
        segment = self.segment(clip, start, length)
        if len(raw) < MIN_READ_SHARE * segment.count:
            if clip.shard not in self._damaged:
                self._damaged.add(clip.shard)
                logging.warning("%s: cannot be read, another is taken", segment.file.path)
            return self._instead(clip, start, length)
        samples = resample(raw, segment.file.rate, self.sample_rate)
        return samples[segment.skipped : segment.skipped + length]

    def samples(self, clip: Clip, start: int, length: int) -> np.ndarray:
        """float32 [length] of `clip` from sample `start` on, less where the clip ends."""
        length = min(length, clip.length - start)
        segment = self.segment(clip, start, length)
        raw = read_mono(segment.file.path, segment.first, segment.count)
        return self.finish(raw, clip, start, length)

    def _instead(self, clip: Clip, start: int, length: int) -> np.ndarray:
        """A stretch of the next clip of the same kind that can be read."""
        place = self.clips.index(clip)
        for other in self.clips[place + 1 :] + self.clips[:place]:
            if other.kind == clip.kind and other.shard not in self._damaged:
                return self.samples(other, min(start, max(0, other.length - length)), length)
        raise ValueError(f"no {clip.kind} is left that can be read: all files proved damaged")


def read_mono(path: Path, first: int, count: int) -> np.ndarray:
    """float32 [count] from sample `first` on, channels averaged; what cannot be read is logged."""
    try:
        return read_segment(path, first, count).mean(axis=1)
    except AudioError as error:
        logging.warning("%s", error)
        return np.zeros(0, np.float32)


def _probe(path: Path, sample_rate: int) -> AudioFile:
    header = read_header(path)
    if header.rate < sample_rate:
        raise AudioError(f"{path}: its rate {header.rate} Hz is below {sample_rate} Hz")
    if header.frames == 0:
        raise AudioError(f"{path}: holds no samples")
    for remark in header.remarks:
        logging.warning("%s: %s", path, remark)
    return AudioFile(path, header.rate, header.frames, header.subtype)
