"""Data sets of TensorFlow Datasets as units of preparation, one for each of their shards.

Imported only where such data are asked for: tensorflow-datasets is in requirements-scale.txt.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from data import preparation
from data.preparation import Refusals
from data.recordings import HELD_OUT_SHARE, Recording, name_share
from data.units import Piece, Unit

SPEAKER_FEATURES = ("speaker_id", "speaker", "speaker_name")
# What names of their splits begin with, and ours.
SPLITS = {"train": "train", "valid": "valid", "dev": "valid", "test": "test"}


@dataclasses.dataclass(frozen=True)
class DatasetShard:
    """One shard of one split; `name` is what `tfds.builder` takes."""

    name: str
    data_dir: str | None
    split: str
    index: int
    number: int


def shards_of(name: str, data_dir: str | None, first_number: int) -> list[DatasetShard]:
    """All shards of a data set that was prepared by tensorflow-datasets, numbered from a number on.

    Raises:
      ValueError: it was not prepared, or holds no audio of one known sample rate.
    """
    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.is_prepared():
        raise ValueError(
            f"--tfds={name}: not in {builder.data_dir}; `tfds build {name}` downloads it"
        )
    _audio_feature(builder)
    places = [
        (split, index)
        for split, info in sorted(builder.info.splits.items())
        for index in range(info.num_shards)
    ]
    return [
        DatasetShard(name, data_dir, split, index, number)
        for number, (split, index) in enumerate(places, start=first_number)
    ]


def of_shard(shard: DatasetShard) -> Unit:
    """The unit of one shard. Sources are named NAME/SPLIT/SHARD#EXAMPLE."""
    builder = tfds.builder(shard.name, data_dir=shard.data_dir)
    audio, rate = _audio_feature(builder)
    speaker_of = next((f for f in SPEAKER_FEATURES if f in builder.info.features), None)
    ours = next((ours for start, ours in SPLITS.items() if shard.split.startswith(start)), "train")
    has_others = len({name[:4] for name in builder.info.splits}) > 1

    def pieces(sample_rate: int, refused: Refusals) -> Iterator[Piece]:
        examples = builder.as_dataset(split=f"{shard.split}[{shard.index}shard]")
        for number, example in enumerate(tfds.as_numpy(examples)):
            speaker = _text(example[speaker_of]) if speaker_of else f"{shard.split}-{number}"
            recording = Recording(
                path=Path(),
                kind="speech",
                speaker=f"{shard.name.split('/')[0]}-{speaker}",
                language="-",
                license=builder.info.redistribution_info.license or "unknown",
                source=f"{builder.info.full_name}/{shard.split}/{shard.index}#{number}",
                split=ours if has_others else split_of(speaker),
            )
            stretches = _stretches(example[audio], rate)
            found, reasons = preparation.prepare_stretches(recording, stretches, sample_rate)
            refused.extend(reasons)
            yield from ((recording, piece) for piece in found)

    examples = builder.info.splits[shard.split].shard_lengths[shard.index]
    key = f"{builder.info.full_name} {shard.split} {shard.index} {examples}"
    return Unit(shard.number, key, pieces)


def split_of(speaker: str) -> str:
    """For data that come in one split: by the hash of the speaker, as for files."""
    return ("valid", "test", "train")[min(2, int(name_share(speaker) / HELD_OUT_SHARE))]


def _audio_feature(builder: tfds.core.DatasetBuilder) -> tuple[str, int]:
    """Name of the audio, and its rate in Hz."""
    for name, feature in builder.info.features.items():
        if isinstance(feature, tfds.features.Audio) and feature.sample_rate:
            return name, feature.sample_rate
    raise ValueError(f"--tfds={builder.name}: no audio feature with a sample rate")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _stretches(samples: np.ndarray, rate: int) -> Iterator[tuple[np.ndarray, int]]:
    """Mono float32 [time] of up to PIECE_SECONDS; integers have the full scale of 16 bits."""
    if np.issubdtype(samples.dtype, np.integer):
        samples = samples / np.float32(32768)
    samples = samples.reshape(len(samples), -1).mean(axis=1, dtype=np.float32)
    size = preparation.PIECE_SECONDS * rate
    for start in range(0, len(samples), size):
        yield samples[start : start + size], rate
