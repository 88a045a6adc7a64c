"""Whole recordings: files and arrays to .sst and back, in one call."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import models
from .bitstream.container import ContainerReader
from .codec import files
from .codec.file_codec import Span, Summary, Write, decode_audio, encode_audio
from .codec.packet_encoder import EncodeOptions
from .models import Model
from .tflite.checks import check_samples

DEFAULT_BPS = 3_000


def encode(
    samples: np.ndarray,
    sample_rate: int,
    bitrate_bps: int = DEFAULT_BPS,
    *,
    model: Model | None = None,
    entropy_coding: bool = True,
    dtx: bool = False,
    denoise: bool = False,
) -> bytes:
    """Codes an array as the bytes of an .sst file.

    Args:
      samples: floating point [time] or [time, channels], full scale 1.
      sample_rate: Hz, 1,000 to 1,000,000.
      bitrate_bps: bits per second of each channel, before entropy coding.
      model: None is the default one.
      entropy_coding: whether likely codes take fewer bits, where the model has tables.
      dtx: whether pauses are described in place of being coded.
      denoise: whether noise is removed, where the model can.

    Returns:
      The whole file.

    Raises:
      ValueError: another shape or type, samples that are not finite, or what the model cannot do.
    """
    chosen = model or models.default()
    options = _options(chosen, bitrate_bps, entropy_coding, dtx, denoise)
    stream = io.BytesIO()
    summary = encode_audio(chosen.graphs, _Array(samples, sample_rate), stream, options)
    stream.seek(0)  # now the length is known, the header can say it
    stream.write(summary.header.to_bytes())
    return stream.getvalue()


def decode(data: bytes, *, model: Model | None = None) -> tuple[np.ndarray, int]:
    """Decodes the bytes of an .sst file; of damaged ones, what can be read, with a warning.

    Args:
      data: the whole file.
      model: the one that made it; None finds it by its id among those at hand.

    Returns:
      Samples float32 [time, channels], and their rate in Hz.

    Raises:
      BitstreamError: not an .sst file, or no model at hand made it.
    """
    reader = ContainerReader(io.BytesIO(data))
    header = reader.header
    chosen = model or models.load_for(header.model_id)
    blocks = [np.zeros((0, header.num_channels), np.float32)]

    @contextlib.contextmanager
    def open_sink(_: object) -> Iterator[Write]:
        yield blocks.append

    summary = decode_audio(chosen.graphs, reader, open_sink, chosen.tables)
    for phrase in summary.damage:
        warnings.warn(phrase, stacklevel=2)
    return np.concatenate(blocks), header.sample_rate


def encode_file(
    source: str | Path,
    target: str | Path,
    bitrate_bps: int = DEFAULT_BPS,
    *,
    model: Model | None = None,
    entropy_coding: bool = True,
    dtx: bool = False,
    denoise: bool = False,
) -> Summary:
    """Codes an audio file of any rate, number of channels and length, in constant memory.

    Args:
      source: any audio file (docs/inputs.md).
      target: appears whole or not at all.
      bitrate_bps: bits per second of each channel.
      model: from `load`; None: the default one.
      entropy_coding: fewer bits for likely codes, where the model has tables.
      dtx: describe pauses in place of coding them.
      denoise: remove noise, with a model that can.

    Returns:
      What coding the file came to.

    Raises:
      ValueError: one line that names the file, or the value, and says what is wrong.
    """
    chosen = model or models.default()
    options = _options(chosen, bitrate_bps, entropy_coding, dtx, denoise)
    return files.encode_file(chosen.graphs, files.Job(str(source), str(target)), options)


def decode_file(
    source: str | Path,
    target: str | Path,
    *,
    start_seconds: float = 0.0,
    seconds: float | None = None,
    model: Model | None = None,
) -> Summary:
    """Decodes an .sst file or a part of it, in constant memory.

    Args:
      source: the .sst file.
      target: its suffix picks the format, wav, flac or another that libsndfile writes.
      start_seconds: where to begin.
      seconds: how much; None is to the end.
      model: the one that made the file; None finds it by its id among those at hand.

    Returns:
      What decoding the file came to, and what was damaged.

    Raises:
      ValueError: one line that names the file and says what is wrong.
    """
    job, span = files.Job(str(source), str(target)), Span(start_seconds, seconds)
    if model is None:
        return files.decode_file_with(by_id, job, span)
    return files.decode_file(model.graphs, job, model.tables, span)


def info(source: str | Path) -> dict[str, Any]:
    """Tells what an .sst file says of itself, and what is wrong with it; needs no model.

    Args:
      source: the file.

    Returns:
      Facts by their names, which have the units: see `soundstream.bitstream.info.describe`.

    Raises:
      ValueError: one line that names the file and says what is wrong.
    """
    return files.describe_file(str(source))


def by_id(model_id: bytes, flavour: str | None = None) -> files.Decoding:
    """Finds what decodes the files of a known model.

    Args:
      model_id: of the file's header, 8 bytes.
      flavour: the number format; None is the model's default.

    Returns:
      The model's graphs, and its entropy tables or None.
    """
    model = models.load_for(model_id, flavour)
    return model.graphs, model.tables


@dataclass(frozen=True)
class _Array:
    """Samples in memory, read like a file."""

    samples: np.ndarray
    rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim not in (1, 2):
            raise ValueError(f"samples of shape {self.samples.shape}: [time, channels] needed")
        check_samples(self.samples)

    @property
    def channels(self) -> int:
        return 1 if self.samples.ndim == 1 else self.samples.shape[1]

    def blocks(self, block_samples: int) -> Iterator[np.ndarray]:
        """Yields float32 [block_samples, channels] to the end; the last may be shorter."""
        whole = self.samples.reshape(len(self.samples), self.channels)
        for start in range(0, len(whole), block_samples):
            yield whole[start : start + block_samples].astype(np.float32)


def _options(
    model: Model, bitrate_bps: int, entropy_coding: bool, dtx: bool, denoise: bool
) -> EncodeOptions:
    return EncodeOptions(bitrate_bps, model.tables if entropy_coding else None, dtx, denoise)
