"""Sums, means and choices over the replicas of `tf.distribute`.

Example g of a global batch is example g // count of replica g % count, so that replicas hold equal
shares of whatever is said of the beginning of a batch. Every function is called in the replica
context, by all replicas alike; with one replica each returns what it was given, without an op.
"""

from typing import Any

import tensorflow as tf


def count() -> int:
    """Replicas that train together: 1 without distribution."""
    return tf.distribute.get_replica_context().num_replicas_in_sync


def total(x: Any) -> Any:
    """Tensors, in any nest, summed over replicas."""
    return _reduced(tf.distribute.ReduceOp.SUM, x)


def mean(x: Any) -> Any:
    """Tensors, in any nest, averaged over replicas."""
    return _reduced(tf.distribute.ReduceOp.MEAN, x)


def own_examples(x: tf.Tensor) -> tf.Tensor:
    """Of [..., global batch] what belongs to this replica's examples, [..., batch]."""
    return x if count() == 1 else x[..., _index() :: count()]


def all_examples(x: tf.Tensor) -> tf.Tensor:
    """float32 [levels, batch] of each replica -> [levels, global batch]."""
    if count() == 1:
        return x
    own = x[:, :, None] * tf.one_hot(_index(), count())
    return tf.reshape(total(own), [tf.shape(x)[0], -1])


def gather_frames(frames: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Frames by their number in the global batch.

    Args:
      frames: [levels, batch, frames, D], this replica's.
      index: int32 [levels, N], equal on all replicas: example number * frames + frame.

    Returns:
      [levels, N, D], equal on all replicas.
    """
    levels, length, dim = frames.shape[0], tf.shape(frames)[2], frames.shape[3]
    flat = tf.reshape(frames, [levels, -1, dim])
    if count() == 1:
        return tf.gather(flat, index, batch_dims=1)
    example, frame = index // length, index % length
    own = tf.equal(example % count(), _index())
    local = tf.where(own, example // count() * length + frame, 0)
    picked = tf.gather(flat, local, batch_dims=1)
    return total(tf.where(own[:, :, None], picked, 0.0))


def _index() -> tf.Tensor:
    return tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)


def _reduced(op: tf.distribute.ReduceOp, x: Any) -> Any:
    return x if count() == 1 else tf.distribute.get_replica_context().all_reduce(op, x)
