"""Turns recordings into the prepared form: decode, screen, resample, trim, join, write."""

from __future__ import annotations

import functools
import hashlib
import itertools
import multiprocessing
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from tqdm import tqdm

from data import screening, shards
from data.recordings import Recording
from soundstream import audio

# Long recordings are cut into pieces of this length, which bounds the memory they take.
PIECE_SECONDS = 30
# Pieces of speech shorter than SHORT are joined with the speaker's next ones to about JOINED.
SHORT_SECONDS = 2.0
JOINED_SECONDS = 6.0
# Of a music track the first so many pieces: many tracks tell more than long ones.
MUSIC_PIECES = 3

Refusals = list[tuple[str, str]]  # (source of a recording, reason)


def unique(recordings: Iterable[Recording]) -> tuple[list[Recording], Refusals]:
    """Parts recordings from links, missing files and byte-identical copies."""
    first: dict[bytes, Recording] = {}
    refused: Refusals = []
    for recording in recordings:
        if recording.path.is_symlink():
            refused.append((recording.source, "a link"))
        elif not recording.path.is_file():
            refused.append((recording.source, "no such file"))
        else:
            digest = hashlib.sha256(recording.path.read_bytes()).digest()
            same = first.setdefault(digest, recording)
            if same is not recording:
                refused.append((recording.source, f"a copy: same bytes as {same.source}"))
    return list(first.values()), refused


def prepare(recording: Recording, sample_rate: int) -> tuple[list[np.ndarray], Refusals]:
    """Decodes one recording -> its fit pieces, int16 [time] at `sample_rate`, and the refusals."""
    remarks: list[str] = []
    pieces, refused = prepare_stretches(recording, _stretches(recording, remarks), sample_rate)
    return pieces, refused + [(recording.source, f"in part: {remark}") for remark in remarks]


def prepare_stretches(
    recording: Recording, stretches: Iterable[tuple[np.ndarray, int]], sample_rate: int
) -> tuple[list[np.ndarray], Refusals]:
    """As `prepare`, from decoded audio.

    Args:
      recording: what the audio is of; its path is not opened.
      stretches: (mono float32 [time] of up to PIECE_SECONDS, rate in Hz) in order.
      sample_rate: of the pieces in Hz.
    """
    pieces: list[np.ndarray] = []
    refused: Refusals = []
    try:
        for number, (mono, rate) in enumerate(stretches):
            reason = screening.refusal_of_source(mono, rate, sample_rate, recording.kind)
            if not reason:
                mono = audio.resample(screening.without_offset(mono), rate, sample_rate)
                mono = screening.trim_silence(mono, sample_rate)
                reason = screening.refusal(mono, sample_rate, recording.kind)
            if not reason:
                pieces.append(shards.to_int16(mono / max(1.0, np.abs(mono).max())))
            else:
                where = f" from {number * PIECE_SECONDS} s on" if number else ""
                refused.append((recording.source + where, reason))
    except audio.AudioError as error:
        return [], [(recording.source, f"unreadable: {error}")]
    if not pieces and not refused:
        refused.append((recording.source, "empty"))
    return pieces, refused


def _stretches(recording: Recording, remarks: list[str]) -> Iterator[tuple[np.ndarray, int]]:
    """Mono float32 [time] of up to PIECE_SECONDS, and its rate in Hz; adds what the file is not."""
    with audio.AudioReader(recording.path) as reader:
        blocks = reader.blocks(PIECE_SECONDS * reader.rate)
        for block in itertools.islice(blocks, MUSIC_PIECES if recording.kind == "music" else None):
            yield block.mean(axis=1), reader.rate
        remarks += reader.remarks


def joined(
    pieces: Iterable[tuple[Recording, np.ndarray]], sample_rate: int
) -> Iterator[tuple[Recording, np.ndarray]]:
    """Joins the short pieces of one speaker to clips of about JOINED_SECONDS; others pass."""
    pending: defaultdict[tuple[str, ...], list[tuple[Recording, np.ndarray]]] = defaultdict(list)
    for recording, samples in pieces:
        if recording.kind != "speech" or len(samples) >= SHORT_SECONDS * sample_rate:
            yield recording, samples
            continue
        key = (recording.speaker, recording.language, recording.flag, recording.license)
        pending[key].append((recording, samples))
        if sum(len(part) for _, part in pending[key]) >= JOINED_SECONDS * sample_rate:
            yield _concatenated(pending.pop(key))
    yield from map(_concatenated, pending.values())


def _concatenated(parts: Sequence[tuple[Recording, np.ndarray]]) -> tuple[Recording, np.ndarray]:
    return parts[0][0], np.concatenate([samples for _, samples in parts])


def write_splits(
    recordings: Sequence[Recording], folder: Path, sample_rate: int, workers: int
) -> tuple[list[tuple[str, shards.Clip]], Refusals]:
    """Decodes all recordings (each with its split) and writes shards and indexes into `folder`.

    Returns:
      (split, clip) of all that was written, and what was refused.
    """
    refused: Refusals = []

    def pieces(pool: multiprocessing.pool.Pool) -> Iterator[tuple[Recording, np.ndarray]]:
        results = pool.imap(
            functools.partial(prepare, sample_rate=sample_rate), recordings, chunksize=8
        )
        progress = tqdm(results, total=len(recordings), desc="decode", unit="file")
        for recording, (samples, reasons) in zip(recordings, progress):
            refused.extend(reasons)
            for piece in samples:
                yield recording, piece

    with ExitStack() as stack:
        # Ctrl-C reaches all processes, but one line is enough.
        silent = (signal.SIGINT, signal.SIG_IGN)
        context = multiprocessing.get_context("spawn")
        pool = stack.enter_context(context.Pool(workers, signal.signal, silent))
        writers = {
            split: stack.enter_context(shards.ShardWriter(folder, split)) for split in shards.SPLITS
        }
        for recording, samples in joined(pieces(pool), sample_rate):
            if len(samples) < screening.MIN_CLIP_SECONDS * sample_rate:
                refused.append((recording.source, f"too short: {len(samples) / sample_rate:.2f} s"))
                continue
            writers[recording.split].add(samples, **recording.columns)
    written = [(split, clip) for split, writer in writers.items() for clip in writer.clips]
    return written, refused
