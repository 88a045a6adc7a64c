"""Steps of an optimiser: the learning rate's course, clipping, and what is skipped."""

from typing import Any

import tensorflow as tf

from training import replicas
from training.settings import Schedule


def rate_at(schedule: Schedule, learning_rate: float, step: tf.Tensor) -> tf.Tensor:
    """The learning rate of step number `step` (from 0): it warms up, and falls in the end."""
    steps = tf.cast(step, tf.float32)
    rate = learning_rate * tf.minimum(1.0, (steps + 1) / max(1, schedule.warmup))
    if schedule.half_life:
        rate *= tf.pow(0.5, tf.nn.relu(steps - schedule.decay_start) / schedule.half_life)
    return rate


def clipped_step(
    optimizer: Any,
    gradients: list[tf.Tensor],
    variables: list[tf.Variable],
    rate: tf.Tensor,
    clip_norm: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """One step, which a gradient that is not finite skips.

    Args:
      optimizer: a Keras optimiser, built for `variables`.
      gradients: of this replica's share of the batch.
      rate: learning rate of this step.
      clip_norm: bound on the global norm.

    Returns:
      Whether the gradient of the global batch was finite, and its norm before clipping.
    """
    gradients = replicas.mean(gradients)
    gradients, norm = tf.clip_by_global_norm(gradients, clip_norm)
    finite = tf.math.is_finite(norm)
    gradients = [tf.where(finite, g, tf.zeros_like(g)) for g in gradients]
    optimizer.learning_rate.assign(tf.where(finite, rate, 0.0))
    optimizer.apply_gradients(
        zip(gradients, variables, strict=True), skip_gradients_aggregation=True
    )
    return finite, norm
