"""Audio files and pipes by FFmpeg."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import riff
from .decoder import AudioError, unreadable
from .pipe import Pipe

# Where FFmpeg looks for audio: it knows other formats, which name further files to open, by URL.
_FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,caf,eac3,flac,g722,matroska,webm,mov,mp4,m4a,3gp,mp3,mpc,mpc8,"
    "mpeg,mpegts,ogg,tta,voc,w64,wav,wv"
)
_PREROLL_SECONDS = 0.5  # decoded before a stretch, so that the decoder has settled
_APPENDED_SECONDS = 0.5  # more sound than the last time stamp has: they began anew in between
# PyAV looks for the end of a frame's planes behind the last of this many, and crashes if all are in
# use: 7.1 sound in AAC or Opus.
_PLANES = 8
_MAX_CHANNELS = 255  # as many as an .sst file holds


class FfmpegDecoder:
    """A regular file or a pipe by FFmpeg: a `Decoder`.

    Args:
      name: of the file, for messages; ".g722" at its end makes it raw G.722.
      file: open for reading bytes, at its beginning; a `Pipe` cannot seek.
      layout: what the header of a wav file says; None of all else.

    Attributes:
      rate: Hz.
      channels: at least 1.
      frames: samples per channel as the header has them, 0 where it does not say.
      subtype: always None.
      remarks: what is odd about the file; complete once it has been read to its end.

    Raises:
      AudioError: nothing in it can be decoded, it has over 255 channels, or PyAV is missing.
    """

    def __init__(self, name: str, file: Any, layout: riff.Riff | None) -> None:
        self._name = name
        self._raw = file
        self._layout = layout
        self.subtype: str | None = None
        self.remarks = [layout.remark] if layout and layout.remark else []
        self._av = _import_av(name)
        self._bad_packets = 0
        self._converter: Any = None
        self._container: Any = None
        self._start()
        self._origin = self._first.pts
        self.rate: int = self._first.sample_rate
        self.channels: int = len(self._first.layout.channels)
        if not 1 <= self.channels <= _MAX_CHANNELS:
            raise AudioError(f"{name}: has {self.channels} channels; 1 to {_MAX_CHANNELS} are read")
        if layout and layout.frames:
            self.frames = layout.frames
        else:
            seconds = (self._stream.duration or 0) * (self._stream.time_base or 0)
            self.frames = max(0, round(float(seconds) * self.rate))

    def blocks(self, first: int = 0) -> Iterator[np.ndarray]:
        """Decodes on to the end.

        Args:
          first: the sample to begin with.

        Yields:
          float32 [time, channels], full scale 1, of any length.

        Raises:
          AudioError: it is damaged further on, or changes its rate or number of channels.
        """
        frames = self._from(first) if first else itertools.chain([self._first], self._frames)
        position = first
        for frame in frames:
            if frame.sample_rate != self.rate or len(frame.layout.channels) != self.channels:
                raise AudioError(
                    f"{self._name}: changes after {position / self.rate:.2f} s from "
                    f"{self.channels} channels at {self.rate} Hz to {len(frame.layout.channels)} "
                    f"at {frame.sample_rate} Hz: part it there"
                )
            place = self._place_of(frame) if first else position
            samples = self._float32(frame)[max(0, first - place) :]
            position += len(samples)
            yield samples
        if self._bad_packets:
            self.remarks.append(
                f"packets without sound that can be decoded, left out: {self._bad_packets}"
            )

    def count_frames(self) -> int:
        """Counts samples by the packets' times, without decoding them; not of a pipe.

        Returns:
          Samples per channel; of files that were joined, about those of the first.

        Raises:
          AudioError: it cannot be read to its end.
        """
        if self._layout and self._layout.frames:
            return self._layout.frames
        self._start()
        end = total = 0
        for packet in self._packets():
            if packet.pts is not None:
                end = max(end, packet.pts + (packet.duration or 0))
            total += packet.duration or 0
        if self._origin is None or not self._stream.time_base:
            return self.frames
        ticks = self.rate * self._stream.time_base
        if total - end > _APPENDED_SECONDS / self._stream.time_base:
            self.remarks.append(
                f"only the first {float(end * self._stream.time_base):.2f} s of "
                f"{float(total * self._stream.time_base):.2f} s: files were joined"
            )
        return max(0, round((end - self._origin) * ticks))

    def close(self) -> None:
        """Closes the file."""
        if self._container is not None:
            self._container.close()
        close = getattr(self._raw, "close", None)
        if close:
            close()

    def _start(self) -> None:
        """Opens the container at its beginning and decodes as much as shows what it holds."""
        if self._container is not None:
            self._container.close()
            self._raw.seek(0)
        options = {"format_whitelist": _FORMATS}
        g722 = self._name.lower().endswith(".g722")
        try:
            self._container = self._av.open(
                self._raw,
                format="g722" if g722 else None,
                options=options,
                metadata_errors="replace",
                buffer_size=4096 if isinstance(self._raw, Pipe) else 32768,
            )
            if not self._container.streams.audio:
                raise AudioError(f"{self._name}: holds no sound")
            self._stream = self._container.streams.audio[0]
            if self._stream.codec_context is None:
                raise AudioError(f"{self._name}: its sound is coded in a way that is not known")
            self._stream.codec_context.thread_count = 1
        except (OSError, ValueError, RuntimeError, self._av.FFmpegError) as error:
            if isinstance(error, AudioError):
                raise
            raise unreadable(self._name, error) from error
        self._frames = self._decoded()
        first = next(self._frames, None)
        if first is None:
            raise unreadable(self._name, "nothing in it can be decoded")
        self._first = first

    def _packets(self) -> Iterator[Any]:
        """Packets of the container from where it stands."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (OSError, self._av.FFmpegError) as error:
                raise unreadable(self._name, error) from error
            if packet is None:
                return
            yield packet

    def _decoded(self) -> Iterator[Any]:
        """Frames of the container from where it stands; packets that are damaged are counted."""
        for packet in self._packets():
            try:
                frames = packet.decode()
            except (OSError, self._av.FFmpegError):
                self._bad_packets += 1
                continue
            yield from (frame for frame in frames if frame.samples)

    def _from(self, first: int) -> Iterator[Any]:
        """Frames from the one that holds sample `first` on."""
        frames = self._sought(max(0, first - round(_PREROLL_SECONDS * self.rate)))
        for frame in frames:
            if self._place_of(frame) + frame.samples > first:
                yield frame

    def _sought(self, first: int) -> Iterator[Any]:
        if self._origin is not None and self._stream.time_base and first:
            offset = self._origin + int(first / self.rate / self._stream.time_base)
            try:
                self._container.seek(offset, stream=self._stream)
                return self._decoded()
            except (OSError, self._av.FFmpegError):
                pass  # a file without an index, or without a length: it is decoded up to there
        self._start()
        return itertools.chain([self._first], self._frames)

    def _float32(self, frame: Any) -> np.ndarray:
        """A frame of FFmpeg's as [time, channels], full scale 1."""
        planar = frame.format.is_planar
        if (planar and self.channels >= _PLANES) or frame.format.name.startswith("s64"):
            return self._interleaved(frame)
        samples = frame.to_ndarray()
        samples = samples.T if planar else samples.reshape(-1, self.channels)
        if samples.dtype.kind == "f":
            return samples.astype(np.float32)
        if samples.dtype == np.uint8:
            return (samples.astype(np.float32) - 128) / 128
        return samples.astype(np.float32) / np.float32(-float(np.iinfo(samples.dtype).min))

    def _interleaved(self, frame: Any) -> np.ndarray:
        """The same of frames that PyAV must not be asked for: FFmpeg itself changes their form."""
        frame.pts = None
        try:
            if self._converter is None:
                self._converter = self._av.AudioResampler("flt", frame.layout, self.rate)
            parts = [part.to_ndarray() for part in self._converter.resample(frame)]
        except (OSError, ValueError, self._av.FFmpegError) as error:
            raise unreadable(self._name, error) from error
        return np.concatenate(parts, axis=1).reshape(-1, self.channels)

    def _place_of(self, frame: Any) -> int:
        """The sample that a frame begins with, by its time."""
        if frame.pts is None or self._origin is None:
            return 0
        return round(float((frame.pts - self._origin) * frame.time_base) * self.rate)


def _import_av(name: str) -> Any:
    try:
        import av  # large: only for files that need it
    except ImportError as error:
        raise AudioError(
            f"{name}: only FFmpeg reads this file, which needs PyAV: pip install av ({error})"
        ) from error
    return av
