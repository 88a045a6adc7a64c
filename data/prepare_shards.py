"""Prepares large collections in parallel, by Apache Beam, in the form that training reads.

    pip install -r requirements-scale.txt
    python data/prepare_shards.py --input_dir=libritts,my_recordings --output_dir=prepared
    python data/prepare_shards.py --tfds=libritts --output_dir=prepared -- \\
        --runner=SparkRunner --environment_type=LOOPBACK

Inputs are folders, with or without manifest.tsv (docs/data.md); what follows `--` are Beam's own
options. A run that was killed goes on when the same command is given again: see data/units.py.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from absl import flags

from common import command_line
from data import corpus, units
from data.recordings import Recording, assign_splits, read_folder
from data.shards import METADATA_FILE

ROOT = str(Path(__file__).resolve().parent.parent)
FLAGS = flags.FLAGS
# The engine behind Beam's DirectRunner, by its own name: the latter first looks on the net for
# another one to use instead.
LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def write_files(
    member: tuple[int, Iterable[tuple[Recording, str]]], folder: str, sample_rate: int
) -> None:
    """Beam's step for a unit of files."""
    units.write(units.of_files(*member), Path(folder), sample_rate)


def prepare(
    recordings: Sequence[Recording],
    data_sets: Sequence[str],
    folder: Path,
    *,
    shards: int,
    sample_rate: int,
    data_dir: str | None,
    beam_options: Sequence[str],
    facts: dict[str, object],
) -> dict:
    """Writes a prepared folder; returns its dataset.json.

    Args:
      recordings: files.
      data_sets: names of TensorFlow Datasets.
      folder: where to; every worker must see it under this path, and the files too.
      shards: units that files are shared out to.
      sample_rate: in Hz.
      data_dir: of TensorFlow Datasets; None: its default.
      beam_options: Beam's flags.
      facts: go into dataset.json.

    Raises:
      ValueError: the folder is finished, a data set or Beam is missing, or nothing is fit.
    """
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise ValueError(f"{error}; pip install -r requirements-scale.txt") from error
    if (folder / METADATA_FILE).exists():
        raise ValueError(f"{folder}: holds a finished data set; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    recordings = assign_splits(recordings)
    numbers = {units.unit_of(recording, shards) for recording in recordings}
    where = {"folder": str(folder.resolve()), "sample_rate": sample_rate}
    with beam.Pipeline(options=PipelineOptions(list(beam_options))) as pipeline:
        if recordings:
            _ = (
                pipeline
                | beam.Create(units.by_size(recordings))
                | "spread groups" >> beam.Reshuffle()
                | beam.FlatMap(units.distinct, units=shards)
                | beam.GroupByKey()
                | beam.Map(write_files, **where)
            )
        if data_sets:
            parts = dataset_shards(data_sets, data_dir, shards)
            numbers |= {part.number for part in parts}
            _ = (
                pipeline
                | "data sets" >> beam.Create(parts)
                | "spread shards" >> beam.Reshuffle()
                | beam.Map(write_dataset_shard, **where)
            )
    written, refused = units.collect(folder, numbers)
    return corpus.finish(written, refused, folder, sample_rate=sample_rate, facts=facts)


def dataset_shards(names: Sequence[str], data_dir: str | None, first_number: int) -> list:
    """Shards of all data sets; ValueError if tensorflow-datasets or one of them is missing."""
    try:
        from data import tfds_units
    except ImportError as error:
        raise ValueError(f"--tfds: {error}; pip install -r requirements-scale.txt") from error
    found: list[tfds_units.DatasetShard] = []
    for name in names:
        found += tfds_units.shards_of(name, data_dir, first_number + len(found))
    return found


def write_dataset_shard(shard, folder: str, sample_rate: int) -> None:
    """Beam's step for a shard of a data set."""
    from data import tfds_units

    units.write(tfds_units.of_shard(shard), Path(folder), sample_rate)


def define_flags() -> None:
    """Flags of this script."""
    flags.DEFINE_string(
        "output_dir", None, "Folder for the prepared data; required.", required=True
    )
    command_line.several("input_dir", [], "Folders of audio, with or without manifest.tsv.")
    command_line.several("tfds", [], "Names of prepared TensorFlow Datasets with audio.")
    flags.DEFINE_string(
        "tfds_data_dir", None, "Folder where those are; default: ~/tensorflow_datasets."
    )
    flags.DEFINE_integer("sample_rate", 16_000, "Sample rate of the prepared data in Hz.", 8_000)
    flags.DEFINE_integer("shards", 64, "Units that files are shared out to.", 1)
    flags.DEFINE_integer("workers", 2, "Processes that decode, where no runner is named.", 1)


_RENAMED = {"inputs": "input_dir"}


def main(argv: Sequence[str]) -> None:
    """Prepares what the flags name."""
    for_beam = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if strays := argv[1 : len(argv) - len(for_beam)]:
        raise ValueError(f"unexpected argument {strays[0]!r}: Beam's options come after --")
    own_runner = any(argument.startswith("--runner") for argument in for_beam)
    local = [f"--runner={LOCAL_RUNNER}", f"--direct_num_workers={FLAGS.workers}"]
    if FLAGS.workers > 1:
        local.append("--direct_running_mode=multi_processing")
    # Workers are processes of their own, which import the project.
    os.environ["PYTHONPATH"] = os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])
    prepare(
        [recording for folder in FLAGS.input_dir for recording in read_folder(folder)],
        FLAGS.tfds,
        Path(FLAGS.output_dir),
        shards=FLAGS.shards,
        sample_rate=FLAGS.sample_rate,
        data_dir=FLAGS.tfds_data_dir,
        beam_options=[*for_beam, *([] if own_runner else local)],
        facts={"command": shlex.join(["python", "data/prepare_shards.py", *sys.argv[1:]])},
    )


if __name__ == "__main__":
    define_flags()
    command_line.run(main, arguments=True, renamed=_RENAMED)
