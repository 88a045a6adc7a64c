"""How cost grows: a training step, the coding of a file, and many streams on one core.

    python tools/benchmark/scaling_benchmark.py --output_dir=scaling

Steps: time and memory against batch, crop and channels around those of a flag file, each in a
process of its own. Files: what `codec.py encode` takes, start included, and its
peak of memory. Streams: encoder and decoder of each of n streams, by turns, a frame at a time, in
one thread; a round of all must fit into one frame. `--batch_model_dir` adds exports whose graphs
take several streams in one call (`export/to_tflite.py --streams_per_call`). Times are processor
seconds, which on a machine with other work are what the wall would show without it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from absl import flags
from tqdm import tqdm

from common import command_line, machine
from model.config import PRESETS, CodecConfig, preset
from soundstream.atomic import write_whole
from soundstream.tflite.many_streams import BatchDecoder, BatchEncoder
from soundstream.tflite.metadata import DECODE_SIGNATURE, STATE_PREFIX
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tools.benchmark.scaling_plot import plot

ROOT = Path(__file__).resolve().parents[2]
Rows = list[dict[str, Any]]
# Runs a script, then says its peak of memory in KiB. What the kernel tells a parent about a child
# would count the parent's own memory, from before the child's program was loaded.
AND_THEN_PEAK = """
import re, runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def measure_streams(model: CodecModel, counts: Sequence[int], seconds: float) -> Rows:
    """A row for each number of streams: processor microseconds per frame, and rounds in time.

    Args:
      seconds: of processor time spent on each count.
    """
    metadata = model.metadata
    bitrate = metadata.bitrates_bps[0]
    frame_seconds = metadata.hop / metadata.sample_rate
    audio = np.random.default_rng(0).normal(0, 0.1, metadata.hop).astype(np.float32)
    rows = []
    for count in tqdm(counts, desc="streams", leave=False):
        streams = [
            (StreamingEncoder(model, bitrate), StreamingDecoder(model)) for _ in range(count)
        ]

        def step(streams: Any = streams) -> None:
            for encoder, decoder in streams:
                decoder.decode(encoder.encode(audio))

        rows.append(_stream_row(count, step, seconds, frame_seconds))
    return rows


def measure_batch(model: CodecModel, seconds: float) -> dict[str, Any]:
    """The same row for a model whose graphs take several streams in one call."""
    metadata = model.metadata
    shape = [metadata.streams_per_call, metadata.frames_per_call * metadata.hop]
    audio = np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)
    encoder, decoder = BatchEncoder(model, metadata.bitrates_bps[0]), BatchDecoder(model)
    return _stream_row(
        metadata.streams_per_call,
        lambda: decoder.decode(encoder.encode(audio)),
        seconds,
        metadata.frames_per_call * metadata.hop / metadata.sample_rate,
    )


def _stream_row(
    count: int, step: Callable[[], Any], seconds: float, step_seconds: float
) -> dict[str, Any]:
    """What `step`, which takes `count` streams on by `step_seconds` of sound, costs."""
    rounds: list[float] = []
    while sum(rounds) < seconds or len(rounds) < 3:
        started = time.process_time()
        step()
        rounds.append(time.process_time() - started)
    taken, slow = np.percentile(rounds[1:], [50, 99]).tolist()
    return {
        "streams": count,
        "frame_us": round(1e6 * taken / count, 1),
        "share_of_frame": round(taken / step_seconds, 4),
        "share_of_frame_p99": round(slow / step_seconds, 4),
        "streams_per_core": round(count * step_seconds / taken),
    }


def state_bytes(model: CodecModel) -> int:
    """What one stream keeps between frames, encoder and decoder."""
    signature = model.metadata.signature_for(model.metadata.bitrates_bps[0])
    tensors = model.encoder.inputs(signature), model.decoder.inputs(DECODE_SIGNATURE)
    return sum(
        value.nbytes
        for inputs in tensors
        for name, value in inputs.items()
        if name.startswith(STATE_PREFIX)
    )


def measure_files(model_dir: Path, minutes: Sequence[float]) -> Rows:
    """A row for each length: processor seconds and peak memory of a process that encodes it."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for length in tqdm(minutes, desc="files", leave=False):
            source, target = Path(folder) / "long.wav", Path(folder) / "long.sst"
            _write_noise(source, length)
            command = ["codec.py", f"--model_dir={model_dir.resolve()}", "encode"]
            process = subprocess.Popen(
                [sys.executable, "-c", AND_THEN_PEAK, *command, str(source), str(target)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            assert process.stdout is not None
            peak_kib = process.stdout.read().split()
            _, status, usage = os.wait4(process.pid, 0)
            process.stdout.close()
            if status:
                raise RuntimeError(f"encoding {length} minutes ended with status {status}")
            rows.append(
                {
                    "minutes": length,
                    "seconds": round(usage.ru_utime + usage.ru_stime, 3),
                    "peak_mib": round(int(peak_kib[-1]) / 1024, 1),
                }
            )
    return rows


def _write_noise(path: Path, minutes: float, rate: int = 16_000) -> None:
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for start in range(0, round(60 * minutes * rate), rate):
            file.write(0.1 * rng.normal(size=min(rate, round(60 * minutes * rate) - start)))


def measure_steps(
    train_flags: Sequence[str], axes: dict[str, dict[float, list[str]]], rounds: int
) -> Rows:
    """A row for each point of each axis: a step's processor seconds, and what it adds in memory.

    Args:
      train_flags: what all points share.
      axes: by name, the flags of each point by its value.
    """
    rows = []
    points = [(axis, *point) for axis, of in axes.items() for point in of.items()]
    with tempfile.TemporaryDirectory() as folder:
        for axis, value, point in tqdm(points, desc="steps", leave=False):
            output = Path(folder) / "step.json"
            options = ["--parts=step", "--threads=1", "--clock=cpu", f"--rounds={rounds}"]
            script = str(ROOT / "tools" / "benchmark" / "train_benchmark.py")
            command = [sys.executable, script, *train_flags, *point, *options]
            subprocess.run([*command, f"--output={output}"], check=True, stdout=subprocess.DEVNULL)
            report = json.loads(output.read_text())
            step = report["parts"]["ours"]["step"]
            rows.append({"axis": axis, "value": value} | step | {"mib": report["step_mib"]})
    return rows


def step_axes(config: CodecConfig) -> dict[str, dict[float, list[str]]]:
    """Batch, crop and channels; each axis leaves the others as they are."""

    def channels(share: float) -> list[str]:
        return [
            f"--codec_{net}_channels="
            + ",".join(str(round(share * width)) for width in getattr(config, f"{net}_channels"))
            for net in ("encoder", "decoder")
        ]

    return {
        "batch_size": {n: [f"--batch_size={n}"] for n in (2, 4, 8, 16, 32)},
        "crop_seconds": {s: [f"--crop_seconds={s}"] for s in (0.4, 0.8, 1.6, 3.2)},
        "channels": {share: channels(share) for share in (1, 1.5, 2)},
    }


def main(_: list[str]) -> None:
    given = flags.FLAGS
    report: dict[str, Any] = {**machine.here_and_now()}
    model_dir = Path(given.model_dir)
    if "streams" in given.measure:
        model = CodecModel.load(model_dir)
        report["state_bytes"] = state_bytes(model)
        report["streams"] = measure_streams(model, given.streams, given.stream_seconds)
    if given.batch_model_dir:
        report["batches"] = [
            measure_batch(CodecModel.load(folder), given.stream_seconds)
            for folder in given.batch_model_dir
        ]
    if "files" in given.measure:
        report["files"] = measure_files(model_dir, given.file_minutes)
    if "steps" in given.measure:
        shared = [f"--flagfile={given.train_flags}", f"--preset={given.preset}"]
        report["steps"] = measure_steps(shared, step_axes(preset(given.preset)), given.rounds)
    folder = Path(given.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "scaling.json", json.dumps(report, indent=1) + "\n")
    plot(report, folder / "scaling.png")
    for name in [*given.measure, *(["batches"] if given.batch_model_dir else [])]:
        print(name, *report[name], sep="\n")


if __name__ == "__main__":
    measures = ["streams", "files", "steps"]
    command_line.several_of("measure", measures, measures, "What to measure.")
    flags.DEFINE_string(
        "output_dir", None, "Folder for scaling.json and scaling.png; required.", required=True
    )
    flags.DEFINE_string(
        "model_dir", str(ROOT / "pretrained" / "speech"), "Folder of the exported model."
    )
    command_line.several(
        "batch_model_dir", [], "Folders of models exported with --streams_per_call."
    )
    command_line.several_integers(
        "streams", [1, 4, 16, 64, 256, 512], "Numbers of streams that one core takes by turns."
    )
    flags.DEFINE_float("stream_seconds", 3, "Processor seconds for each of those numbers.", 0.1)
    command_line.several_floats("file_minutes", [1, 5, 20, 60], "Lengths of files in minutes.", 0.1)
    flags.DEFINE_string("train_flags", str(ROOT / "speech.flags"), "Flag file of train.py.")
    flags.DEFINE_enum("preset", "speech", list(PRESETS), "Architecture whose channels are widened.")
    flags.DEFINE_integer("rounds", 3, "Steps of training timed at each point.", 1)
    command_line.run(main)
