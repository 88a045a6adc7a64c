"""How fast training can read: random stretches from shards, and from a folder of flac files.

    python tools/benchmark/data_benchmark.py --data_dir=prepared

The same clips and stretches are read either way, in turns. Rates are seconds of audio per second of
processor time, which is what one core does, whatever else the machine is doing.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from absl import flags

from common import command_line, machine
from data.folder import AudioFolder
from data.recordings import MANIFEST_COLUMNS
from data.shards import Clip, PreparedSplit, to_int16, tsv_line
from soundstream.atomic import write_whole

Samples = Callable[[Clip, int, int], np.ndarray]


def write_flac(split: PreparedSplit, clips: list[Clip], folder: Path) -> None:
    """Writes each clip as a file of its own, with a manifest that puts all into train."""
    lines = [tsv_line([*MANIFEST_COLUMNS, "split"])]
    for number, clip in enumerate(clips):
        name = f"{number:05d}.flac"
        samples = to_int16(split.samples(clip, 0, clip.length))
        soundfile.write(folder / name, samples, split.sample_rate)
        lines.append(tsv_line([name, clip.kind, clip.speaker, clip.language, "-", "train"]))
    write_whole(folder / "manifest.tsv", "".join(lines))


def rate(samples: Samples, reads: list[tuple[Clip, int]], length: int, sample_rate: int) -> float:
    """Audio-seconds per processor second of reading stretches of `length` samples."""
    start = time.process_time()
    count = sum(len(samples(clip, first, length)) for clip, first in reads)
    return count / sample_rate / (time.process_time() - start)


def compare(
    data_dir: str, clips: int, rounds: int, reads: int, seconds: float
) -> dict[str, list[float]]:
    """Rates of each round, by form."""
    shards = PreparedSplit(data_dir, "train")
    rng = np.random.default_rng(0)
    long_enough = [clip for clip in shards.clips if clip.length > seconds * shards.sample_rate]
    if not long_enough:
        raise ValueError(f"{data_dir}: no clip in its train split is longer than {seconds} s")
    picked = [long_enough[i] for i in rng.permutation(len(long_enough))[:clips]]
    rates: dict[str, list[float]] = {"shards": [], "flac": []}
    with tempfile.TemporaryDirectory() as name:
        write_flac(shards, picked, Path(name))
        files = AudioFolder(name, "train", shards.sample_rate)
        length = round(seconds * shards.sample_rate)
        for _ in range(rounds):
            drawn = rng.integers(len(picked), size=reads)
            starts = [int(rng.integers(picked[i].length - length)) for i in drawn]
            for form, source, members in (
                ("shards", shards, picked),
                ("flac", files, files.clips),
            ):
                stretches = [(members[i], first) for i, first in zip(drawn, starts)]
                rates[form].append(rate(source.samples, stretches, length, shards.sample_rate))
    return rates


def main(_: list[str]) -> None:
    given = flags.FLAGS
    rates = compare(given.data_dir, given.max_files, given.rounds, given.reads, given.crop_seconds)
    medians = {form: round(statistics.median(values)) for form, values in rates.items()}
    ratios = [a / b for a, b in zip(rates["shards"], rates["flac"])]
    print(
        json.dumps(
            {
                **machine.here_and_now(),
                "audio_seconds_per_second_per_core": medians,
                "ratio": round(statistics.median(ratios), 1),
                "ratios_from_to": [round(min(ratios), 1), round(max(ratios), 1)],
            }
        )
    )


if __name__ == "__main__":
    flags.DEFINE_string("data_dir", None, "Prepared folder to read from; required.", required=True)
    flags.DEFINE_integer("max_files", 200, "Clips at most of its train split to read from.", 1)
    flags.DEFINE_integer("rounds", 9, "Rounds, shards and flac in turns.", 1)
    flags.DEFINE_integer("reads", 300, "Stretches read per round and form.", 1)
    flags.DEFINE_float("crop_seconds", 1.6, "Length of a stretch in seconds.", 0.01)
    command_line.run(main, renamed={"clips": "max_files", "seconds": "crop_seconds"})
