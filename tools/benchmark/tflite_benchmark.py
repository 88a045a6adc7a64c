"""Latency of exported models on this machine, beside other TFLite models, in interleaved rounds.

    python tools/benchmark/tflite_benchmark.py --model_dir=pretrained/speech --output_dir=benchmark
    python tools/benchmark/tflite_benchmark.py --model_dir=a,b --compare_dir=other

Times are microseconds of computation per frame of codes: medians over rounds of the medians of
each, with the 10th and 99th percentile of all runs. `quantizer` is the encoder's search as a graph
of its own. The state's way in and out of the graph is counted, a caller's copies are not.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from common import command_line, machine
from export.flatbuffer import cut_graph
from soundstream.atomic import write_whole
from soundstream.tflite.metadata import DECODE_SIGNATURE, Metadata
from tools.benchmark.timing import Latency, TimedGraph, interleaved


@dataclass
class Configuration:
    """One model, flavour and number of threads: which graphs were timed for it.

    Attributes:
      net, decoder: places of their graphs in the list of all.
      searches, encoders: the same by bitrate; encoders are net and search in one.
    """

    metadata: Metadata
    folder: Path
    flavour: str
    threads: int
    net: int
    decoder: int
    searches: dict[int, int] = field(default_factory=dict)
    encoders: dict[int, int] = field(default_factory=dict)


class Benchmark:
    """Collects graphs, times all of them by turns and reports."""

    def __init__(self) -> None:
        self._graphs: list[TimedGraph] = []
        self._configurations: list[Configuration] = []
        self._peers: dict[str, int] = {}
        self._latencies: list[Latency] = []

    def add_model(
        self, folder: Path, flavour: str, threads: int, bitrates_bps: list[int] | None
    ) -> None:
        """Raises ValueError for a flavour or bitrate without a graph in `folder`."""
        metadata = Metadata.read(folder)
        if metadata.state == "variables":
            raise ValueError(f"{folder} keeps state inside of its graphs: time another export")
        if flavour not in metadata.flavours:
            raise ValueError(f"{folder} has no flavour {flavour!r}: {', '.join(metadata.flavours)}")
        encoder = (folder / f"encoder_{flavour}.tflite").read_bytes()
        decoder = (folder / f"decoder_{flavour}.tflite").read_bytes()
        bitrates = bitrates_bps or list(metadata.bitrates_bps)
        parts = {
            bitrate: cut_graph.split_encoder(encoder, metadata.signature_for(bitrate))
            for bitrate in bitrates
        }
        net, _ = parts[bitrates[0]]
        codes = metadata.codebook_size
        configuration = Configuration(
            metadata,
            folder,
            flavour,
            threads,
            net=self._add(TimedGraph(net, None, threads)),
            decoder=self._add(TimedGraph(decoder, DECODE_SIGNATURE, threads, codes)),
        )
        for bitrate, (_, search) in parts.items():
            graph = TimedGraph(encoder, metadata.signature_for(bitrate), threads)
            configuration.encoders[bitrate] = self._add(graph)
            configuration.searches[bitrate] = self._add(TimedGraph(search, None, threads))
        self._configurations.append(configuration)

    def add_peer(self, folder: Path) -> None:
        """Every signature of every .tflite in `folder`, one thread."""
        paths = sorted(folder.glob("*.tflite"))
        if not paths:
            raise ValueError(f"{folder} holds no .tflite files")
        for path in paths:
            content = path.read_bytes()
            for signature in cut_graph.signature_graphs(cut_graph.read(content)):
                graph = TimedGraph(content, signature)
                self._peers[f"{path.stem}/{signature}"] = self._add(graph)

    def _add(self, graph: TimedGraph) -> int:
        self._graphs.append(graph)
        return len(self._graphs) - 1

    def run(self, rounds: int, runs: int) -> None:
        self._latencies = interleaved(self._graphs, rounds, runs)

    def rows(self) -> list[dict[str, Any]]:
        """One row for each configuration and bitrate; times per frame in microseconds."""
        return [
            self._row(configuration, bitrate)
            for configuration in self._configurations
            for bitrate in configuration.encoders
        ]

    def peers(self) -> dict[str, dict[str, float]]:
        return {name: self._latencies[index].to_dict() for name, index in self._peers.items()}

    def _row(self, configuration: Configuration, bitrate: int) -> dict[str, Any]:
        metadata = configuration.metadata
        frames = metadata.frames_per_call
        net, search, encoder, decoder = (
            Latency(self._latencies[index].microseconds / frames)
            for index in (
                configuration.net,
                configuration.searches[bitrate],
                configuration.encoders[bitrate],
                configuration.decoder,
            )
        )
        total = Latency(encoder.microseconds + decoder.microseconds)
        frame_us = 1e6 * metadata.hop / metadata.sample_rate
        row = {
            "model": configuration.folder.name,
            "flavour": configuration.flavour,
            "threads": configuration.threads,
            "frames_per_call": frames,
            "bitrate_bps": bitrate,
            "net_us": net.to_dict(),
            "quantizer_us": search.to_dict(),
            "encoder_us": encoder.to_dict(),
            "decoder_us": decoder.to_dict(),
            "total_us": total.to_dict(),
            "real_time_factor": round(total.median / frame_us, 5),
        }
        if self._peers:
            theirs = sum(self._latencies[index].rounds for index in self._peers.values())
            low, middle, high = np.percentile(theirs / total.rounds, [10, 50, 90])
            row["peer_ratio"] = {
                "p10": round(low, 2),
                "median": round(middle, 2),
                "p90": round(high, 2),
            }
        return row


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text, for eyes and for a README."""
    lines = [
        "| model | flavour | threads | frames per call | kbps | encoder us | of it search us "
        "| decoder us | both us | p10 | p99 | real time | ratio |",
        "|---|---|" + "--:|" * 11,
    ]
    for row in rows:
        cells = [
            row["model"],
            row["flavour"],
            row["threads"],
            row["frames_per_call"],
            f"{row['bitrate_bps'] / 1000:g}",
            f"{row['encoder_us']['median']:.1f}",
            f"{row['quantizer_us']['median']:.1f}",
            f"{row['decoder_us']['median']:.1f}",
            f"{row['total_us']['median']:.1f}",
            f"{row['total_us']['p10']:.1f}",
            f"{row['total_us']['p99']:.1f}",
            f"{row['real_time_factor']:.4f}",
            row.get("peer_ratio", {}).get("median", ""),
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def run(
    models: dict[Path, list[str]],
    threads: list[int],
    bitrates_bps: list[int] | None,
    compare_dir: Path | None,
    rounds: int,
    runs: int,
) -> dict[str, Any]:
    """Times the flavours of each model folder; the report as it goes into JSON."""
    benchmark = Benchmark()
    for folder, flavours in models.items():
        for flavour in flavours:
            for number in threads:
                benchmark.add_model(folder, flavour, number, bitrates_bps)
    if compare_dir:
        benchmark.add_peer(compare_dir)
    benchmark.run(rounds, runs)
    return {**machine.here_and_now(), "rows": benchmark.rows(), "peers": benchmark.peers()}


def _define_flags() -> None:
    """Not at import: this module is also a library."""
    command_line.several("model_dir", ["pretrained/speech"], "Folders of exported models.")
    flags.DEFINE_string(
        "compare_dir",
        None,
        "Folder of other .tflite files, where one run of every signature makes a frame; "
        "default: none.",
    )
    command_line.several("flavour", None, "Flavours to time; default: all in each folder.")
    command_line.several_integers(
        "bitrate_bps", None, "Bits per second to time; default: all that the model has."
    )
    command_line.several_integers("threads", [1, 2], "Numbers of threads of the interpreter.")
    flags.DEFINE_integer("rounds", 20, "Rounds in which all graphs take turns.", 1)
    flags.DEFINE_integer("runs", 40, "Runs of each graph in a round.", 1)
    flags.DEFINE_bool("roofline", False, "Compare with this machine's peaks; slow.")
    flags.DEFINE_string(
        "output_dir", None, "Folder for benchmark.json and benchmark.png; default: not written."
    )


def main(_: list[str]) -> None:
    given = flags.FLAGS
    models = {
        Path(folder): given.flavour or list(Metadata.read(Path(folder)).flavours)
        for folder in given.model_dir
    }
    compare_dir = Path(given.compare_dir) if given.compare_dir else None
    report = run(models, given.threads, given.bitrate_bps, compare_dir, given.rounds, given.runs)
    print(table(report["rows"]))
    for name, latency in report["peers"].items():
        print(f"{name}: {latency['median']:.1f} us")
    if given.roofline:  # only this needs TensorFlow
        from tools.benchmark import roofline

        report["roofline"] = [
            row
            for folder, flavours in models.items()
            for row in roofline.measure(folder, flavours, given.rounds, given.runs)
        ]
        print(roofline.table(report["roofline"]))
    if given.output_dir:
        from tools.benchmark.tflite_plot import plot

        folder = Path(given.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "benchmark.json", json.dumps(report, indent=1) + "\n")
        plot(report, folder / "benchmark.png")


if __name__ == "__main__":
    _define_flags()
    command_line.run(main)
