"""What dynamic-range int8 makes of a convolution's inputs, for training: `--product_dtype=int8`.

The phone's graphs round kernels to eight bits per filter, and inputs to 256 steps between the least
and the greatest of each call. A net that has not met this while it learnt loses by it.
"""

import tensorflow as tf

STEPS = 255  # between the least and the greatest of 256 values
# Time steps around one that share its range. A call of the phone's graph is one frame and what the
# convolution remembers: 1 to 20 steps and a few more, by layer.
WINDOW = 9
SMALLEST_RANGE = 1e-6


def round_input(x: tf.Tensor) -> tf.Tensor:
    """float32 [batch, time, channels], each value rounded to the steps of its time's range."""
    high = tf.nn.relu(tf.reduce_max(x, axis=-1, keepdims=True))
    low = tf.nn.relu(-tf.reduce_min(x, axis=-1, keepdims=True))
    high, low = (tf.nn.max_pool1d(extreme, WINDOW, 1, "SAME") for extreme in (high, low))
    step = tf.maximum(high + low, SMALLEST_RANGE) / STEPS
    # The zero point is a whole number of steps: added before and taken off after, it cancels.
    return tf.round(x * (1 / step)) * step


def round_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """float32 [taps, channels, filters], each filter in 255 steps around zero."""
    greatest = tf.reduce_max(tf.abs(kernel), axis=[0, 1], keepdims=True)
    step = tf.maximum(greatest, SMALLEST_RANGE) / (STEPS // 2)
    return tf.round(kernel / step) * step
