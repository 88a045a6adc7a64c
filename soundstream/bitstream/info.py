"""What an .sst stream holds and what is wrong with it, told without a model."""

from __future__ import annotations

from typing import Any, BinaryIO

from .container import ContainerReader
from .header import HEADER_BYTES, VERSION
from .packets import Kind


def describe(stream: BinaryIO) -> dict[str, Any]:
    """Reads a whole stream and tells what it holds.

    Args:
      stream: an .sst file, opened for reading bytes.

    Returns:
      Facts by their names: JSON types, with the units in the names. `damage` lists what is wrong.

    Raises:
      BitstreamError: it has no readable header.
    """
    reader = ContainerReader(stream)
    header = reader.header
    packets = dict.fromkeys(("packed", "entropy_coded", "silence"), 0)
    payload_bytes = levels_times_frames = code_frames = denoised = 0
    levels: set[int] = set()
    for block in reader:
        if block.packet is None:
            continue
        packets[Kind(block.packet.kind).name.lower()] += 1
        payload_bytes += len(block.packet.payload)
        denoised += block.packet.denoise
        if block.packet.num_levels:
            levels.add(block.packet.num_levels)
            code_frames += block.num_frames
            levels_times_frames += block.num_frames * block.packet.num_levels
    seconds = reader.num_samples / header.sample_rate
    per_second = 8 / seconds if seconds else 0.0
    return {
        "format_version": VERSION,
        "model_id": header.model_id.hex(),
        "sample_rate_hz": header.sample_rate,
        "channels": header.num_channels,
        "samples": reader.num_samples,
        "seconds": seconds,
        "coded_rate_hz": header.coded_rate,
        "samples_per_frame": header.hop,
        "frames": reader.num_frames,
        "frames_per_packet": header.frames_per_packet,
        "bits_per_code": header.bits_per_code,
        "levels": header.num_levels,
        "levels_used": sorted(levels),
        "mean_levels": levels_times_frames / code_frames if code_frames else 0.0,
        "packets": packets,
        "denoised_packets": denoised,
        "entropy_tables_id": f"{header.tables_id:08x}" if header.entropy_coded else None,
        "bytes": reader.num_bytes,
        "nominal_bps": header.nominal_bps,
        "payload_bps": payload_bytes * per_second,
        "actual_bps": reader.num_bytes * per_second,
        "overhead_bytes": reader.num_bytes - payload_bytes,
        "header_bytes": HEADER_BYTES,
        "complete": reader.complete,
        "lost_frames": reader.lost_frames,
        "skipped_bytes": reader.skipped_bytes,
        "damage": describe_damage(reader),
    }


def describe_damage(reader: ContainerReader) -> list[str]:
    """Tells what is wrong with a stream as far as it was read.

    Args:
      reader: of the stream, after iterating.

    Returns:
      One phrase for each fault; none if it is sound.
    """
    header = reader.header
    frame_rate = header.coded_rate / header.hop
    phrases = []
    if reader.truncated and not reader.length_is_sound:
        phrase = f"truncated: it ends after {reader.num_frames / frame_rate:.2f} s"
        if header.total_samples is not None:
            phrase += f" of {header.total_samples / header.sample_rate:.2f} s"
        phrases.append(phrase)
    elif reader.complete and not reader.length_is_sound:
        phrases.append(
            f"its {reader.num_frames} frames do not agree with its {reader.total_samples} samples"
        )
    if reader.lost_frames:
        phrases.append(f"damaged: {reader.lost_frames / frame_rate:.2f} s lost and concealed")
    elif reader.skipped_bytes and not phrases:
        phrases.append(f"damaged: {reader.skipped_bytes} bytes belong to no packet")
    if reader.trailing_stream:
        phrases.append(f"another stream, of {reader.trailing_bytes} bytes, follows: not decoded")
    elif reader.trailing_bytes:
        phrases.append(f"{reader.trailing_bytes} bytes behind its end are no part of it: left out")
    return phrases
