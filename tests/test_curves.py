"""Curves of training runs, read from the event files that TensorFlow writes."""

import shutil
from pathlib import Path

import pytest

from evaluation.curves import read_curves


def write_events(path: Path, values: list[tuple[int, float]], torn: int = 0) -> None:
    """An event file as a trainer writes it; `torn` bytes are missing at its end."""
    import tensorflow as tf

    folder = path.with_suffix(".folder")
    with tf.summary.create_file_writer(str(folder)).as_default():
        for step, value in values:
            tf.summary.scalar("loss/mel", value, step)
    (written,) = folder.iterdir()
    path.write_bytes(written.read_bytes()[: written.stat().st_size - torn])
    shutil.rmtree(folder)


def test_curves_of_a_continued_run_are_read_in_order(tmp_path):
    write_events(tmp_path / "events.out.tfevents.1", [(0, 3.0), (100, 2.0), (200, 9.0)])
    write_events(tmp_path / "events.out.tfevents.2", [(200, 1.5), (300, 1.0), (400, 7.0)], torn=10)
    (curve,) = read_curves(str(tmp_path)).values()
    assert curve == [(0, 3.0), (100, 2.0), (200, 1.5), (300, 1.0)]
    with pytest.raises(ValueError, match="no TensorBoard event files"):
        read_curves(str(tmp_path / "nothing"))


def test_long_curves_are_thinned(tmp_path):
    write_events(tmp_path / "events.out.tfevents.1", [(i, float(i % 2)) for i in range(3000)])
    curve = read_curves(str(tmp_path))["loss/mel"]
    assert len(curve) == 300
    assert curve[-1] == (2999, 0.5)
