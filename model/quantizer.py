"""Residual vector quantizer (section III-C): lookup, straight-through, quantizer dropout."""

from typing import Any, NamedTuple

import tensorflow as tf

from model.backend import keras
from model.search import beam_search, greedy_search, nearest

# As many as leave the codec at 3 kbps within a third of Lyra V2's time, see docs/design.md.
SEARCH_PATHS = 3


class Quantized(NamedTuple):
    """What a training pass through the quantizer gives.

    Attributes:
      embeddings: [batch, frames, D], straight-through: the gradient is that of the input.
      codes: int32 [levels, batch, frames].
      residuals: [levels, batch, frames, D], what each level was asked to code; no gradient.
      used: bool [levels, batch], levels that quantizer dropout left in.
      commitment: scalar, mean squared distance of the input to its reconstruction after each level
        that is in use; the gradient reaches the encoder from every one of them.
    """

    embeddings: tf.Tensor
    codes: tf.Tensor
    residuals: tf.Tensor
    used: tf.Tensor
    commitment: tf.Tensor


class ResidualVectorQuantizer(keras.layers.Layer):
    """A cascade of codebooks, each coding what those before it left over.

    Training searches greedily, level by level; `encode`, which ships, may keep several paths.

    Weights: codebooks [levels, N, D], moved by `training.codebook`, not by gradients.
    Always float32: in bfloat16 the residual of a late level would drown in rounding.
    """

    def __init__(
        self,
        num_quantizers: int,
        codebook_size: int,
        dim: int,
        *,
        search_paths: int = SEARCH_PATHS,
        **kwargs: Any,
    ):
        super().__init__(dtype="float32", **kwargs)
        if search_paths < 1:
            raise ValueError(f"search_paths={search_paths}: at least one path is needed")
        self.search_paths = search_paths
        self.num_quantizers = num_quantizers
        self.codebook_size = codebook_size
        self.dim = dim
        self.codebooks = self.add_weight(
            name="codebooks",
            shape=(num_quantizers, codebook_size, dim),
            initializer=keras.initializers.RandomNormal(stddev=0.5),
            trainable=False,
        )

    def encode(self, x: tf.Tensor, num_quantizers: int) -> tf.Tensor:
        """x [batch, frames, D] -> codes int32 [batch, frames, num_quantizers]."""
        batch, frames = (x.shape[i] or tf.shape(x)[i] for i in (0, 1))
        flat = tf.reshape(tf.cast(x, tf.float32), [-1, self.dim])
        codebooks = self.codebooks[: self._checked(num_quantizers)]
        if self.search_paths == 1:
            codes = greedy_search(codebooks, flat)
        else:
            codes = beam_search(codebooks, flat, self.search_paths)
        return tf.reshape(codes, [batch, frames, num_quantizers])

    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """codes [batch, frames, levels] -> embeddings [batch, frames, D], a sum of entries."""
        levels = self._checked(codes.shape[-1])
        return tf.add_n([tf.gather(self.codebooks[i], codes[..., i]) for i in range(levels)])

    def coded(self, x: tf.Tensor, num_quantizers: tf.Tensor) -> tf.Tensor:
        """What `encode` and `decode` make of x [batch, frames, D], by levels of each example.

        Args:
          num_quantizers: int32 [batch]; the first so many of all levels' codes count.
        """
        codes = self.encode(x, self.num_quantizers)
        used = tf.sequence_mask(num_quantizers, self.num_quantizers, tf.float32)[:, None, :, None]
        entries = tf.gather(self.codebooks, tf.transpose(codes, [2, 0, 1]), batch_dims=1)
        return tf.reduce_sum(tf.transpose(entries, [1, 2, 0, 3]) * used, axis=2)

    def call(self, x: tf.Tensor, num_quantizers: tf.Tensor) -> Quantized:
        """One training pass.

        Args:
          x: [batch, frames, D].
          num_quantizers: int32 [batch], levels in use for each example (quantizer dropout,
            section III-C); 1 ... `self.num_quantizers`.
        """
        x = tf.cast(x, tf.float32)
        shape = tf.shape(x)
        residual = tf.stop_gradient(tf.reshape(x, [-1, self.dim]))
        codes, residuals = [], [residual]
        for level in range(self.num_quantizers):
            codebook = tf.stop_gradient(self.codebooks[level])
            codes.append(nearest(codebook, residual))
            residual -= tf.gather(codebook, codes[-1])
            residuals.append(residual)
        stacked = tf.reshape(
            tf.stack(residuals), [self.num_quantizers + 1, shape[0], shape[1], self.dim]
        )
        # What remains after level i is the error of a reconstruction from levels 0 ... i.
        errors = stacked[1:]
        used = tf.range(self.num_quantizers)[:, None] < num_quantizers[None, :]
        weight = tf.cast(used, tf.float32)[:, :, None, None]
        reconstructions = tf.stop_gradient(x[None] - errors)
        commitment = tf.reduce_mean(
            tf.reduce_sum(weight * tf.square(x[None] - reconstructions), axis=0)
            / tf.cast(num_quantizers, tf.float32)[:, None, None]
        )
        error = tf.gather(
            tf.transpose(errors, [1, 0, 2, 3]), num_quantizers - 1, axis=1, batch_dims=1
        )
        return Quantized(
            embeddings=x - tf.stop_gradient(error),
            codes=tf.reshape(tf.stack(codes), [self.num_quantizers, shape[0], shape[1]]),
            residuals=stacked[:-1],
            used=used,
            commitment=commitment,
        )

    def _checked(self, num_quantizers: int) -> int:
        if not 1 <= num_quantizers <= self.num_quantizers:
            raise ValueError(
                f"{num_quantizers} quantizers asked of a model with {self.num_quantizers}"
            )
        return num_quantizers
