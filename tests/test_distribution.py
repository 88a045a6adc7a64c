"""Several replicas train as one would: same curves, equal weights, and what happens to workers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from training import distribution

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}


@pytest.fixture(scope="module", params=["eager", pytest.param("graph", marks=pytest.mark.slow)])
def mirrored(request) -> dict:
    command = [sys.executable, "-m", "tests.mirrored", request.param]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_replicas_of_one_process_hold_equal_weights(mirrored):
    assert mirrored["replicas"] == 2
    assert mirrored["unequal"] == []


def test_two_replicas_train_as_one_would(mirrored):
    one, two = mirrored["curves"]
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_allclose(b[name], a[name], rtol=2e-3, atol=1e-4, err_msg=name)
    assert mirrored["weights"] < 1e-3
    np.testing.assert_allclose(*mirrored["codebooks"], rtol=1e-3, atol=1e-4)


def test_a_broken_example_of_one_replica_is_skipped_by_all(mirrored):
    for curve in mirrored["curves"]:
        assert [row["steps/skipped"] for row in curve] == [0, 1, 1]
        assert np.isfinite(curve[2]["loss/mel"])


def part_of(size: int, number: int, parts: int) -> tf.data.Dataset:
    """Batches of numbers that say (batch, part, place in the part)."""
    places = tf.range(size, dtype=tf.int64)
    steps = tf.data.Dataset.range(3)
    return steps.map(lambda step: (100 * step + 10 * number + places,))


def shares(strategy: tf.distribute.Strategy, batch_size: int, parts: int) -> list[list[int]]:
    return [
        batch[0].numpy().tolist()
        for batch in distribution.batches(strategy, part_of, batch_size, parts)
    ]


def test_one_replica_sees_all_parts_in_turn():
    strategy = distribution.strategy("none")
    assert shares(strategy, 4, parts=2) == [[s, s + 10, s + 1, s + 11] for s in (0, 100, 200)]
    assert shares(strategy, 4, parts=0) == [[s, s + 1, s + 2, s + 3] for s in (0, 100, 200)]


def test_batches_that_cannot_be_shared_out_are_refused():
    with pytest.raises(ValueError, match="batch_size 5 must be a multiple of the data's parts, 2"):
        distribution.batches(distribution.strategy("none"), part_of, 5, parts=2)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "no json",
        "{}",
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
    ],
)
def test_workers_without_a_place_in_a_cluster_are_told(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match="TF_CONFIG"):
        distribution.strategy("multi_worker")
