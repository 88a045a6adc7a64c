"""Training speed by part, beside PyTorch, in one run in which all take turns.

    python tools/benchmark/train_benchmark.py --flagfile=speech.flags
    python tools/benchmark/train_benchmark.py --flagfile=speech.flags \\
        --torch_python=torch/bin/python --competitors=plain,plain_bfloat16 --output=speech.json

Takes the flags of train.py. Prints audio-seconds per second: the median over rounds. `--clock=cpu`
counts processor time: with one thread that is the wall time of a machine with nothing else to do.
`--torch_python` names an interpreter with PyTorch (and `einops` and `encodec`, for that one).
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from absl import flags
from tqdm import tqdm

import train  # defines its flags
from common import command_line, machine
from data.pipeline import training_batches
from model.config import CodecConfig
from soundstream.atomic import write_whole
from soundstream.frames import whole_length
from tools.benchmark.step_parts import Ours

PARTS = (
    "codec",
    "quantizer",
    "losses",
    "discriminators",
    "step_without_discriminators",
    "step",
)
DATA_BATCHES = 40
QUIET_SECONDS = 0.2  # between turns: thread pools spin for a while before they sleep
# Name of a competitor: what `torch_reference.py` builds. All have the losses that ours has,
# those with `mel` in their name only what most re-implementations have.
COMPETITORS = {
    f"{nets}{losses}{dtype}": {"nets": nets, "mel_only": bool(losses), "bfloat16": bool(dtype)}
    for nets in ("plain", "encodec")
    for losses in ("", "_mel")
    for dtype in ("", "_bfloat16")
}
SPECTRAL_LOSSES = ("mel", "complex", "fine", "bands", "nsim", "loudness")


class Contestant(Protocol):
    def time(self, part: str) -> tuple[float, float]:
        """Runs `part` once: wall seconds, processor seconds."""


class TorchWorker:
    """A process that waits to be asked for a part."""

    def __init__(self, python: str, job: dict[str, Any], threads: int):
        script = Path(__file__).with_name("torch_reference.py")
        self._process = subprocess.Popen(
            [python, str(script), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say(json.dumps(job))

    def time(self, part: str) -> tuple[float, float]:
        self._say(part)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().split()
        if len(answer) != 2:
            raise RuntimeError(f"the PyTorch process ended with {self._process.wait()}")
        return float(answer[0]), float(answer[1])

    def close(self) -> None:
        self._process.communicate()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def interleaved(
    contestants: dict[str, Contestant], parts: tuple[str, ...], rounds: int
) -> dict[str, dict[str, np.ndarray]]:
    """[rounds, 2] seconds (wall, processor) by contestant and part, after a round that warms up."""
    seconds: dict[str, dict[str, list]] = {
        name: {part: [] for part in parts} for name in contestants
    }
    for _ in tqdm(range(rounds + 1), desc="rounds", leave=False):
        for part in parts:
            for name, contestant in contestants.items():
                time.sleep(QUIET_SECONDS)
                seconds[name][part].append(contestant.time(part))
    return {
        name: {part: np.array(runs[1:]) for part, runs in of.items()}
        for name, of in seconds.items()
    }


def summarize(
    seconds: dict[str, dict[str, np.ndarray]], audio_seconds: float, column: int
) -> dict[str, Any]:
    """Median seconds and speed of every part; ratios of the others to `ours`, round by round."""
    report: dict[str, Any] = {}
    for name, parts in seconds.items():
        report[name] = {}
        for part, runs in parts.items():
            taken = float(np.median(runs[:, column]))
            row = {"seconds": round(taken, 5), "speed": round(audio_seconds / taken, 2)}
            if name != "ours":
                ratios = runs[:, column] / seconds["ours"][part][:, column]
                low, middle, high = np.percentile(ratios, [10, 50, 90])
                row |= {"ratio": round(middle, 2), "p10": round(low, 2), "p90": round(high, 2)}
            report[name][part] = row
    return report


def table(report: dict[str, Any], data_speed: float | None) -> str:
    """Audio-seconds per second, a column for each contestant; in brackets its time over ours."""
    names = list(report)
    lines = ["| part | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    if data_speed:
        lines.append(f"| data | {data_speed:.0f} |" + " |" * (len(names) - 1))
    for part in report["ours"]:
        cells = [
            f"{row['speed']:.1f}" + (f" ({row['ratio']:.2f}x)" if "ratio" in row else "")
            for row in (report[name][part] for name in names)
        ]
        lines.append(f"| {part.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _data_speed(config: CodecConfig, samples: int) -> float:
    """Audio-seconds per wall second that the pipeline makes when nothing else runs."""
    given = flags.FLAGS
    batches = iter(
        training_batches(
            given.data_dir,
            sample_rate=config.sample_rate,
            batch_size=given.batch_size,
            crop_samples=samples,
            seed=given.seed,
            mix=train.mix_options(),
        )
    )
    for _ in range(DATA_BATCHES // 2):  # fills what is made in advance
        next(batches)
    started = time.perf_counter()
    for _ in range(DATA_BATCHES):
        next(batches)
    made = DATA_BATCHES * given.batch_size * samples / config.sample_rate
    return made / (time.perf_counter() - started)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _discriminators() -> dict[str, Any]:
    given = flags.FLAGS
    return {
        "kinds": given.discriminators,
        "channels": given.discriminator_channels,
        "windows": given.discriminator_windows,
    }


def _torch_worker(name: str, config: CodecConfig, samples: int) -> TorchWorker:
    given = flags.FLAGS
    weights = train.training_settings().weights
    asked = [loss for loss in SPECTRAL_LOSSES if getattr(weights, loss)]
    job = COMPETITORS[name] | {
        "losses": ["mel"] if COMPETITORS[name]["mel_only"] else asked,
        "codec": config.to_dict(),
        "batch": given.batch_size,
        "samples": samples,
        "share": given.adversarial_share,
        "discriminators": _discriminators(),
    }
    return TorchWorker(given.torch_python, job, given.threads)


def main(_: list[str]) -> None:
    given = flags.FLAGS
    tf.config.threading.set_intra_op_parallelism_threads(given.threads)
    tf.config.threading.set_inter_op_parallelism_threads(given.threads)
    config = train.codec_config()
    settings = train.training_settings()
    samples = whole_length(int(given.crop_seconds * config.sample_rate), config.hop)
    before = _peak_mib()
    ours = Ours(config, settings, given.batch_size, samples, _discriminators(), given.product_dtype)
    competitors = given.competitors if given.torch_python else []
    workers = {name: _torch_worker(name, config, samples) for name in competitors}
    contestants: dict[str, Contestant] = {"ours": ours, **workers}
    seconds = interleaved(contestants, tuple(given.parts), given.rounds)
    for worker in workers.values():
        worker.close()
    audio_seconds = given.batch_size * samples / config.sample_rate
    report = summarize(seconds, audio_seconds, ("wall", "cpu").index(given.clock))
    data_speed = _data_speed(config, samples) if given.data_dir else None
    print(table(report, data_speed))
    if given.output:
        facts = {
            **machine.here_and_now(),
            "flags": sys.argv[1:],
            "clock": given.clock,
            "threads": given.threads,
            "data_speed": data_speed,
            "step_mib": round(_peak_mib() - before),  # the libraries do not count
            "parts": report,
        }
        write_whole(Path(given.output), json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    flags.adopt_module_key_flags(train)
    flags.DEFINE_string(
        "torch_python", None, "Interpreter that has PyTorch; default: none, ours alone is timed."
    )
    command_line.several_of("competitors", ["plain"], COMPETITORS, "What PyTorch runs beside ours.")
    command_line.several_of("parts", PARTS, PARTS, "Parts of a training step to time.")
    flags.DEFINE_integer("threads", 2, "Threads of each framework.", 1)
    flags.DEFINE_integer("rounds", 7, "Rounds in which all take turns.", 1)
    flags.DEFINE_enum("clock", "wall", ["wall", "cpu"], "Clock whose seconds count.")
    flags.DEFINE_string("output", None, "File for the report as JSON; default: not written.")
    command_line.run(main, renamed=train.RENAMED)
