"""How codebooks learn (section III-C): k-means start, moving averages, restart of dead codes."""

import tensorflow as tf

from model.quantizer import Quantized, ResidualVectorQuantizer
from model.search import nearest
from training import replicas

KMEANS_ITERATIONS = 10


class CodebookTrainer(tf.Module):
    """Moves the codebooks of a quantizer towards the mean of what each entry is chosen for.

    Variables (all in checkpoints): counts [levels, N], the average number of frames per step that
    choose an entry, and sums [levels, N, D], the average sum of those frames.

    Under `tf.distribute` the statistics of the global batch are used, so that codebooks stay equal
    on all replicas and move as they would with one.

    Args:
      quantizer: whose `codebooks` are moved.
      decay: of the moving averages, per step.
      restart_share: an entry whose count falls below this share of its level's mean count is
        replaced by a random residual of the batch. A share does not depend on batch size or
        codebook size, unlike the paper's count of 2.
    """

    def __init__(
        self,
        quantizer: ResidualVectorQuantizer,
        decay: float = 0.99,
        restart_share: float = 0.03,
    ):
        super().__init__(name="codebook_trainer")
        self.quantizer = quantizer
        self.decay = decay
        self.restart_share = restart_share
        shape = quantizer.codebooks.shape
        self.counts = tf.Variable(tf.zeros(shape[:2]), trainable=False, name="counts")
        self.sums = tf.Variable(tf.zeros(shape), trainable=False, name="sums")

    def initialize(self, embeddings: tf.Tensor) -> None:
        """K-means, level by level, each on what the levels before it leave of the frames.

        Args:
          embeddings: [examples, frames, D], many more frames than entries in a codebook. Each
            replica gives its own examples.

        Raises:
          ValueError: there are fewer frames than entries.
        """
        examples, length, dim = embeddings.shape
        frames, entries = examples * length * replicas.count(), self.quantizer.codebook_size
        if frames < entries:
            raise ValueError(f"k-means start of {entries} entries needs more than {frames} frames")
        residual = tf.reshape(embeddings, [-1, dim])
        levels = []
        for level in range(self.quantizer.num_quantizers):
            order = tf.random.experimental.stateless_shuffle(tf.range(frames), seed=[level, 1])
            at_random = tf.reshape(residual, [1, examples, length, dim])
            start = replicas.gather_frames(at_random, order[None, :entries])[0]
            codebook, counts = _kmeans(residual, start)
            levels.append((codebook, counts, codebook * counts[:, None]))
            residual -= tf.gather(codebook, nearest(codebook, residual))
        codebooks, counts, sums = (tf.stack(values) for values in zip(*levels, strict=True))
        self.quantizer.codebooks.assign(codebooks)
        self.counts.assign(counts)
        self.sums.assign(sums)

    def adopt(self) -> None:
        """Goes on from codebooks that come without statistics: all entries alike."""
        self.counts.assign(tf.ones_like(self.counts))
        self.sums.assign(self.quantizer.codebooks)

    def update(self, quantized: Quantized, seed: tf.Tensor) -> None:
        """One moving-average step and restarts, from one training pass.

        Args:
          quantized: result of the pass; levels that dropout left out of an example don't count.
          seed: int32 [2], for the choice of restarted entries.
        """
        levels, entries, dim = self.quantizer.codebooks.shape
        codes = tf.reshape(quantized.codes, [levels, -1])
        residuals = tf.reshape(quantized.residuals, [levels, -1, dim])
        frames = tf.shape(quantized.codes)[2]
        used = tf.repeat(tf.cast(quantized.used, tf.float32), frames, axis=1)
        chosen = tf.one_hot(codes, entries) * used[:, :, None]
        batch_counts, batch_sums = replicas.total(
            (tf.reduce_sum(chosen, axis=1), tf.matmul(chosen, residuals, transpose_a=True))
        )
        # A level that no example of the batch uses keeps its averages as they are.
        active = tf.cast(tf.reduce_sum(batch_counts, axis=1, keepdims=True) > 0, tf.float32)
        keep = 1 - active * (1 - self.decay)
        counts = keep * self.counts + (1 - keep) * batch_counts
        sums = keep[:, :, None] * self.sums + (1 - keep)[:, :, None] * batch_sums

        share = tf.reduce_mean(counts, axis=1, keepdims=True)
        dead = (counts < self.restart_share * share)[:, :, None]
        fresh = self._random_residuals(quantized, seed)
        # A restarted entry begins with an average entry's count, so that it gets time to be used.
        counts = tf.where(dead[:, :, 0], share, counts)
        sums = tf.where(dead, fresh * share[:, :, None], sums)
        self.counts.assign(counts)
        self.sums.assign(sums)
        # Before its first use a level has no averages: it keeps its initial entries.
        known = share[:, :, None] > 0
        means = sums / tf.maximum(counts[:, :, None], 1e-12)
        self.quantizer.codebooks.assign(tf.where(known, means, self.quantizer.codebooks))

    def metrics(self) -> dict[str, tf.Tensor]:
        """Perplexity of the first level and mean of all levels; share of entries in use."""
        share = self.counts / tf.maximum(tf.reduce_sum(self.counts, axis=1, keepdims=True), 1e-12)
        entropy = -tf.reduce_sum(tf.math.xlogy(share, share), axis=1)
        uniform = 1 / self.quantizer.codebook_size
        in_use = tf.reduce_mean(tf.cast(share > 0.1 * uniform, tf.float32))
        return {
            "codes/perplexity_first": tf.exp(entropy[0]),
            "codes/perplexity_mean": tf.reduce_mean(tf.exp(entropy)),
            "codes/in_use": in_use,
        }

    def _random_residuals(self, quantized: Quantized, seed: tf.Tensor) -> tf.Tensor:
        """One random used residual of the global batch per entry, [levels, N, D]."""
        used = replicas.all_examples(tf.cast(quantized.used, tf.float32))
        used = tf.repeat(used, tf.shape(quantized.codes)[2], axis=1)
        logits = tf.math.log(used + 1e-9)
        picks = tf.random.stateless_uniform(
            [tf.shape(logits)[0], self.quantizer.codebook_size], seed
        )
        cumulative = tf.cumsum(tf.exp(logits), axis=1)
        targets = picks * cumulative[:, -1:]
        index = tf.searchsorted(cumulative, targets)
        index = tf.minimum(index, tf.shape(used)[1] - 1)
        return replicas.gather_frames(quantized.residuals, index)


def _kmeans(frames: tf.Tensor, centres: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Lloyd's iterations on frames [M, D] from centres [N, D]: new centres, and counts [N]."""
    entries = len(centres)
    counts = tf.ones([entries])
    for _ in range(KMEANS_ITERATIONS):
        chosen = nearest(centres, frames)
        counts, sums = replicas.total(
            (
                tf.math.unsorted_segment_sum(tf.ones(len(frames)), chosen, entries),
                tf.math.unsorted_segment_sum(frames, chosen, entries),
            )
        )
        centres = tf.where(counts[:, None] > 0, sums / tf.maximum(counts, 1)[:, None], centres)
    return centres, counts
