"""Whole files through the streaming codec, block by block, in constant memory.

Works at any sample rate, number of channels and length. Channels are coded as independent mono
streams of one loaded model. The resampler has no delay, nor has the codec, so sample i that comes
out belongs to sample i that went in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import soxr

from bitstream.container import ContainerReader, ContainerWriter
from bitstream.header import Header
from bitstream.info import describe_damage
from bitstream.packets import MAX_PAYLOAD_BYTES
from export.audio_io import AudioSource
from export.block_decoder import BlockDecoder
from export.runtime import CodecModel, Metadata, StreamingEncoder

FRAMES_PER_PACKET = 50  # overhead of 7 bytes in 382 at 3 kbps; a damaged byte costs one second

Progress = Callable[[float], object]  # is given the seconds of audio done since the last call
OpenSink = Callable[[Header], AbstractContextManager[Callable[[np.ndarray], object]]]


@dataclass
class Summary:
    """What coding one file came to.

    Attributes:
      header: of the stream, the length filled in.
      coded_bytes: of the .sst stream, all headers included.
      elapsed_seconds: spent in all, but for loading the model.
      warnings: what was odd about the audio or the stream; nothing was lost.
      damage: what could not be recovered from the stream.
    """

    header: Header
    coded_bytes: int
    elapsed_seconds: float
    warnings: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        assert self.header.total_samples is not None
        return self.header.total_samples / self.header.sample_rate

    @property
    def actual_bps(self) -> float:
        """Bits per second of the whole stream."""
        return 8 * self.coded_bytes / self.seconds if self.seconds else 0.0

    @property
    def real_time_factor(self) -> float:
        """Seconds spent per second of audio."""
        return self.elapsed_seconds / self.seconds if self.seconds else 0.0


def encode_audio(
    model: CodecModel,
    source: AudioSource,
    stream: BinaryIO,
    bitrate_bps: int,
    progress: Progress = lambda seconds: None,
) -> Summary:
    """Writes `source` as an .sst stream. Samples that are not finite become 0 and are reported.

    Raises:
      AudioError: the audio cannot be decoded to its end.
      ValueError: the model does not offer `bitrate_bps`, or the sample rate is out of range.
    """
    started = time.perf_counter()
    header = _header(model.metadata, source, bitrate_bps)
    channels = range(header.num_channels)
    encoders = [StreamingEncoder(model, bitrate_bps=bitrate_bps) for _ in channels]
    writer = ContainerWriter(stream, header)
    total_samples = num_bad = 0

    def clean(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        nonlocal total_samples, num_bad
        for block in blocks:
            total_samples += len(block)
            num_bad += block.size - np.count_nonzero(np.isfinite(block))
            yield np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)

    def write(samples: np.ndarray) -> None:
        codes = [encoders[c].encode(np.ascontiguousarray(samples[:, c])) for c in channels]
        writer.write(header.packet_coder.encode(np.stack(codes, axis=1)))
        progress(len(samples) / header.coded_rate)

    packet_samples = header.frames_per_packet * header.hop
    held = np.zeros((0, header.num_channels), np.float32)
    for block in _resampled(
        clean(source.blocks()), header.sample_rate, header.coded_rate, header.num_channels
    ):
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
        elapsed_seconds=time.perf_counter() - started,
        warnings=[f"{num_bad} samples are not finite, replaced by 0"] if num_bad else [],
    )


def decode_audio(
    model: CodecModel,
    stream: BinaryIO,
    open_sink: OpenSink,
    progress: Progress = lambda seconds: None,
) -> Summary:
    """Writes the audio of an .sst stream; what is damaged or missing is said in the summary.

    Args:
      model: must be the one that made the stream.
      stream: needs `read` only.
      open_sink: given the header, opens the function that takes float32 [time, channels] blocks.
      progress: is told the seconds done.

    Raises:
      BitstreamError: not an .sst stream, made by a newer version, or for another model.
    """
    started = time.perf_counter()
    reader = ContainerReader(stream)
    header = reader.header
    decoder = BlockDecoder(model, header)
    coded = (samples for block in reader for samples in decoder.decode(block))
    # Kept back until the exact length is known: the last frame may be filled in part.
    reserve = header.num_samples(1) + 1
    held = np.zeros((0, header.num_channels), np.float32)
    num_written = 0
    with open_sink(header) as write:
        for block in _resampled(coded, header.coded_rate, header.sample_rate, header.num_channels):
            held = np.concatenate([held, block])
            done = max(0, len(held) - reserve)
            write(held[:done])
            held = held[done:]
            num_written += done
            progress(done / header.sample_rate)
        total = reader.total_samples
        if total is not None and reader.length_is_sound:
            held = held[: total - num_written]
        write(held)
        num_written += len(held)
    damage = describe_damage(reader)
    if decoder.unreadable_frames:
        damage.append(f"{decoder.unreadable_frames} frames hold codes this model does not have")
    return Summary(
        header=header.with_total(num_written),
        coded_bytes=reader.num_bytes,
        elapsed_seconds=time.perf_counter() - started,
        damage=damage,
    )


def _header(metadata: Metadata, source: AudioSource, bitrate_bps: int) -> Header:
    num_levels = metadata.num_quantizers_for(bitrate_bps)
    bits_per_code = (metadata.codebook_size - 1).bit_length()
    bits_per_frame = source.num_channels * num_levels * bits_per_code
    return Header(
        sample_rate=source.sample_rate,
        coded_rate=metadata.sample_rate,
        hop=metadata.hop,
        num_channels=source.num_channels,
        num_levels=num_levels,
        bits_per_code=bits_per_code,
        model_id=bytes.fromhex(metadata.model_id),
        frames_per_packet=min(FRAMES_PER_PACKET, 8 * MAX_PAYLOAD_BYTES // bits_per_frame),
    )


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
