import numpy as np
import pytest
import tensorflow as tf

from model.quantizer import ResidualVectorQuantizer
from training.codebook import CodebookTrainer


def _clusters(frames: int, centres: int, dim: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(centres, dim)) * 3
    return (
        means[rng.integers(centres, size=frames)] + rng.normal(size=(frames, dim)) * 0.1
    ).astype(np.float32)


def _residual_energy(quantizer, frames):
    codes = quantizer.encode(frames[None], quantizer.num_quantizers)
    return float(tf.reduce_mean(tf.square(frames[None] - quantizer.decode(codes))))


def test_kmeans_start_finds_clusters_and_uses_all_codes():
    quantizer = ResidualVectorQuantizer(3, 8, 5)
    frames = tf.constant(_clusters(2000, 8, 5))
    before = _residual_energy(quantizer, frames)
    CodebookTrainer(quantizer).initialize(frames[None])
    assert _residual_energy(quantizer, frames) < 0.05 * before
    codes = quantizer.encode(frames[None], 3).numpy()
    assert len(np.unique(codes[..., 1])) == 8


def test_kmeans_start_wants_more_frames_than_entries():
    trainer = CodebookTrainer(ResidualVectorQuantizer(1, 64, 4))
    with pytest.raises(ValueError, match="64 entries needs more than 10 frames"):
        trainer.initialize(tf.zeros([1, 10, 4]))


def _train(quantizer, trainer, frames, steps, levels=None):
    for step in range(steps):
        batch = tf.constant(frames[step % len(frames)])
        count = tf.fill([batch.shape[0]], levels or quantizer.num_quantizers)
        trainer.update(quantizer(batch, count), tf.constant([0, step]))


def test_moving_averages_and_restarts_use_every_code():
    """From a start where one entry wins everything, all come to use and the error falls."""
    quantizer = ResidualVectorQuantizer(2, 16, 4)
    quantizer.codebooks.assign(tf.ones_like(quantizer.codebooks) * 50)
    quantizer.codebooks[:, 0].assign(tf.zeros([2, 4]))
    trainer = CodebookTrainer(quantizer, decay=0.8)
    frames = _clusters(20 * 256, 16, 4).reshape(20, 4, 64, 4)
    before = _residual_energy(quantizer, tf.constant(frames[0, 0]))
    _train(quantizer, trainer, frames, 120)
    assert float(trainer.metrics()["codes/in_use"]) == 1.0
    assert _residual_energy(quantizer, tf.constant(frames[0, 0])) < 0.05 * before


def test_levels_left_out_by_dropout_do_not_move():
    quantizer = ResidualVectorQuantizer(3, 8, 4)
    trainer = CodebookTrainer(quantizer)
    frames = _clusters(4 * 256, 8, 4).reshape(4, 4, 64, 4)
    start = quantizer.codebooks.numpy()
    _train(quantizer, trainer, frames, 4, levels=2)
    moved = np.abs(quantizer.codebooks.numpy() - start).max(axis=(1, 2))
    assert (moved[:2] > 0).all()
    assert moved[2] == 0
