"""Reading, writing and resampling of audio files: soundfile, soxr, and PyAV for raw G.722.

No TensorFlow here: coding a file needs this module, and must start fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
import soxr

# What is taken for audio in a folder. libsndfile opens all but the last, which PyAV decodes.
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".mp3", ".opus", ".aif", ".aiff", ".g722")
G722_RATE = 16_000  # ITU-T G.722 has no header: it is always 16 kHz mono


class AudioError(ValueError):
    """A file that cannot be read or written as audio; the message begins with its name."""


def read_audio(path: str | Path, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
    """Reads a whole audio file.

    Args:
      path: wav, flac, ogg (Vorbis or Opus), mp3, aiff, or raw G.722 (known by its suffix).
      sample_rate: resample to this rate in Hz; None keeps the file's own.

    Returns:
      Samples float32 [time, channels], full scale 1, and their rate in Hz.

    Raises:
      AudioError: the file is missing, unreadable, or not audio.
    """
    path = Path(path)
    if path.suffix.lower() == ".g722":
        samples, rate = _read_g722(path), G722_RATE
    else:
        try:
            samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
        except (OSError, RuntimeError) as error:
            raise unreadable(path, error) from error
    if sample_rate is None or sample_rate == rate:
        return samples, rate
    return resample(samples, rate, sample_rate), sample_rate


def read_segment(path: str | Path, start: int, length: int) -> np.ndarray:
    """Reads a part of an audio file.

    Args:
      path: any format that `read_audio` reads except raw G.722.
      start: the first sample to read, at the file's rate.
      length: how many samples to read.

    Returns:
      float32 [length, channels], fewer samples where the file ends.

    Raises:
      AudioError: the file is missing, unreadable, or not audio.
    """
    try:
        return soundfile.read(str(path), length, start, dtype="float32", always_2d=True)[0]
    except (OSError, RuntimeError) as error:
        raise unreadable(Path(path), error) from error


def write_audio(path: str | Path, samples: np.ndarray, rate: int) -> None:
    """Writes an audio file, whose suffix picks the format.

    Wav and flac become 16 bit; samples beyond [-1, 1] are clipped, not wrapped.

    Args:
      path: any suffix that libsndfile knows.
      samples: floating point [time] or [time, channels], full scale 1.
      rate: sample rate in Hz.

    Raises:
      AudioError: the folder is missing, or libsndfile cannot write that format, rate or number
        of channels.
    """
    try:
        soundfile.write(str(path), np.clip(samples, -1.0, 1.0), rate)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise AudioError(f"{path}: cannot be written: {_reason(error)}") from error


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
      path: any format that `read_audio` reads except raw G.722.
      sample_rate: resample to this rate in Hz; None keeps the file's own.

    Attributes:
      rate: sample rate of the blocks in Hz.
      source_rate: sample rate of the file in Hz.
      channels: number of channels.
      frames: number of samples at `rate` as the file's header has it. Headers may lie: use it for
        progress, and count the samples that came for anything else.

    Raises:
      AudioError: the file is missing, unreadable, or not audio.
    """

    def __init__(self, path: str | Path, sample_rate: int | None = None):
        self._path = Path(path)
        try:
            self._file = soundfile.SoundFile(str(path))
        except (OSError, RuntimeError) as error:
            raise unreadable(self._path, error) from error
        self.source_rate: int = self._file.samplerate
        self.rate: int = sample_rate or self.source_rate
        self.channels: int = self._file.channels
        self.frames: int = round(self._file.frames * self.rate / self.source_rate)

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
        for block in self._resampled(block_samples):
            pending.append(block)
            count += len(block)
            if count >= block_samples:
                joined = np.concatenate(pending)
                whole = count - count % block_samples
                yield from np.split(joined[:whole], whole // block_samples)
                pending, count = [joined[whole:]], count - whole
        if count:
            yield np.concatenate(pending)

    def _resampled(self, size: int) -> Iterator[np.ndarray]:
        if self.rate == self.source_rate:
            yield from self._read(size)
            return
        resampler = soxr.ResampleStream(
            self.source_rate, self.rate, self.channels, dtype="float32", quality="HQ"
        )
        for block in self._read(size):
            yield resampler.resample_chunk(block)
        yield resampler.resample_chunk(np.zeros((0, self.channels), np.float32), last=True)

    def _read(self, size: int) -> Iterator[np.ndarray]:
        while True:
            try:
                block = self._file.read(size, dtype="float32", always_2d=True)
            except (OSError, RuntimeError) as error:
                raise unreadable(self._path, error) from error
            if len(block) == 0:
                return
            yield block

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def _read_g722(path: Path) -> np.ndarray:
    import av  # only raw G.722 needs it; it is not among the packages that coding a file needs

    try:
        with av.open(str(path), format="g722") as container:
            frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    except (OSError, av.FFmpegError) as error:
        raise unreadable(path, error) from error
    if not frames:
        return np.zeros((0, 1), np.float32)
    return np.concatenate(frames, axis=1).T.astype(np.float32) / np.float32(32768)


def unreadable(path: Path, error: Exception) -> AudioError:
    """Says why a file could not be opened or read.

    Args:
      path: the file.
      error: what soundfile or PyAV raised.

    Returns:
      The error to raise in its place.
    """
    if not path.exists():
        reason = "no such file"
    elif path.is_dir():
        reason = "it is a folder, not a file"
    elif path.stat().st_size == 0:
        reason = "the file is empty"
    else:
        reason = f"cannot be read as audio: {_reason(error)}"
    return AudioError(f"{path}: {reason}")


def _reason(error: Exception) -> str:
    # libsndfile's own words without the path that soundfile puts before them
    return getattr(error, "error_string", str(error)).strip()
