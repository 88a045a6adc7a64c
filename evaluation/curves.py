"""Reads the curves of a training run from TensorBoard's event files, without TensorFlow."""

import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

Curves = dict[str, list[tuple[int, float]]]

_MAX_POINTS = 300


def read_curves(train_dir: str) -> Curves:
    """The scalars below a folder as `(step, value)` points in the order of steps, by name.

    Long curves are thinned to about 300 points, each the mean of its neighbours. Where a run was
    continued, the later value of a step counts.

    Raises:
        ValueError: no event files there.
    """
    paths = sorted(Path(train_dir).rglob("events.out.tfevents.*"), key=lambda path: path.name)
    if not paths:
        raise ValueError(f"{train_dir}: no TensorBoard event files in it")
    values: dict[str, dict[int, float]] = defaultdict(dict)
    for path in paths:
        for name, step, value in _scalars(path):
            values[name][step] = value
    return {name: _thinned(sorted(points.items())) for name, points in sorted(values.items())}


def _scalars(path: Path) -> Iterator[tuple[str, int, float]]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.util.tensor_util import make_ndarray

    for record in _records(path):
        event = Event.FromString(record)
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "scalars":
                yield value.tag, event.step, float(make_ndarray(value.tensor))


def _records(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file: length (8 bytes), its CRC (4), content, its CRC (4)."""
    with path.open("rb") as file:
        while len(head := file.read(12)) == 12:
            (length,) = struct.unpack("<Q", head[:8])
            record = file.read(length)
            if len(record) < length:  # a run that is being written
                return
            file.seek(4, 1)
            yield record


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    parts = np.array_split(np.array(points), min(len(points), _MAX_POINTS))
    return [(int(part[-1, 0]), float(part[:, 1].mean())) for part in parts]
