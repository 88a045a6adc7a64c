import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.tiny import harmonic_batch
from training.reconstruction import reconstruction_losses, weighted_reconstruction
from training.settings import LossWeights

RATE = 8000
WEIGHTS = dataclasses.asdict(LossWeights(mel=8, waveform=0, nsim=6.0))


@pytest.fixture(scope="module")
def pair() -> list[tf.Tensor]:
    noise = np.random.default_rng(0).normal(size=[2, 3200])
    target = harmonic_batch(2, 3200, RATE)[..., 0]
    return [tf.constant(x, tf.float32) for x in (target, 0.8 * target + 0.02 * noise)]


def test_compiled_losses_and_gradient_are_those_of_the_plain_ones(pair):
    target, decoded = pair
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(decoded)
        named = reconstruction_losses(target, decoded, RATE)
        plain = tf.add_n([WEIGHTS[name] * value for name, value in named.items()])
        compiled, values = weighted_reconstruction(target, decoded, WEIGHTS, RATE)
        doubled = 2 * compiled
    assert values.keys() == named.keys()
    for name in named:
        np.testing.assert_allclose(values[name], named[name], rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(compiled, plain, rtol=1e-4)
    expected = tape.gradient(plain, decoded).numpy()
    tolerance = 1e-3 * np.abs(expected).max()
    np.testing.assert_allclose(tape.gradient(compiled, decoded), expected, atol=tolerance)
    np.testing.assert_allclose(tape.gradient(doubled, decoded), 2 * expected, atol=2 * tolerance)


def test_a_weight_of_zero_takes_its_loss_out(pair):
    target, decoded = pair
    _, values = weighted_reconstruction(target, decoded, WEIGHTS, RATE)
    only = dict.fromkeys(values, 0) | {"mel": 2}
    total, _ = weighted_reconstruction(target, decoded, only, RATE)
    np.testing.assert_allclose(total, 2 * values["mel"], rtol=1e-5)


def test_without_any_weight_nothing_is_learnt(pair):
    target, decoded = pair
    with tf.GradientTape() as tape:
        tape.watch(decoded)
        total, _ = weighted_reconstruction(target, decoded, {}, RATE)
    assert total == 0.0
    assert not np.any(tape.gradient(total, decoded))
