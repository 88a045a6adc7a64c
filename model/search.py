"""Searches of the residual quantizer: which entries add up to a vector?

Greedy search (section III-C) takes the nearest entry of each level, but that need not be on the way
to the nearest sum of all of them. A beam keeps several paths (the M-algorithm): each level extends
every path by every entry and keeps the best.
"""

import numpy as np
import tensorflow as tf


def gains(codebook: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """What each entry of `codebook` [N, D] would explain of each of `x` [M, D]: [M, N].

    |x - c|^2 = |x|^2 - 2 (x.c - |c|^2 / 2): the bracket, one product with a bias.
    """
    bias = -0.5 * tf.reduce_sum(tf.square(codebook), axis=-1)
    return tf.nn.bias_add(tf.matmul(x, codebook, transpose_b=True), bias)


def nearest(codebook: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Index of the entry of `codebook` [N, D] nearest to each of `x` [M, D]: int32 [M]."""
    return tf.argmax(gains(codebook, x), axis=-1, output_type=tf.int32)


def greedy_search(codebooks: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """codebooks [levels, N, D], x [M, D] -> codes int32 [M, levels], nearest level by level."""
    codes = []
    for codebook in tf.unstack(codebooks):
        codes.append(nearest(codebook, x))
        x -= tf.gather(codebook, codes[-1])
    return tf.stack(codes, axis=-1)


def beam_search(codebooks: tf.Tensor, x: tf.Tensor, paths: int) -> tf.Tensor:
    """As `greedy_search`, but keeps the best `paths` after each level.

    Every prefix of the result is a good code too, better on average than a greedy one: levels may
    still be dropped.
    """
    levels, size, dim = codebooks.shape
    rows = x.shape[0] or tf.shape(x)[0]
    # Path and entry of a candidate by its number: a lookup costs a phone less than a division.
    path_of = tf.constant(np.repeat(np.arange(paths), size), tf.int32)
    entry_of = tf.constant(np.tile(np.arange(size), paths), tf.int32)

    residual, gain, kept = x, None, 1  # of the paths: [M * kept, D], [M, kept]
    parents, entries = [], []  # of the paths after each level, [M, kept]
    for level, codebook in enumerate(tf.unstack(codebooks)):
        total = gains(codebook, residual)
        if level > 0:
            total += tf.reshape(gain, [rows * kept, 1])
        candidates = tf.reshape(total, [rows, kept * size])
        last = level == levels - 1
        gain, chosen = tf.math.top_k(candidates, 1 if last else min(paths, kept * size))
        parents.append(tf.gather(path_of, chosen))
        entries.append(tf.gather(entry_of, chosen))
        if not last:
            residual = tf.reshape(residual, [rows, kept, dim])
            if level > 0:
                residual = tf.gather(residual, parents[-1], batch_dims=1)
            residual = tf.reshape(residual - tf.gather(codebook, entries[-1]), [-1, dim])
            kept = chosen.shape[1]

    # Back from the one end that is left.
    codes, path = [entries[-1]], parents[-1]
    for level in range(levels - 2, -1, -1):
        codes.append(tf.gather(entries[level], path, batch_dims=1))
        if level > 0:
            path = tf.gather(parents[level], path, batch_dims=1)
    return tf.concat(codes[::-1], axis=-1)
