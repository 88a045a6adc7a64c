"""Scores the codec, and others beside it, on a folder of recordings.

    python evaluate.py --input_dir=my_recordings --model_dir=pretrained/speech \
        --bitrates_bps=3000,6000,12000 --codecs=soundstream,opus --output_dir=scores

Writes scores.csv (a row per recording, codec and bitrate), scores.json (means with 95 % intervals,
by group, paired differences) and rate_quality.png. A run that was stopped goes on where it was.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import app, flags

from metrics import plot, recordings, registry, results, tables
from metrics.evaluation import Job, evaluate
from metrics.external import ExternalPeer
from metrics.peers import (
    SPEECH_RATE,
    LyraPeer,
    OpusPeer,
    OriginalPeer,
    Peer,
    SoundStreamPeer,
    load_model,
)
from metrics.summary import Summary, summarize

FLAGS = flags.FLAGS
flags.DEFINE_string("input_dir", None, "Folder of audio files, or a prepared data folder.")
flags.DEFINE_string("split", "valid", "Part of a prepared data folder.")
flags.DEFINE_list("kinds", "speech", "Which of speech, music, noise, where a manifest says.")
flags.DEFINE_integer("max_files", None, "Only so many recordings, one per speaker first.")
flags.DEFINE_float("max_seconds", 30.0, "Only the beginning of each recording, so many seconds.")
flags.DEFINE_list("codecs", "soundstream,opus", "Which of soundstream, opus, lyra, original.")
flags.DEFINE_multi_string("peer", [], "'name:encode {in} {bits}:decode {bits} {out}', repeatable.")
flags.DEFINE_string("model_dir", "pretrained/speech", "Folder of the exported model.")
flags.DEFINE_string("flavour", None, "Which of the model's TFLite flavours; default: its first.")
flags.DEFINE_string("lyra_dir", None, "Folder of Lyra V2's three TFLite files.")
flags.DEFINE_list("bitrates_bps", "3000,6000,12000", "Bitrates of soundstream and of --peer.")
flags.DEFINE_list("opus_bitrates_bps", "6000,12000,24000", "Bitrates of Opus.")
flags.DEFINE_list("metrics", [m.name for m in registry.METRICS], "Which scores to compute.")
flags.DEFINE_integer("processes", os.cpu_count(), "Recordings coded and scored at a time.")
flags.DEFINE_string("output_dir", None, "Where the results go.")
flags.mark_flags_as_required(["input_dir", "output_dir"])


def main(_: list[str]) -> None:
    try:
        run(Path(FLAGS.output_dir))
    except (ValueError, OSError) as error:
        sys.exit(f"evaluate.py: {error}")


def run(output_dir: Path) -> None:
    """Everything, from the flags to the files in `output_dir`."""
    metrics, skipped = registry.find_metrics(FLAGS.metrics)
    for message in skipped:
        print(message)
    peers = chosen_peers()
    settings = chosen_settings()
    found = recordings.find_recordings(FLAGS.input_dir, FLAGS.split, FLAGS.kinds, FLAGS.max_files)
    jobs = [Job(item, peers, metrics, settings["sample_rate"], FLAGS.max_seconds) for item in found]

    output_dir.mkdir(parents=True, exist_ok=True)
    results.keep_settings(output_dir / "settings.json", settings)
    rows = results.ResultsFile(output_dir / "scores.csv", [metric.name for metric in metrics])
    failures = evaluate(jobs, rows, FLAGS.processes)

    summary = summarize(rows.read(), metrics)
    write_json(output_dir / "scores.json", summary, failures, settings)
    plot.rate_quality(summary.conditions, metrics, output_dir / "rate_quality.png")
    print(tables.conditions_table(summary.conditions, metrics))
    if summary.differences:
        print(f"\n{tables.differences_table(summary.differences, metrics)}")
    for failure in failures:
        print(f"left out: {failure.file}: {failure.reason}")


def chosen_peers() -> list[Peer]:
    """The codecs of the flags, each at each of its bitrates."""
    bitrates = whole_numbers("bitrates_bps")
    codecs: dict[str, Callable[[], Sequence[Peer]]] = {
        "soundstream": lambda: SoundStreamPeer.at(bitrates, FLAGS.model_dir, FLAGS.flavour),
        "original": lambda: [OriginalPeer()],
        "opus": lambda: [OpusPeer(bitrate) for bitrate in whole_numbers("opus_bitrates_bps")],
        "lyra": lambda: LyraPeer.at_all_bitrates(FLAGS.lyra_dir),
    }
    peers: list[Peer] = []
    for name in FLAGS.codecs:
        if name not in codecs:
            raise ValueError(f"--codecs: no {name!r}; there are {', '.join(codecs)}")
        peers.extend(codecs[name]())
    for template in FLAGS.peer:
        peers.extend(ExternalPeer.parse(template, bitrates))
    if not peers:
        raise ValueError("--codecs and --peer are both empty: nothing to evaluate")
    return peers


def chosen_settings() -> dict:
    """What the rows of one output folder have in common."""
    settings = {"sample_rate": SPEECH_RATE, "max_seconds": FLAGS.max_seconds}
    if "soundstream" in FLAGS.codecs:
        model = load_model(FLAGS.model_dir, FLAGS.flavour).metadata
        settings |= {"sample_rate": model.sample_rate, "model_id": model.model_id}
        settings["flavour"] = FLAGS.flavour
    return settings


def whole_numbers(flag: str) -> list[int]:
    try:
        return [int(text) for text in FLAGS[flag].value]
    except ValueError:
        raise ValueError(f"--{flag}: not whole numbers: {','.join(FLAGS[flag].value)}") from None


def write_json(path: Path, summary: Summary, failures: list, settings: dict) -> None:
    content = {
        "command": sys.argv,
        "versions": registry.versions(),
        "settings": settings,
        **summary.to_dict(),
        "failures": [vars(failure) for failure in failures],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
