"""Reading, writing and resampling of audio files.

No TensorFlow here: coding a file needs this module, and must start fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import soxr

from .reading.decoder import AudioError
from .reading.opening import open_decoder
from .writing import open_writer

__all__ = [
    "AUDIO_SUFFIXES",
    "AudioError",
    "AudioHeader",
    "AudioReader",
    "read_audio",
    "read_header",
    "read_segment",
    "resample",
    "write_audio",
]

# What is taken for audio in a folder; a file that is named by itself may be called anything.
AUDIO_SUFFIXES = (
    *(".wav", ".wave", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd", ".flac"),
    *(".ogg", ".oga", ".opus", ".mp3", ".mp2", ".m4a", ".m4b", ".aac", ".mp4", ".3gp", ".mov"),
    *(".webm", ".weba", ".mka", ".mkv", ".wma", ".ac3", ".amr", ".ape", ".wv", ".tta", ".g722"),
)


@dataclass(frozen=True)
class AudioHeader:
    """What is known of a file before it is decoded.

    Attributes:
      rate: Hz.
      channels: at least 1.
      frames: samples per channel, by more than the header's word.
      subtype: PCM_16, FLOAT, ... of a wav file without any oddity, None of all else.
      remarks: what is odd about it.
    """

    rate: int
    channels: int
    frames: int
    subtype: str | None
    remarks: tuple[str, ...] = ()


def read_header(path: str | Path) -> AudioHeader:
    """Tells what a file holds, to seek in: of files that were joined, the first, which is remarked.

    Compressed files are read through for it, though not decoded.

    Args:
      path: any format that `read_audio` reads.

    Returns:
      Its rate, channels, length and remarks.

    Raises:
      AudioError: the file is missing, unreadable, not audio, or wav or flac that was cut off.
    """
    decoder = open_decoder(path)
    try:
        frames = decoder.count_frames()
        remarks = tuple(decoder.remarks)
        return AudioHeader(decoder.rate, decoder.channels, frames, decoder.subtype, remarks)
    finally:
        decoder.close()


def read_audio(path: str | Path, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
    """Reads a whole audio file.

    Args:
      path: any format of libsndfile or FFmpeg; raw G.722 is known by its suffix.
      sample_rate: resample to this rate in Hz; None keeps the file's own.

    Returns:
      Samples float32 [time, channels], full scale 1, and their rate in Hz.

    Raises:
      AudioError: the file is missing, unreadable, or not audio.
    """
    with AudioReader(path) as reader:
        parts = list(reader.blocks(1 << 16))
        samples = np.concatenate([np.zeros((0, reader.channels), np.float32), *parts])
    if sample_rate is None or sample_rate == reader.rate:
        return samples, reader.rate
    return resample(samples, reader.rate, sample_rate), sample_rate


def read_segment(path: str | Path, start: int, length: int) -> np.ndarray:
    """Reads a part of an audio file.

    Args:
      path: any format that `read_audio` reads except raw G.722.
      start: the first sample to read, at the file's rate.
      length: how many samples to read.

    Returns:
      float32 [length, channels], fewer samples where the file ends.

    To the sample where formats know their place (wav, flac, aiff, mp3, ogg, m4a); where they have
    times in milliseconds (webm, mkv), to within one.

    Raises:
      AudioError: the file is missing, unreadable, or not audio.
    """
    decoder = open_decoder(path)
    try:
        parts = [np.zeros((0, decoder.channels), np.float32)]
        for block in decoder.blocks(start):
            parts.append(block[:length])
            length -= len(parts[-1])
            if length <= 0:
                break
        return np.concatenate(parts)
    finally:
        decoder.close()


def write_audio(path: str | Path, samples: np.ndarray, rate: int) -> None:
    """Writes an audio file, whose suffix picks the format.

    Wav and flac become 16 bit; samples beyond [-1, 1] are clipped, not wrapped.

    Args:
      path: any suffix that libsndfile knows.
      samples: floating point [time] or [time, channels], full scale 1.
      rate: sample rate in Hz.

    Raises:
      AudioError: libsndfile cannot write that format, rate or number of channels.
      ValueError, OSError: the folder is missing, the disk is full and the like; names the file.
    """
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with open_writer(path, rate, channels) as write:
        write(np.clip(samples, -1.0, 1.0))


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resamples with soxr's high quality and no delay.

    Args:
      samples: float32 [time] or [time, channels].
      from_rate: their rate in Hz.
      to_rate: the rate wanted, in Hz.

    Returns:
      float32 [time * to_rate / from_rate, rounded], and the channels if there were any.

    Raises:
      ValueError: a rate is not positive.
    """
    if from_rate <= 0 or to_rate <= 0:
        raise ValueError(f"sample rates must be positive, got {from_rate} and {to_rate} Hz")
    if from_rate == to_rate or len(samples) == 0:
        return samples
    return soxr.resample(samples, from_rate, to_rate, quality="HQ")


class AudioReader:
    """Reads a long file block by block in constant memory; a context manager.

        with AudioReader("talk.mp3", sample_rate=16_000) as reader:
            for block in reader.blocks(16_000):
                ...

    Args:
      source: any format that `read_audio` reads, by the name of the file or pipe; or a stream of
        bytes that goes forward only.
      sample_rate: resample to this rate in Hz; None keeps the file's own.

    Attributes:
      rate: sample rate of the blocks in Hz.
      source_rate: sample rate of the file in Hz.
      channels: number of channels.
      frames: number of samples at `rate` as the file's header has it, 0 where it does not say.
        Headers may lie: use it for progress, and count the samples that came for anything else.
      remarks: what is odd about the file; complete once it has been read to its end.

    Raises:
      AudioError: the file is missing, unreadable, or not audio.
    """

    def __init__(self, source: str | Path | BinaryIO, sample_rate: int | None = None):
        self._decoder = open_decoder(source, whole=True)
        self.source_rate: int = self._decoder.rate
        self.rate: int = sample_rate or self.source_rate
        self.channels: int = self._decoder.channels
        self.frames: int = round(self._decoder.frames * self.rate / self.source_rate)
        self.remarks: list[str] = self._decoder.remarks

    def blocks(self, block_samples: int) -> Iterator[np.ndarray]:
        """Reads on to the end of the file.

        Args:
          block_samples: how many samples of each channel a block has.

        Yields:
          float32 [block_samples, channels]; the last block may be shorter.

        Raises:
          AudioError: the file breaks off or is damaged further on.
          ValueError: `block_samples` is not positive.
        """
        if block_samples <= 0:
            raise ValueError(f"block_samples must be positive, got {block_samples}")
        pending: list[np.ndarray] = []
        count = 0
        for block in self._resampled():
            pending.append(block)
            count += len(block)
            if count >= block_samples:
                joined = np.concatenate(pending)
                whole = count - count % block_samples
                yield from np.split(joined[:whole], whole // block_samples)
                pending, count = [joined[whole:]], count - whole
        if count:
            yield np.concatenate(pending)

    def _resampled(self) -> Iterator[np.ndarray]:
        if self.rate == self.source_rate:
            yield from self._decoder.blocks()
            return
        resampler = soxr.ResampleStream(
            self.source_rate, self.rate, self.channels, dtype="float32", quality="HQ"
        )
        for block in self._decoder.blocks():
            yield resampler.resample_chunk(block)
        yield resampler.resample_chunk(np.zeros((0, self.channels), np.float32), last=True)

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._decoder.close()
