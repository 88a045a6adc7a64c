"""Trains each of several variants for the same short time, and tabulates how they score.

    python tools/study/ablations.py --variants=flags/ablations --data_dir=prepared \\
        --output_dir=ablations --minutes=10 --seed=0,1

A comparison of short trainings, made on one machine one after the other: it says what learns
fastest, and nothing certain about what is best in the end. Variants that were scored already are
not trained again, so the command can be repeated after an interruption, or with more seeds.
"""

import csv
import io
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import flags

from common import command_line
from data.pipeline import evaluation_clips
from metrics.intervals import mean_interval
from metrics.registry import Metric, find_metrics
from model.soundstream import SoundStream
from model.weights import load_model
from soundstream.atomic import write_whole
from soundstream.frames import whole_frames
from training.checkpoints import WEIGHTS_FILE

ROOT = Path(__file__).resolve().parents[2]
CLIP_SECONDS = 3.0
SCORES_FILE, TABLE_FILE = "scores.csv", "table.md"
FIELDS = ("variant", "seed", "bitrate_bps", "clip", "metric", "score")
Row = dict[str, str]


def train(flag_file: Path, seed: str, run_dir: Path, data_dir: str, minutes: float) -> None:
    """One training, told to stop after `minutes`; RuntimeError if it ends by itself before."""
    command = [
        sys.executable,
        str(ROOT / "train.py"),
        f"--flagfile={flag_file}",
        f"--data_dir={Path(data_dir).resolve()}",
        f"--train_dir={run_dir.resolve()}",
        f"--seed={seed}",
        "--validation_steps=1000000",
    ]
    # Flag files name each other from the root of the project.
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, errors = process.communicate(timeout=60 * minutes)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)  # it saves, and ends
            _, errors = process.communicate()
        if process.returncode or not (run_dir / WEIGHTS_FILE).exists():
            raise RuntimeError(f"{flag_file}, seed {seed}: {errors.strip().splitlines()[-1:]}")


def score(
    codec: SoundStream, clips: np.ndarray, bitrates_bps: list[int], metrics: list[Metric]
) -> list[Row]:
    """Scores of every clip [clips, time] at the bitrates that the codec has."""
    rate = codec.config.sample_rate
    clips = whole_frames(clips, codec.config.hop)
    rows = []
    for bps in bitrates_bps:
        if bps > codec.config.max_bitrate_bps:
            continue
        levels = codec.config.num_quantizers_for(bps)
        decoded = codec(tf.constant(clips[..., None]), levels).numpy()[..., 0]
        for index, (clip, sound) in enumerate(zip(clips, decoded, strict=True)):
            for metric in metrics:
                try:
                    value = metric.score(clip, sound, rate)
                except ValueError:  # too little voice, say
                    value = float("nan")
                rows.append(
                    {"bitrate_bps": str(bps), "clip": str(index), "metric": metric.name}
                    | {"score": f"{value:.4f}"}
                )
    return rows


def table(rows: list[Row], metrics: list[Metric]) -> str:
    """Markdown: a line per variant and bitrate, means with 95 % intervals over clips.

    Beside them, what it has over the variant that comes first in `rows`, clip by clip: clips differ
    by more than codecs do.
    """
    first = rows[0]["variant"]
    seeds = {name: len({r["seed"] for r in rows if r["variant"] == name}) for name in _names(rows)}
    titles = [f"{metric.title} | over {first}" for metric in metrics]
    lines = [
        " | ".join(["| variant", "seeds", "kbps", *titles]) + " |",
        "|---" * (3 + 2 * len(metrics)) + "|",
    ]
    cases = {(row["variant"], int(row["bitrate_bps"])): None for row in rows}
    for name, bps in sorted(cases, key=lambda case: (case[1], case[0])):
        cells = []
        for metric in metrics:
            own, other = (_by_clip(rows, of, bps, metric.name) for of in (name, first))
            gains = {case: own[case] - other[case] for case in own if case in other}
            cells += [
                _mean(own, "", metric.digits),
                _mean(gains, "+", metric.digits) if gains and name != first else "",
            ]
        lines.append(" | ".join([f"| {name}", str(seeds[name]), f"{bps / 1000:g}", *cells]) + " |")
    return "\n".join(lines) + "\n"


def _by_clip(rows: list[Row], variant: str, bps: int, metric: str) -> dict[tuple[str, str], float]:
    """(seed, clip) -> score."""
    case = (variant, str(bps), metric)
    return {
        (r["seed"], r["clip"]): float(r["score"])
        for r in rows
        if (r["variant"], r["bitrate_bps"], r["metric"]) == case
    }


def _mean(scores: dict[tuple[str, str], float], sign: str, digits: int) -> str:
    # The same clip after another training is no independent witness.
    value = mean_interval(list(scores.values()), [clip for _, clip in scores])
    return f"{value.mean:{sign}.{digits}f} ±{(value.high - value.low) / 2:.{digits}f}"


def keep(rows: list[Row], metrics: list[Metric], folder: Path) -> None:
    """Writes scores.csv and table.md; hours of training stand in them, so never half of one."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(folder / SCORES_FILE, text.getvalue().encode())
    write_whole(folder / TABLE_FILE, table(rows, metrics).encode())


def _names(rows: list[Row]) -> set[str]:
    return {row["variant"] for row in rows}


def main(_: list[str]) -> None:
    given = flags.FLAGS
    flag_files: list[Path] = []
    for path in map(Path, given.variants):
        flag_files += sorted(path.glob("*.flags")) if path.is_dir() else [path]
    if not all(file.is_file() for file in flag_files) or not flag_files:
        raise ValueError(f"--variants={','.join(given.variants)}: no such flag files")
    metrics, notes = find_metrics(given.metrics)
    print("\n".join(notes), end="\n" if notes else "")
    folder = Path(given.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / SCORES_FILE
    rows = list(csv.DictReader(file.open())) if file.exists() else []
    done = {(row["variant"], row["seed"]) for row in rows}
    for seed in map(str, given.seed):
        for flag_file in flag_files:
            if (flag_file.stem, seed) in done:
                continue
            run_dir = folder / f"{flag_file.stem}-{seed}"
            try:
                train(flag_file.resolve(), seed, run_dir, given.data_dir, given.minutes)
                codec = load_model(run_dir / WEIGHTS_FILE)
                clips = evaluation_clips(
                    given.data_dir,
                    split="valid",
                    sample_rate=codec.config.sample_rate,
                    max_clips=given.max_files,
                    seconds=CLIP_SECONDS,
                )
                found = score(codec, clips, given.bitrate_bps, metrics)
            except (RuntimeError, ValueError) as error:
                print(f"left out: {error}", file=sys.stderr)
                continue
            rows += [{"variant": flag_file.stem, "seed": seed} | row for row in found]
            keep(rows, metrics, folder)
    print(table(rows, metrics))


if __name__ == "__main__":
    command_line.several(
        "variants", None, "Flag files of train.py, or folders of them; required.", required=True
    )
    flags.DEFINE_string(
        "data_dir", None, "Prepared folder, or any folder of audio; required.", required=True
    )
    flags.DEFINE_string(
        "output_dir", None, "Folder for runs, scores.csv and table.md; required.", required=True
    )
    flags.DEFINE_float("minutes", 10, "Minutes of training for each, its start included.", 0.1)
    command_line.several_integers("seed", [0], "Seeds: each variant is trained with each.", 0)
    command_line.several_integers(
        "bitrate_bps", [3000, 6000, 12000], "Bits per second that are scored."
    )
    command_line.several(
        "metrics", ["visqol_speech", "pesq_wb", "estoi"], "Scores to compute, as for evaluate.py."
    )
    flags.DEFINE_integer(
        "max_files", 24, "Recordings at most that are scored, 3 s each, one per speaker first.", 2
    )
    command_line.run(main, renamed={"clips": "max_files"})
