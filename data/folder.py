"""A plain folder of audio files as a source of clips, without preparing it first."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import soundfile
from absl import logging

from data.recordings import Recording, assign_splits, read_folder
from data.shards import Clip
from soundstream.audio import AudioError, read_segment, resample, unreadable

# Resampling a stretch needs some of the signal beyond both of its ends.
MARGIN_SECONDS = 0.02


@dataclasses.dataclass(frozen=True)
class AudioFile:
    """The header of one file."""

    path: Path
    rate: int  # in Hz
    frames: int
    format: str  # in libsndfile's terms: WAV, FLAC, OGG, MP3, ...
    subtype: str  # in libsndfile's terms: PCM_16, FLOAT, VORBIS, MPEG_LAYER_III, ...


@dataclasses.dataclass(frozen=True)
class Segment:
    """What to read of a file for a stretch of a clip, in the file's own samples."""

    file: AudioFile
    first: int
    count: int
    skipped: int  # samples at the clip's rate between `first` and the stretch


class AudioFolder:
    """One split of a folder of wav, flac, ogg or mp3 files (optionally with manifest.tsv).

    Files that cannot be read, or were recorded below `sample_rate`, are logged by name and left
    out. Nothing is trimmed or screened beyond that: `data/corpus.py` does it properly.

    Attributes:
      clips: one per file; `Clip.shard` is the file's number.
      sample_rate: of the clips in Hz; the files' own may be higher.
    """

    def __init__(self, folder: str | Path, split: str, sample_rate: int):
        self.sample_rate = sample_rate
        self.clips: list[Clip] = []
        self._files: list[AudioFile] = []
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

    def finish(self, raw: np.ndarray, segment: Segment, length: int) -> np.ndarray:
        """The stretch itself, from what was read of `segment`: mono float32 [time] -> [length]."""
        samples = resample(raw, segment.file.rate, self.sample_rate)
        return samples[segment.skipped : segment.skipped + length]

    def samples(self, clip: Clip, start: int, length: int) -> np.ndarray:
        """float32 [length] of `clip` from sample `start` on, less where the clip ends."""
        length = min(length, clip.length - start)
        segment = self.segment(clip, start, length)
        raw = read_segment(segment.file.path, segment.first, segment.count)
        return self.finish(raw.mean(axis=1), segment, length)


def _probe(path: Path, sample_rate: int) -> AudioFile:
    try:
        header = soundfile.info(str(path))
    except (OSError, RuntimeError) as error:
        raise unreadable(path, error) from error
    if header.samplerate < sample_rate:
        raise AudioError(f"{path}: its rate {header.samplerate} Hz is below {sample_rate} Hz")
    if header.frames == 0:
        raise AudioError(f"{path}: holds no samples")
    # A file that was cut off shows it at its end.
    if len(read_segment(path, header.frames - 1, 1)) == 0:
        raise AudioError(f"{path}: ends before the {header.frames} samples that its header names")
    return AudioFile(path, header.samplerate, header.frames, header.format, header.subtype)
