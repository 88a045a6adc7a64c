"""Training on several devices and hosts: `tf.distribute`, and how batches are shared out."""

import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import tensorflow as tf

from model.backend import keras

# A vote of all replicas costs a message, so it isn't held after every step.
VOTE_STEPS = 10


def _multi_worker() -> tf.distribute.Strategy:
    config = os.environ.get("TF_CONFIG", "")
    try:
        task = json.loads(config)["task"]
        json.loads(config)["cluster"][task["type"]][task["index"]]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            "--distribution=multi_worker needs TF_CONFIG to name the cluster and this task in it, "
            f"got {config!r}; see docs/scale.md"
        ) from error
    return tf.distribute.MultiWorkerMirroredStrategy()


STRATEGIES: Mapping[str, Callable[[], tf.distribute.Strategy]] = MappingProxyType(
    {
        "none": tf.distribute.get_strategy,
        "mirrored": tf.distribute.MirroredStrategy,
        "multi_worker": _multi_worker,
    }
)


def strategy(name: str) -> tf.distribute.Strategy:
    """One of `STRATEGIES`. Several workers must call it before anything else of TensorFlow.

    Raises:
      ValueError: there is none of this name, or TF_CONFIG doesn't name the workers.
    """
    if name not in STRATEGIES:
        raise ValueError(f"no distribution {name!r}: choose from {', '.join(STRATEGIES)}")
    return STRATEGIES[name]()


def batches(
    strategy: tf.distribute.Strategy,
    part: Callable[[int, int, int], tf.data.Dataset],
    batch_size: int,
    parts: int,
) -> Any:
    """Global batches, of which each replica reads its own examples only.

    A batch is made of `parts` independent ones, example i of part p being its example
    i * parts + p, so a run with some number of parts sees the same batches on any number of
    replicas that divides it.

    Args:
      strategy: whose replicas share them.
      part: (batch size, p, parts) -> batches of part p.
      batch_size: of the global batch.
      parts: 0: one for each replica.

    Raises:
      ValueError: examples, parts and replicas don't divide.
    """
    replicas = strategy.num_replicas_in_sync
    parts = parts or replicas
    if batch_size % parts or parts % replicas:
        raise ValueError(
            f"batch_size {batch_size} must be a multiple of the data's parts, {parts}, and that "
            f"of the number of replicas, {replicas}"
        )

    def of_replica(replica: int) -> tf.data.Dataset:
        mine = [part(batch_size // parts, p, parts) for p in range(replica, parts, replicas)]
        return mine[0] if len(mine) == 1 else tf.data.Dataset.zip(tuple(mine)).map(_interleaved)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        here = context.num_replicas_in_sync // context.num_input_pipelines
        first = context.input_pipeline_id * here
        mine = [of_replica(replica) for replica in range(first, first + here)]
        if replicas == 1:
            return mine[0]
        # Local replicas take elements in turns. Endless by name, or workers would ask each other
        # before every batch whether there is one.
        turns = tf.data.Dataset.choose_from_datasets(mine, tf.data.Dataset.range(here).repeat())
        return turns.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))

    return strategy.distribute_datasets_from_function(of_worker)


def _interleaved(*parts: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
    """Batches [n, ...] of each part -> [n * parts, ...], an example of each in turn."""
    return tuple(
        tf.reshape(tf.stack(tensors, axis=1), [-1, *tensors[0].shape[1:]])
        for tensors in zip(*parts, strict=True)
    )


@contextlib.contextmanager
def scope(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """The strategy's scope, in which a worker that loses another one ends at once.

    With exit code 1, so that what started it can start it again. TensorFlow's own way out of the
    process would wait for the worker that is gone.
    """
    try:
        with strategy.scope():
            yield
    except tf.errors.OpError:
        if strategy.cluster_resolver is None:
            raise
        traceback.print_exc()
        print("another worker is gone, or failed: start all of them again", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)


def agreed_steps(strategy: tf.distribute.Strategy, done: int) -> int:
    """`done`, if it is the same on all workers.

    Raises:
      ValueError: it isn't, because they don't see the same checkpoints.
    """
    mean = _mean(strategy, done)
    if mean != done:
        raise ValueError(
            f"this worker has a checkpoint of step {done}, where the mean of all is {mean}: "
            "--train_dir must be one folder that all of them see"
        )
    return done


class StopWhenAsked(keras.callbacks.Callback):
    """SIGTERM and Ctrl-C, of any worker, end the run of all of them after the same step.

    So that the last thing they do together is a checkpoint. One replica alone stops at once.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        super().__init__()
        self.strategy = strategy
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: Any) -> None:
        self.asked = True

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.strategy.num_replicas_in_sync == 1:
            self.model.stop_training = self.asked
        elif batch % VOTE_STEPS == VOTE_STEPS - 1:
            self.model.stop_training = _mean(self.strategy, self.asked) > 0


def _mean(strategy: tf.distribute.Strategy, value: float) -> float:
    """A number of each worker's, averaged over replicas; called by all of them."""
    each = strategy.run(lambda: tf.constant(value, tf.float64))
    return float(strategy.reduce(tf.distribute.ReduceOp.MEAN, each, axis=None))
