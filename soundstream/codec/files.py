"""Files and folders of files through the codec: what `codec.py` calls."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tqdm import tqdm

from ..atomic import whole_file
from ..audio import AUDIO_SUFFIXES
from ..bitstream.container import ContainerReader
from ..bitstream.entropy_tables import EntropyTables
from ..bitstream.errors import BitstreamError
from ..bitstream.header import Header
from ..bitstream.info import describe
from ..folders import find_files, in_words
from ..tflite.runtime import CodecModel
from .audio_io import PIPE, audio_sink, goes_through, open_audio, outlet
from .file_codec import WHOLE, Span, Summary, Write, decode_audio, encode_audio
from .packet_encoder import EncodeOptions

SST_SUFFIX = ".sst"
TABLES_FILE = "entropy_tables.bin"

Decoding = tuple[CodecModel, EntropyTables | None]  # what a file needs to be decoded


@dataclass(frozen=True)
class Job:
    """One file to read and one to write.

    Attributes:
      source: path of the file to read; "-" is standard input.
      target: path of the file to write; "-" is standard output.
    """

    source: str
    target: str


def encode_jobs(source: str, target: str) -> list[Job]:
    """Lists what to encode.

    Args:
      source: an audio file, or a folder: all audio files below it.
      target: the .sst file, or the folder for them.

    Returns:
      A job for each file; the folders below `target` are made.

    Raises:
      ValueError: source and target are one file, a folder has nothing to code or is to become a
        file, or two files would become one.
    """
    return _jobs(source, target, AUDIO_SUFFIXES, SST_SUFFIX)


def passed_over(source: str) -> str:
    """Tells which files of a folder are no audio by their suffix.

    Args:
      source: a folder, which is searched with all below it; of a file, nothing is told.

    Returns:
      The most frequent suffixes in words, as in "12 .txt, 3 .jpg"; "" if there are none.

    Raises:
      ValueError: a folder cannot be read; names it.
    """
    if source == PIPE or not Path(source).is_dir():
        return ""
    _, others = find_files(source, (*AUDIO_SUFFIXES, SST_SUFFIX))
    return in_words(others)


def decode_jobs(source: str, target: str) -> list[Job]:
    """Lists what to decode.

    Args:
      source: an .sst file, or a folder: all .sst files below it.
      target: the audio file, or the folder for them, .wav.

    Returns:
      A job for each file; the folders below `target` are made.

    Raises:
      ValueError: source and target are one file, a folder has nothing to code or is to become a
        file, or two files would become one.
    """
    return _jobs(source, target, (SST_SUFFIX,), ".wav")


def encode_file(model: CodecModel, job: Job, options: EncodeOptions) -> Summary:
    """Encodes one file; the target appears whole or not at all.

    Args:
      model: encodes all channels.
      job: the audio file, and the .sst file.
      options: bitrate and all else.

    Returns:
      What it came to.

    Raises:
      ValueError: one line that names the file and says what is wrong.
    """
    with open_audio(job.source) as source:
        seconds = None if job.source == PIPE else source.frames / source.rate
        with _progress_bar(job, seconds) as bar, _naming(job.source):
            if goes_through(job.target):
                with outlet(job.target) as stream:
                    summary = encode_audio(model, source, stream, options, bar.update)
            else:
                with whole_file(job.target) as temporary, temporary.open("wb") as file:
                    summary = encode_audio(model, source, file, options, bar.update)
                    file.seek(0)  # now the length is known, the header can say it
                    file.write(summary.header.to_bytes())
            summary.warnings.extend(source.remarks)
            return summary


def decode_file(
    model: CodecModel, job: Job, tables: EntropyTables | None = None, span: Span = WHOLE
) -> Summary:
    """Decodes one file or a part of it; of a damaged one, all that can be read.

    Args:
      model: must be the one that made the file.
      job: the .sst file, and the audio file.
      tables: the model's entropy tables.
      span: the part to decode.

    Returns:
      What it came to, and what was damaged.

    Raises:
      ValueError: one line that names the file and says what is wrong.
    """
    return decode_file_with(lambda model_id: (model, tables), job, span)


def decode_file_with(find: Callable[[bytes], Decoding], job: Job, span: Span = WHOLE) -> Summary:
    """Decodes one file like `decode_file`, with a model that is looked for.

    Args:
      find: the model, and its tables, for the id of the file's header.
      job: the .sst file, and the audio file.
      span: the part to decode.

    Returns:
      What it came to, and what was damaged.

    Raises:
      ValueError: one line that names the file and says what is wrong.
    """
    with _byte_source(job.source) as stream, _progress_bar(job) as bar:

        @contextlib.contextmanager
        def open_sink(header: Header) -> Iterator[Write]:
            total = header.total_samples if span == WHOLE else None
            bar.total = None if total is None else total / header.sample_rate
            with audio_sink(job.target, header.sample_rate, header.num_channels, total) as write:
                yield write

        with _naming(job.source):
            reader = ContainerReader(stream)
            model, tables = find(reader.header.model_id)
            return decode_audio(model, reader, open_sink, tables, span, bar.update)


def load_tables(model_dir: str) -> EntropyTables | None:
    """Loads the entropy tables beside a model.

    Args:
      model_dir: the model's folder.

    Returns:
      The tables; None where there are none.

    Raises:
      ValueError: they are damaged.
    """
    path = Path(model_dir) / TABLES_FILE
    if not path.is_file():
        return None
    with _naming(str(path)):
        return EntropyTables.from_bytes(path.read_bytes())


def describe_file(source: str) -> dict[str, Any]:
    """Tells what `soundstream.bitstream.info.describe` says of a file.

    Args:
      source: the .sst file; "-" is standard input.

    Returns:
      Facts by their names, which have the units.

    Raises:
      ValueError: one line that names the file and says what is wrong.
    """
    with _byte_source(source) as stream, _naming(source):
        return describe(stream)


def _jobs(source: str, target: str, suffixes: tuple[str, ...], target_suffix: str) -> list[Job]:
    """Pairs files; makes the folders below `target` where `source` is a folder."""
    if source == PIPE or not Path(source).is_dir():
        if target != PIPE and Path(target).is_dir() and source != PIPE:
            target = str(Path(target) / (Path(source).stem + target_suffix))
        if source != PIPE and Path(source).resolve() == Path(target).resolve():
            raise ValueError(f"{source}: cannot be input and output at once")
        return [Job(source, target)]
    files, _ = find_files(source, suffixes)
    if not files:
        raise ValueError(
            f"{source}: no file of a known kind in this folder ({', '.join(suffixes)})"
        )
    if target == PIPE or Path(target).is_file():
        raise ValueError(f"{target}: must be a folder, as {source} is one")
    sources: dict[Path, Path] = {}
    for file in files:
        path = Path(target) / file.relative_to(source).with_suffix(target_suffix)
        if path in sources:
            raise ValueError(f"{sources[path]} and {file} would both become {path}")
        sources[path] = file
        path.parent.mkdir(parents=True, exist_ok=True)
    return [Job(str(file), str(path)) for path, file in sources.items()]


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Puts the file's name before what the bitstream says of it."""
    try:
        yield
    except BitstreamError as error:
        raise BitstreamError(f"{path}: {error}") from error


@contextlib.contextmanager
def _byte_source(path: str) -> Iterator[BinaryIO]:
    if path == PIPE:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise BitstreamError(f"{path}: {error.strerror}") from error
    with stream:
        yield stream


def _progress_bar(job: Job, seconds: float | None = None) -> tqdm:
    """A bar on standard error, where that is a terminal, in seconds of audio."""
    name = Path(job.source).name
    return tqdm(total=seconds, desc=name, unit="s", unit_scale=True, leave=False, disable=None)
