"""What quantization does to the sound: every flavour of a model, scored on the same speech.

    python export/compare_flavours.py --model_dir=pretrained/speech --input_dir=prepared

Codes of a flavour are compared with those of float32; the sound with the recording.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
from absl import app, flags
from tqdm import tqdm

from export.metadata import Metadata
from export.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from metrics.recordings import Recording, find_recordings
from metrics.registry import Metric, find_metrics

REFERENCE = "float32"
Scores = dict[str, list[float]]


def compare(
    folder: Path,
    recordings: list[Recording],
    bitrates_bps: list[int],
    metrics: list[Metric],
    max_seconds: float,
) -> list[dict[str, Any]]:
    """Mean scores of each flavour at each bitrate, with the size of its files.

    Raises:
      ValueError: `folder` has no float32 flavour to compare with, or not these bitrates.
    """
    metadata = Metadata.read(folder)
    if REFERENCE not in metadata.flavours:
        raise ValueError(f"{folder} has no {REFERENCE} files to compare with")
    models = {flavour: CodecModel.load(folder, flavour) for flavour in metadata.flavours}
    scores: dict[tuple[str, int], Scores] = defaultdict(lambda: defaultdict(list))
    for recording in tqdm(recordings, desc="recordings"):
        samples = recording.read(metadata.sample_rate, max_seconds)
        samples = samples[: len(samples) // metadata.hop * metadata.hop]
        for bitrate in bitrates_bps:
            reference = StreamingEncoder(models[REFERENCE], bitrate).encode(samples)
            for flavour, model in models.items():
                codes = StreamingEncoder(model, bitrate).encode(samples)
                decoded = StreamingDecoder(model).decode(codes)
                of_flavour = scores[flavour, bitrate]
                of_flavour["same_codes"].append(float(np.mean(codes == reference)))
                for metric in metrics:
                    value = metric.score(samples, decoded, metadata.sample_rate)
                    of_flavour[metric.name].append(value)
    return [
        {"flavour": flavour, "bitrate_bps": bitrate, "bytes": _size(folder, flavour)}
        | {name: round(float(np.mean(values)), 4) for name, values in of_flavour.items()}
        for (flavour, bitrate), of_flavour in scores.items()
    ]


def _size(folder: Path, flavour: str) -> int:
    """Bytes of the encoder's and the decoder's file together."""
    parts = ("encoder", "decoder")
    return sum((folder / f"{part}_{flavour}.tflite").stat().st_size for part in parts)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|---|" + "--:|" * (len(names) - 1)]
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def _define_flags() -> None:
    flags.DEFINE_string("model_dir", "pretrained/speech", "Folder of an exported model.")
    flags.DEFINE_string("input_dir", None, "Prepared data, or audio.", required=True)
    flags.DEFINE_string("split", "valid", "Part of prepared data.")
    flags.DEFINE_multi_integer("bitrate_bps", [3000, 6000], "Bitrate, repeatable.")
    flags.DEFINE_list("metrics", "visqol_speech,pesq_wb,si_sdr", "Scores to compute.")
    flags.DEFINE_integer("max_files", 40, "Recordings, one per speaker first.", 1)
    flags.DEFINE_float("max_seconds", 8.0, "At most so much of each.", 0.5)
    flags.DEFINE_string("output", None, "JSON file to write the rows to.")


def main(_: list[str]) -> None:
    given = flags.FLAGS
    try:
        metrics, missing = find_metrics(given.metrics)
        if missing:
            print(f"not scored: {', '.join(missing)}", file=sys.stderr)
        recordings = find_recordings(given.input_dir, given.split, ["speech"], given.max_files)
        rows = compare(
            Path(given.model_dir), recordings, given.bitrate_bps, metrics, given.max_seconds
        )
    except ValueError as error:
        sys.exit(str(error))
    print(table(rows))
    if given.output:
        Path(given.output).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
