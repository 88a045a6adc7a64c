"""Files of any rate, channels and length through the streaming codec, in constant memory.

Channels are mono streams of one model. Sample i that comes out belongs to sample i that went in.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import soxr

from ..bitstream.container import ByteSink, ContainerReader, ContainerWriter
from ..bitstream.entropy_tables import EntropyTables
from ..bitstream.errors import BitstreamError
from ..bitstream.header import Header
from ..bitstream.info import describe_damage
from ..tflite.runtime import CodecModel
from .audio_source import AudioSource
from .block_decoder import BlockDecoder
from .packet_encoder import EncodeOptions, PacketEncoder, make_header

_BLOCK_SECONDS = 0.5  # read at once: little, for live input from a pipe
_WARM_UP_SECONDS = 1.0  # decoded before a part that starts in the middle of a stream
Progress = Callable[[float], object]  # is given the seconds of audio done since the last call
Write = Callable[[np.ndarray], object]  # takes float32 [time, channels]
OpenSink = Callable[[Header], AbstractContextManager[Write]]


@dataclass(frozen=True)
class Span:
    """A part of a recording.

    Attributes:
      start_seconds: where it begins.
      seconds: its length; None up to the recording's end.

    Raises:
      ValueError: a time that is negative, infinite or no number.
    """

    start_seconds: float = 0.0
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("start_seconds", self.start_seconds), ("seconds", self.seconds)):
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name} must be a time from 0 on, got {value}")

    def first_sample(self, sample_rate: int) -> int:
        """Finds where it begins.

        Args:
          sample_rate: Hz.

        Returns:
          The number of the first sample.
        """
        return round(self.start_seconds * sample_rate)


WHOLE = Span()


@dataclass
class Summary:
    """What coding one file came to.

    Attributes:
      header: of the stream; its length is that of the audio read or written.
      coded_bytes: of the .sst stream as far as it was written or read, all headers included.
      coded_seconds: of audio in those bytes; more than `seconds` where only a part was wanted.
      elapsed_seconds: spent in all, but for loading the model.
      warnings: what was odd about the audio or the stream; nothing was lost.
      damage: what could not be recovered from the stream.
    """

    header: Header
    coded_bytes: int
    coded_seconds: float
    elapsed_seconds: float
    warnings: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Length of the audio read or written, in seconds."""
        assert self.header.total_samples is not None
        return self.header.total_samples / self.header.sample_rate

    @property
    def actual_bps(self) -> float:
        """Bits per second of the whole stream."""
        return 8 * self.coded_bytes / self.coded_seconds if self.coded_seconds else 0.0

    @property
    def real_time_factor(self) -> float:
        """Seconds spent per second of audio."""
        return self.elapsed_seconds / self.seconds if self.seconds else 0.0


def encode_audio(
    model: CodecModel,
    source: AudioSource,
    stream: ByteSink,
    options: EncodeOptions,
    progress: Progress = lambda seconds: None,
) -> Summary:
    """Writes audio as an .sst stream; samples that are not finite become 0 and are reported.

    Args:
      model: encodes all channels.
      source: what to encode.
      stream: where the bytes go.
      options: bitrate and all else.
      progress: is told the seconds of audio done since the last call.

    Returns:
      What it came to; its header has the length, which the one written lacks.

    Raises:
      AudioError: the audio cannot be decoded to its end.
      ValueError: the model cannot do what the options ask, or the sample rate is out of range.
    """
    started = time.perf_counter()
    header = make_header(model.metadata, source.rate, source.channels, options)
    encoder = PacketEncoder(model, header, options)
    writer = ContainerWriter(stream, header)
    total_samples = num_bad = 0

    def clean(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        nonlocal total_samples, num_bad
        for block in blocks:
            total_samples += len(block)
            num_bad += block.size - np.count_nonzero(np.isfinite(block))
            yield np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)

    def write(samples: np.ndarray) -> None:
        for packet in encoder.encode(samples):
            writer.write(packet)
        progress(len(samples) / header.coded_rate)

    packet_samples = header.frames_per_packet * header.hop
    blocks = clean(source.blocks(max(1, round(_BLOCK_SECONDS * source.rate))))
    held = np.zeros((0, header.num_channels), np.float32)
    for block in _resampled(blocks, header.sample_rate, header.coded_rate, header.num_channels):
        held = np.concatenate([held, block])
        while len(held) >= packet_samples:
            write(held[:packet_samples])
            held = held[packet_samples:]
    frames_left = header.num_frames(total_samples) - writer.num_frames
    if frames_left:
        write(np.pad(held, ((0, frames_left * header.hop - len(held)), (0, 0))))
    writer.finish(total_samples)
    return Summary(
        header=header.with_total(total_samples),
        coded_bytes=writer.num_bytes,
        coded_seconds=total_samples / header.sample_rate,
        elapsed_seconds=time.perf_counter() - started,
        warnings=[f"{num_bad} samples are not finite, replaced by 0"] if num_bad else [],
    )


def decode_audio(
    model: CodecModel,
    reader: ContainerReader,
    open_sink: OpenSink,
    tables: EntropyTables | None = None,
    span: Span = WHOLE,
    progress: Progress = lambda seconds: None,
) -> Summary:
    """Writes the audio of an .sst stream.

    Args:
      model: must be the one that made the stream.
      reader: of the stream, from its beginning.
      open_sink: given the header, opens the function that takes float32 [time, channels] blocks.
      tables: the model's entropy tables.
      span: the part to decode; what comes before is scanned, not decoded.
      progress: is told the seconds of audio done since the last call.

    Returns:
      What it came to, and what is damaged or missing.

    Raises:
      BitstreamError: made with another model, or the span begins after the end.
    """
    started = time.perf_counter()
    header = reader.header
    decoder = BlockDecoder(model, header, tables)
    base_frame = _base_frame(header, span)
    coded = (
        samples
        for block in reader
        for samples in decoder.decode(block, max(0, base_frame - block.start))
    )
    # Kept back until the exact length is known: the last frame may be filled in part.
    reserve = header.num_samples(1) + 1
    held = np.zeros((0, header.num_channels), np.float32)
    with open_sink(header) as write:
        cut = _Cut(write, header, span, header.num_samples(base_frame))
        for block in _resampled(coded, header.coded_rate, header.sample_rate, header.num_channels):
            held = np.concatenate([held, block])
            done = max(0, len(held) - reserve)
            progress(cut.write(held[:done]) / header.sample_rate)
            held = held[done:]
            if cut.is_done:
                break
        else:
            rest = held[: reader.num_samples - cut.position]
            progress(cut.write(rest) / header.sample_rate)
        if span.start_seconds and not cut.num_written:
            raise BitstreamError(f"nothing at {span.start_seconds:g} s: it ends before")
    damage = describe_damage(reader)
    if decoder.unreadable_frames:
        damage.append(f"{decoder.unreadable_frames} frames hold codes this model does not have")
    return Summary(
        header=header.with_total(cut.num_written),
        coded_bytes=reader.num_bytes,
        coded_seconds=reader.num_samples / header.sample_rate,
        elapsed_seconds=time.perf_counter() - started,
        damage=damage,
    )


class _Cut:
    """Passes on those samples of a stream that are in a span."""

    def __init__(self, write: Write, header: Header, span: Span, position: int) -> None:
        self.position = position  # of the next sample, at the audio's rate
        self.num_written = 0
        self._write = write
        self._first = span.first_sample(header.sample_rate)
        self._stop = sys.maxsize
        if span.seconds is not None:
            self._stop = self._first + round(span.seconds * header.sample_rate)

    @property
    def is_done(self) -> bool:
        """Whether no later sample is wanted."""
        return self.position >= self._stop

    def write(self, samples: np.ndarray) -> int:
        """Takes float32 [time, channels]; returns how many of them were wanted."""
        start = max(0, self._first - self.position)
        stop = max(start, min(len(samples), self._stop - self.position))
        self._write(samples[start:stop])
        self.position += len(samples)
        self.num_written += stop - start
        return stop - start


def _base_frame(header: Header, span: Span) -> int:
    """The frame to decode from, so that all has settled where the span starts."""
    # Samples of both rates fall together there: the resampler sees the instants of a whole run.
    samples_per_frame = Fraction(header.hop * header.sample_rate, header.coded_rate)
    warm_up = round(_WARM_UP_SECONDS * header.coded_rate / header.hop)
    frame = int(span.first_sample(header.sample_rate) / samples_per_frame) - warm_up
    return max(0, frame - frame % samples_per_frame.denominator)


def _resampled(
    blocks: Iterable[np.ndarray], from_rate: int, to_rate: int, num_channels: int
) -> Iterator[np.ndarray]:
    """Resamples a stream of float32 [time, channels] blocks, aligned, in constant memory."""
    if from_rate == to_rate:
        yield from blocks
        return
    resampler = soxr.ResampleStream(from_rate, to_rate, num_channels, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.zeros((0, num_channels), np.float32), last=True)
