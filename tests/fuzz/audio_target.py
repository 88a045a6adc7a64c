"""What must hold for any audio file: samples or one AudioError, within 10 s and 1 GB.

Run as a script it reads files whose headers were changed at random, in slices of a process each:

    python tests/fuzz/audio_target.py build/fuzz_audio.json 1000000

The counts so far are kept in the named file, with which it goes on when it is started again.
Mutation i of a format is always the same. libFuzzer is of no use here: what might break is the C
code of libsndfile and FFmpeg, which is not instrumented.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import mmap
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import soundfile

from soundstream.atomic import write_whole
from soundstream.audio import AudioError, AudioReader, read_header, read_segment
from tools.study import odd_audio

FORMATS = ("wav", "flac", "ogg", "mp3")
LIMIT_SECONDS = 10
LIMIT_BYTES = 1 << 30
SLICE = 1_000
HEADER_BYTES = 200  # most changes fall here; in ogg and mp3 that is the first pages and frames
SEED_SECONDS = 0.15


@functools.cache
def seeds(name: str) -> list[bytes]:
    """Small files of a format, of several kinds."""
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal((round(SEED_SECONDS * 16_000), 2))
    kinds = {
        "wav": [("PCM_16", 1), ("PCM_24", 2), ("FLOAT", 1), ("PCM_U8", 2), ("ULAW", 1)],
        "flac": [("PCM_16", 1), ("PCM_24", 2)],
        "ogg": [("VORBIS", 1), ("OPUS", 2)],
        "mp3": [(None, 1), (None, 2)],
    }
    made = []
    for subtype, channels in kinds[name]:
        stream = io.BytesIO()
        soundfile.write(stream, samples[:, :channels], 16_000, format=name, subtype=subtype)
        made.append(stream.getvalue())
    if name == "wav":
        return [*made, odd_audio.as_stream(made[0]), odd_audio.as_rf64(made[0])]
    if name == "mp3":
        return [*made, odd_audio.mp3_without_xing(samples[:, 0], 16_000)]
    return [*made, made[0] + made[0]] + ([odd_audio.flac_without_count(made[0])] * (name == "flac"))


def mutated(name: str, index: int) -> bytes:
    """Mutation `index` of a format: one to eight changes, most of them in its header."""
    rng = np.random.default_rng([FORMATS.index(name), index])
    known = seeds(name)
    data = bytearray(known[index % len(known)])
    for _ in range(rng.integers(1, 9)):
        end = len(data) if rng.random() < 0.2 else min(HEADER_BYTES, len(data))
        place = int(rng.integers(0, max(1, end)))
        kind = rng.integers(0, 6)
        if kind == 0:
            data[place : place + 1] = bytes([rng.integers(0, 256)])
        elif kind == 1:
            data[place : place + 1] = bytes(
                byte ^ 1 << rng.integers(0, 8) for byte in data[place : place + 1]
            )
        elif kind == 2:
            word = int(rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]))
            data[place : place + 4] = word.to_bytes(4, str(rng.choice(["little", "big"])))
        elif kind == 3:
            data[place:place] = rng.bytes(int(rng.integers(1, 16)))
        elif kind == 4:
            del data[place : place + int(rng.integers(1, 16))]
        else:
            other = known[rng.integers(0, len(known))]
            data[place : place + 16] = other[place : place + 16]
        if not data:
            break
    if name == "ogg" and rng.random() < 0.5:
        data = bytearray(odd_audio.resealed(bytes(data), 100))
    if rng.random() < 0.05:
        del data[int(rng.integers(0, len(data) + 1)) :]
    return bytes(data)


def check(path: Path) -> None:
    """Reads a file in the three ways there are."""
    with contextlib.suppress(AudioError), AudioReader(path) as reader:
        for block in reader.blocks(4096):
            assert block.dtype == np.float32 and block.shape[1] == reader.channels, block.shape
    with contextlib.suppress(AudioError):
        header = read_header(path)
        assert header.frames >= 0 and header.rate > 0, header
        read_segment(path, header.frames // 2, 100)


def run_slice(name: str, first: int, place: mmap.mmap) -> None:
    """In a process of its own: mutations `first` and on; `place` tells which one it is at."""
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libmpg123 talks
    resource.setrlimit(resource.RLIMIT_AS, (4 * LIMIT_BYTES, 4 * LIMIT_BYTES))  # ends it for good
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder) / f"a.{name}"
        for index in range(first, first + SLICE):
            place[:8] = index.to_bytes(8, "big")
            path.write_bytes(mutated(name, index))
            begun = time.process_time()
            check(path)
            assert time.process_time() - begun < LIMIT_SECONDS, "too slow"
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            assert used < LIMIT_BYTES, f"{used} bytes of memory"


def main(record: str, total: int) -> int:
    """Slices of all formats in turn until `total` are done; returns the exit code."""
    file = Path(record)
    file.parent.mkdir(parents=True, exist_ok=True)
    state = json.loads(file.read_text()) if file.exists() else {}
    done = dict.fromkeys(FORMATS, 0) | state.get("mutations", {})
    failures: list[str] = state.get("failures", [])
    seconds = state.get("seconds", 0.0)
    while sum(done.values()) < total:
        name = min(FORMATS, key=lambda one: done[one])
        place = mmap.mmap(-1, 8)
        process = multiprocessing.get_context("fork").Process(
            target=run_slice, args=(name, done[name], place)
        )
        begun = time.monotonic()
        process.start()
        last, stuck = -1, 0
        while process.is_alive():
            process.join(1.0)
            now = int.from_bytes(place[:8], "big")
            stuck = stuck + 1 if now == last else 0
            last = now
            if stuck > 20 * LIMIT_SECONDS:  # of a machine that has other things to do
                process.kill()
        at = int.from_bytes(place[:8], "big")
        seconds += time.monotonic() - begun
        if process.exitcode:
            failures.append(f"{name} {at}: exit code {process.exitcode}")
            done[name] = at + 1
        else:
            done[name] += SLICE
        facts = {"mutations": done, "failures": failures, "seconds": round(seconds)}
        write_whole(file, json.dumps(facts, indent=1) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
