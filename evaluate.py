"""Scores the codec, and others beside it, on a folder of recordings.

    python evaluate.py --input_dir=my_recordings --model_dir=pretrained/speech \
        --bitrates_bps=3000,6000,12000 --codecs=soundstream,opus --output_dir=scores

Writes scores.csv (a row per recording, codec, bitrate and loss), scores.json (means with 95 %
intervals, by group, paired differences), rate_quality.png and report.html, which has it all and
players for listening. A run that was stopped goes on where it was.

    python evaluate.py --noisy_dir=pairs/noisy --clean_dir=pairs/clean --output_dir=scores \
        --codecs=soundstream_denoise,soundstream,rnnoise+soundstream,soundstream+rnnoise,original

codes noisy recordings and compares with the clean ones, by signal-to-noise ratio.
"""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from absl import app, flags

from data import selection
from evaluation import (
    codebook_usage,
    curves,
    denoisers,
    noisy_recordings,
    plot,
    report_audio,
    results,
    tables,
)
from evaluation.external import ExternalPeer
from evaluation.lyra import BITRATES_BPS, LyraPeer
from evaluation.opus import OpusFecPeer, OpusPeer
from evaluation.packet_loss import GilbertElliott, Network, RecordedLosses
from evaluation.peers import (
    DENOISING,
    ORIGINAL,
    SOUNDSTREAM,
    SPEECH_RATE,
    ConcealingPeer,
    OriginalPeer,
    Peer,
    SoundStreamPeer,
    load_model,
    over_networks,
)
from evaluation.report import Report
from evaluation.scoring import Job, evaluate, scored_recordings
from evaluation.summary import summarize
from metrics import registry

Number = TypeVar("Number", int, float)

_BURST = 2.0  # packets

FLAGS = flags.FLAGS
flags.DEFINE_string("input_dir", None, "Folder of audio files, or a prepared data folder.")
flags.DEFINE_string("noisy_dir", None, "Instead: folder of noisy recordings ...")
flags.DEFINE_string("clean_dir", None, "... and of the same ones, by name, without noise.")
flags.DEFINE_string("split", "valid", "Part of a prepared data folder.")
flags.DEFINE_list("kinds", "speech", "Which of speech, music, noise, where a manifest says.")
flags.DEFINE_integer("max_files", None, "Only so many recordings, one per speaker first.")
flags.DEFINE_float("max_seconds", 30.0, "Only the beginning of each recording, so many seconds.")
flags.DEFINE_list(
    "codecs",
    "soundstream,opus",
    "Which of soundstream, soundstream_denoise, opus, opus_fec, lyra, original; with denoisers, "
    "before or after: rnnoise+soundstream, soundstream+rnnoise.",
)
flags.DEFINE_multi_string("peer", [], "'name:encode {in} {bits}:decode {bits} {out}', repeatable.")
flags.DEFINE_string("model_dir", "pretrained/speech", "Folder of the exported model.")
flags.DEFINE_string("flavour", None, "Which of the model's TFLite flavours; default: its first.")
flags.DEFINE_string("lyra_dir", None, "Folder of Lyra V2's three TFLite files.")
flags.DEFINE_list("bitrates_bps", "3000,6000,12000", "Bitrates of soundstream and of --peer.")
flags.DEFINE_list("opus_bitrates_bps", "6000,12000,24000", "Bitrates of Opus.")
flags.DEFINE_list("lyra_bitrates_bps", [str(b) for b in BITRATES_BPS], "Bitrates of Lyra.")
flags.DEFINE_list("redundancy", "off", "Of soundstream, each of off, light, strong.")
flags.DEFINE_float("mean_burst", _BURST, "Packets lost in a row on average; 1: independent losses.")
flags.DEFINE_list("loss_patterns", [], "Files of recorded losses, a 0 or 1 for each packet.")
flags.DEFINE_list("loss_rates", "0", "Shares of packets lost; soundstream, opus and lyra conceal.")
flags.DEFINE_list(
    "metrics",
    [m.name for m in registry.METRICS],
    f"Which scores to compute; also {' and '.join(m.name for m in registry.COSTS)}.",
)
flags.DEFINE_integer("processes", os.cpu_count(), "Recordings coded and scored at a time.")
flags.DEFINE_integer("listening_files", 5, "Recordings that the report plays with every codec.")
flags.DEFINE_string("train_dir", None, "Folder of a training run whose curves the report shows.")
flags.DEFINE_string("output_dir", None, "Where the results go.")
flags.mark_flag_as_required("output_dir")


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
    found = chosen_recordings()
    jobs = [Job(item, peers, metrics, settings["sample_rate"], FLAGS.max_seconds) for item in found]

    training = curves.read_curves(FLAGS.train_dir) if FLAGS.train_dir else {}

    output_dir.mkdir(parents=True, exist_ok=True)
    results.keep_settings(output_dir / "settings.json", settings)
    file = results.ResultsFile(output_dir / "scores.csv", [metric.name for metric in metrics])
    failures = evaluate(jobs, file, FLAGS.processes)
    rows = file.read()
    if not rows:
        raise ValueError(f"nothing could be scored: {failures[0].file}: {failures[0].reason}")

    codes = None
    if has_soundstream():
        model = load_model(FLAGS.model_dir, FLAGS.flavour)
        scored = scored_recordings(jobs, rows)
        codes = codebook_usage.count_codes(scored, settings["sample_rate"], model)
    report = Report(
        command=shlex.join(["python", *sys.argv]),
        versions=registry.versions(),
        settings=settings,
        metrics=metrics,
        rows=rows,
        summary=summarize(rows, metrics),
        failures=failures,
        sounds=report_audio.gather(jobs, rows, metrics[0], FLAGS.listening_files),
        codes=codes,
        curves=training,
    )
    (output_dir / "scores.json").write_text(report.scores_json(), encoding="utf-8")
    plot.rate_quality(report.summary.conditions, metrics, output_dir / "rate_quality.png")
    if any(condition.loss_rate for condition in report.summary.conditions):
        plot.loss_quality(report.summary.conditions, metrics, output_dir / "loss_quality.png")
    report.write(output_dir / "report.html")
    print(tables.report(report.summary, metrics, failures))
    if FLAGS.noisy_dir:
        print(f"\n{tables.by_condition(report.summary, metrics)}")


def chosen_recordings() -> list[selection.Recording]:
    """What the flags name: recordings, or pairs of noisy and clean ones."""
    if bool(FLAGS.noisy_dir) != bool(FLAGS.clean_dir) or bool(FLAGS.noisy_dir) == bool(
        FLAGS.input_dir
    ):
        raise ValueError("give --input_dir, or both --noisy_dir and --clean_dir")
    if FLAGS.noisy_dir:
        return noisy_recordings.find_pairs(
            FLAGS.noisy_dir, FLAGS.clean_dir, FLAGS.max_files, FLAGS.max_seconds
        )
    return selection.find_recordings(FLAGS.input_dir, FLAGS.split, FLAGS.kinds, FLAGS.max_files)


def chosen_peers() -> list[Peer]:
    """The codecs of the flags, each at each of its bitrates, those that conceal at each loss."""
    bitrates = numbers("bitrates_bps", int)
    networks = chosen_networks()
    opus_bitrates = numbers("opus_bitrates_bps", int)
    codecs: dict[str, Callable[[], Sequence[ConcealingPeer]]] = {
        SOUNDSTREAM: lambda: soundstream(denoise=False),
        DENOISING: lambda: soundstream(denoise=True),
        "opus": lambda: [OpusPeer(bitrate) for bitrate in opus_bitrates],
        "opus_fec": lambda: [OpusFecPeer(bitrate) for bitrate in opus_bitrates],
        "lyra": lambda: LyraPeer.at(numbers("lyra_bitrates_bps", int), FLAGS.lyra_dir),
    }

    def soundstream(denoise: bool) -> Sequence[ConcealingPeer]:
        return SoundStreamPeer.at(
            bitrates, FLAGS.model_dir, FLAGS.flavour, denoise, FLAGS.redundancy
        )

    def peers_of(name: str) -> Sequence[Peer]:
        if name == ORIGINAL:
            return [OriginalPeer()]
        if name in codecs:
            return over_networks(codecs[name](), networks)
        known = ", ".join([*codecs, ORIGINAL])
        raise ValueError(f"--codecs: no {name!r}; there are {known}")

    peers: list[Peer] = []
    for name in FLAGS.codecs:
        chosen, missing = denoisers.in_pipelines(name, peers_of)
        peers.extend(chosen)
        for message in missing:
            print(message)
    for template in FLAGS.peer:
        peers.extend(ExternalPeer.parse(template, bitrates))
    if not peers:
        raise ValueError("--codecs and --peer are both empty: nothing to evaluate")
    return peers


def chosen_networks() -> list[Network]:
    """One for each share of packets lost, and for each recorded pattern."""
    if FLAGS.mean_burst < 1:
        raise ValueError(f"--mean_burst must be 1 or more, got {FLAGS.mean_burst}")
    networks: list[Network] = [
        GilbertElliott.independent(rate)
        if FLAGS.mean_burst == 1
        else GilbertElliott(rate, FLAGS.mean_burst)
        for rate in numbers("loss_rates", float)
    ]
    networks += [RecordedLosses.read(path) for path in FLAGS.loss_patterns]
    rates = [network.loss_rate for network in networks]
    if len(set(rates)) < len(rates):
        raise ValueError(f"--loss_rates and --loss_patterns: two lose the same share: {rates}")
    return networks


def chosen_settings() -> dict:
    """What the rows of one output folder have in common."""
    settings = {"sample_rate": SPEECH_RATE, "max_seconds": FLAGS.max_seconds}
    if has_soundstream():
        model = load_model(FLAGS.model_dir, FLAGS.flavour).metadata
        settings |= {"sample_rate": model.sample_rate, "model_id": model.model_id}
        settings["flavour"] = FLAGS.flavour or model.flavours[0]
    if FLAGS.mean_burst != _BURST:
        settings["mean_burst"] = FLAGS.mean_burst
    return settings


def has_soundstream() -> bool:
    """Whether this project's codec is among those that the flags name."""
    return any(SOUNDSTREAM in name for name in FLAGS.codecs)


def numbers(flag: str, kind: Callable[[str], Number]) -> list[Number]:
    """The values of a list of `int`s or `float`s."""
    try:
        return [kind(text) for text in FLAGS[flag].value]
    except ValueError:
        given = ",".join(FLAGS[flag].value)
        raise ValueError(f"--{flag}: not a list of {kind.__name__}: {given}") from None


if __name__ == "__main__":
    app.run(main)
