"""What quantization does: sound, size and time of every flavour of a model, on the same speech.

    python tools/study/compare_flavours.py --model_dir=exported --input_dir=prepared \\
        --output_dir=scores

writes flavours.json and flavours.md. Codes of a flavour are compared with those of float32; its
sound, which it decodes itself, with the recording. Changes are those against float32, recording by
recording, with 95 % intervals over speakers.
"""

import json
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from absl import flags
from tqdm import tqdm

from common import command_line
from data.selection import Recording, find_recordings
from metrics.intervals import Interval, mean_interval
from metrics.registry import Metric, find_metrics
from soundstream.atomic import write_whole
from soundstream.frames import whole_frames
from soundstream.tflite.metadata import Metadata
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tools.benchmark import tflite_benchmark

REFERENCE = "float32"
SAME_CODES = "same_codes"
RUNS = 40  # of each graph in a round


@dataclass(frozen=True)
class Row:
    """One flavour at one bitrate.

    Attributes:
      bytes: of the encoder's and the decoder's file together.
      microseconds: of encoder and decoder for one frame, median, one thread.
      same_codes: share of the codes that are those of float32.
      scores: by metric.
      changes: of the scores, against float32.
    """

    flavour: str
    bitrate_bps: int
    bytes: int
    microseconds: float
    same_codes: float
    scores: dict[str, Interval]
    changes: dict[str, Interval]


def compare(
    folder: Path,
    recordings: list[Recording],
    bitrates_bps: list[int],
    metrics: list[Metric],
    max_seconds: float,
    rounds: int = 20,
) -> list[Row]:
    """Measures each flavour in `folder` at each bitrate, `rounds` rounds for the time.

    Raises:
      ValueError: `folder` has no float32 flavour to compare with, or not these bitrates.
    """
    metadata = Metadata.read(folder)
    flavours = list(metadata.flavours)
    if REFERENCE not in flavours:
        raise ValueError(f"{folder} has no {REFERENCE} files to compare with")
    times = {
        (row["flavour"], row["bitrate_bps"]): row["total_us"]["median"]
        for row in tflite_benchmark.run({folder: flavours}, [1], bitrates_bps, None, rounds, RUNS)[
            "rows"
        ]
    }
    models = {flavour: CodecModel.load(folder, flavour) for flavour in flavours}
    values: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for recording in tqdm(recordings, desc="recordings"):
        samples = whole_frames(recording.read(metadata.sample_rate, max_seconds), metadata.hop)
        for bitrate in bitrates_bps:
            reference = StreamingEncoder(models[REFERENCE], bitrate).encode(samples)
            for flavour, model in models.items():
                codes = StreamingEncoder(model, bitrate).encode(samples)
                decoded = StreamingDecoder(model).decode(codes)
                of_flavour = values[flavour, bitrate]
                of_flavour[SAME_CODES].append(float(np.mean(codes == reference)))
                for metric in metrics:
                    score = metric.score(samples, decoded, metadata.sample_rate)
                    of_flavour[metric.name].append(score)
    speakers = [recording.labels.speaker for recording in recordings]

    def row(flavour: str, bitrate: int) -> Row:
        ours, theirs = values[flavour, bitrate], values[REFERENCE, bitrate]
        changes = {m.name: np.subtract(ours[m.name], theirs[m.name]) for m in metrics}
        return Row(
            flavour,
            bitrate,
            _size(folder, flavour),
            times[flavour, bitrate],
            float(np.mean(ours[SAME_CODES])),
            {m.name: mean_interval(ours[m.name], speakers) for m in metrics},
            {name: mean_interval(list(change), speakers) for name, change in changes.items()},
        )

    return [row(flavour, bitrate) for flavour in flavours for bitrate in bitrates_bps]


def _size(folder: Path, flavour: str) -> int:
    parts = ("encoder", "decoder")
    return sum((folder / f"{part}_{flavour}.tflite").stat().st_size for part in parts)


def table(rows: list[Row], metrics: list[Metric]) -> str:
    """The rows in Markdown."""
    titles = ["flavour", "kbps", "MB", "us a frame", "same codes"]
    titles += [title for metric in metrics for title in (metric.title, "change")]
    lines = ["| " + " | ".join(titles) + " |", "|---|" + "--:|" * (len(titles) - 1)]
    for row in rows:
        cells = [row.flavour, f"{row.bitrate_bps / 1000:g}", f"{row.bytes / 1e6:.2f}"]
        cells += [f"{row.microseconds:.1f}", f"{row.same_codes:.3f}"]
        for metric in metrics:
            change, digits = row.changes[metric.name], metric.digits + 1
            cells.append(f"{row.scores[metric.name].mean:.{metric.digits}f}")
            low, mean, high = (f"{v:+.{digits}f}" for v in (change.low, change.mean, change.high))
            cells.append("" if row.flavour == REFERENCE else f"{mean} ({low} to {high})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _define_flags() -> None:
    flags.DEFINE_string("model_dir", None, "Folder of the exported model; required.", required=True)
    flags.DEFINE_string(
        "input_dir", None, "Folder of speech, or a prepared data folder; required.", required=True
    )
    flags.DEFINE_string("split", "valid", "Part of a prepared data folder: train, valid or test.")
    command_line.several_integers(
        "bitrate_bps", [3000, 6000], "Bits per second that flavours are compared at."
    )
    command_line.several("metrics", ["visqol_speech", "pesq_wb", "si_sdr"], "Scores to compute.")
    flags.DEFINE_integer("max_files", 54, "Recordings at most, one per speaker first.", 1)
    flags.DEFINE_float(
        "max_seconds", 5.0, "Seconds at most of the beginning of each recording.", 0.5
    )
    flags.DEFINE_integer("rounds", 20, "Rounds in which all flavours are timed by turns.", 1)
    flags.DEFINE_string(
        "output_dir", None, "Folder for flavours.json and flavours.md; default: not written."
    )


def main(_: list[str]) -> None:
    given = flags.FLAGS
    metrics, missing = find_metrics(given.metrics)
    if missing:
        print(f"not scored: {', '.join(missing)}", file=sys.stderr)
    recordings = find_recordings(given.input_dir, given.split, ["speech"], given.max_files)
    folder, bitrates = Path(given.model_dir), given.bitrate_bps
    rows = compare(folder, recordings, bitrates, metrics, given.max_seconds, given.rounds)
    text = table(rows, metrics)
    print(text)
    if given.output_dir:
        output = Path(given.output_dir)
        output.mkdir(parents=True, exist_ok=True)
        values = [asdict(row) for row in rows]
        write_whole(output / "flavours.json", json.dumps(values, indent=1) + "\n")
        write_whole(output / "flavours.md", text + "\n")


if __name__ == "__main__":
    _define_flags()
    command_line.run(main)
