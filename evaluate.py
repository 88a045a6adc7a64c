"""Scores the codec, and others beside it, on a folder of recordings.

    python evaluate.py --input_dir=my_recordings --model_dir=pretrained/speech \
        --bitrate_bps=3000,6000,12000 --codecs=soundstream,opus --output_dir=scores

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

from absl import flags

from common import command_line, machine
from data import selection
from data.recordings import KINDS
from evaluation import (
    codebook_usage,
    curves,
    denoisers,
    judges,
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
from soundstream.atomic import write_whole

_BURST = 2.0  # packets

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "input_dir", None, "Folder of audio files, or a prepared data folder; default: pairs."
)
flags.DEFINE_string(
    "noisy_dir", None, "Instead: folder of noisy recordings; default: --input_dir is scored."
)
flags.DEFINE_string(
    "clean_dir", None, "Folder of what is clean of those, by the same names; default: as above."
)
flags.DEFINE_string("split", "valid", "Part of a prepared data folder: train, valid or test.")
command_line.several_of(
    "kind", ["speech"], KINDS, "Kinds of recordings to take, where a manifest says."
)
flags.DEFINE_integer(
    "max_files", None, "Recordings at most, one per speaker first; default: all.", 1
)
flags.DEFINE_float("max_seconds", 30.0, "Seconds at most of the beginning of each recording.", 0.0)
command_line.several(
    "codecs",
    ["soundstream", "opus"],
    "Which of soundstream, soundstream_denoise, opus, opus_fec, lyra, original; with denoisers "
    "before or after: rnnoise+soundstream, soundstream+rnnoise.",
)
flags.DEFINE_multi_string(
    "peer", [], "Another codec's commands: 'name:encode {in} {bits}:decode {bits} {out}'."
)
flags.DEFINE_string("model_dir", "pretrained/speech", "Folder of the exported model.")
flags.DEFINE_string("flavour", None, "Which of the model's TFLite flavours; default: its first.")
flags.DEFINE_string(
    "lyra_dir", None, "Folder of Lyra V2's three TFLite files; default: none, no lyra."
)
command_line.several_integers(
    "bitrate_bps", [3000, 6000, 12000], "Bits per second of soundstream and of --peer."
)
command_line.several_integers("opus_bitrate_bps", [6000, 12000, 24000], "Bits per second of Opus.")
command_line.several_integers(
    "lyra_bitrate_bps", BITRATES_BPS, "Bits per second of Lyra: 3200, 6000, 9200."
)
command_line.several(
    "redundancy", ["off"], "Profiles of soundstream's redundancy: off, light, strong."
)
flags.DEFINE_float(
    "mean_burst", _BURST, "Times in a row that a packet is lost on average; 1: independent.", 1.0
)
command_line.several(
    "loss_patterns", [], "Files of recorded losses, with a 0 or 1 for each packet."
)
command_line.several_floats(
    "loss_rates", [0.0], "Shares of packets lost; soundstream, opus and lyra conceal."
)
flags.DEFINE_string(
    "judges_python",
    None,
    "Python of an environment with requirements-judges.txt, for --judges; default: no judges.",
)
command_line.several_of(
    "judges", judges.JUDGES, judges.JUDGES, "Judges that no loss imitates; see --judges_python."
)
command_line.several(
    "metrics",
    [m.name for m in registry.METRICS],
    f"Which scores to compute; also {' and '.join(m.name for m in registry.COSTS)}.",
)
flags.DEFINE_integer("workers", os.cpu_count(), "Processes that code and score recordings.", 1)
flags.DEFINE_integer(
    "listening_max_files", 5, "Recordings at most that the report plays with every codec.", 0
)
flags.DEFINE_string(
    "train_dir", None, "Folder of a training run whose curves the report shows; default: no curves."
)
flags.DEFINE_string("output_dir", None, "Folder for the results; required.", required=True)
_RENAMED = {"processes": "workers", "listening_files": "listening_max_files"}


def main(_: list[str]) -> None:
    run(Path(FLAGS.output_dir))


def run(output_dir: Path) -> None:
    """Everything, from the flags to the files in `output_dir`."""
    judged, absent = judges.find_judges(FLAGS.judges_python, FLAGS.judges)
    metrics, costs, skipped = registry.find_columns(FLAGS.metrics)
    metrics = [*judged, *metrics]  # what no loss imitates comes first
    columns = [*metrics, *costs]
    for message in [*absent, *skipped]:
        print(message)
    peers = chosen_peers()
    settings = chosen_settings()
    found = chosen_recordings()
    rate = settings["sample_rate"]
    jobs = [Job(item, peers, metrics, rate, FLAGS.max_seconds, costs) for item in found]

    training = curves.read_curves(FLAGS.train_dir) if FLAGS.train_dir else {}

    output_dir.mkdir(parents=True, exist_ok=True)
    results.keep_settings(output_dir / "settings.json", settings)
    file = results.ResultsFile(output_dir / "scores.csv", [column.name for column in columns])
    failures = evaluate(jobs, file, FLAGS.workers)
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
        metrics=columns,
        rows=rows,
        summary=summarize(rows, columns),
        failures=failures,
        sounds=report_audio.gather(jobs, rows, columns[0], FLAGS.listening_max_files),
        codes=codes,
        curves=training,
        origin=machine.here_and_now(),
    )
    write_whole(output_dir / "scores.json", report.scores_json())
    plot.rate_quality(report.summary.conditions, columns, output_dir / "rate_quality.png")
    if any(condition.loss_rate for condition in report.summary.conditions):
        plot.loss_quality(report.summary.conditions, columns, output_dir / "loss_quality.png")
    report.write(output_dir / "report.html")
    print(tables.report(report.summary, columns, failures))
    if FLAGS.noisy_dir:
        print(f"\n{tables.by_condition(report.summary, columns)}")


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
    return selection.find_recordings(FLAGS.input_dir, FLAGS.split, FLAGS.kind, FLAGS.max_files)


def chosen_peers() -> list[Peer]:
    """The codecs of the flags, each at each of its bitrates, those that conceal at each loss."""
    bitrates = FLAGS.bitrate_bps
    networks = chosen_networks()
    opus_bitrates = FLAGS.opus_bitrate_bps
    codecs: dict[str, Callable[[], Sequence[ConcealingPeer]]] = {
        SOUNDSTREAM: lambda: soundstream(denoise=False),
        DENOISING: lambda: soundstream(denoise=True),
        "opus": lambda: [OpusPeer(bitrate) for bitrate in opus_bitrates],
        "opus_fec": lambda: [OpusFecPeer(bitrate) for bitrate in opus_bitrates],
        "lyra": lambda: LyraPeer.at(FLAGS.lyra_bitrate_bps, FLAGS.lyra_dir),
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
    networks: list[Network] = [
        GilbertElliott.independent(rate)
        if FLAGS.mean_burst == 1
        else GilbertElliott(rate, FLAGS.mean_burst)
        for rate in FLAGS.loss_rates
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


if __name__ == "__main__":
    command_line.run(main, renamed=_RENAMED)
