import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from model.config import CodecConfig
from model.soundstream import SoundStream
from tests.tiny import harmonic_batch, tiny_config
from training.discriminators import Discriminators
from training.settings import LossWeights, Schedule, TrainingSettings
from training.trainer import Trainer

TINY = tiny_config()
SETTINGS = TrainingSettings(
    schedule=Schedule(quantizer_start=0, adversarial_start=0, adversarial_ramp=1, warmup=1),
    learning_rate=2e-3,
    unquantized_share=0.0,
)


def make_trainer(config: CodecConfig = TINY, **changes) -> Trainer:
    tf.keras.utils.set_random_seed(1)
    trainer = Trainer(
        SoundStream(config, name="codec"),
        SoundStream(config, name="average"),
        Discriminators(["ms_stft"], channels=4, windows=(256,), name="discriminators"),
        dataclasses.replace(SETTINGS, **changes),
    )
    trainer.begin(trainer.stage_at(0))
    return trainer


def batch(samples=1600, seed=0):
    audio = tf.constant(harmonic_batch(4, samples, seed=seed))
    return audio, audio, tf.zeros([4])


def values(variables):
    return [v.numpy() for v in variables]


def moved(before, variables):
    return [not np.array_equal(b, v.numpy()) for b, v in zip(before, variables, strict=True)]


def test_stages_follow_the_schedule():
    trainer = make_trainer(schedule=Schedule(quantizer_start=10, adversarial_start=20))
    stages = [trainer.stage_at(step) for step in (0, 9, 10, 19, 20, 500)]
    assert [s.quantizer for s in stages] == [False, False, True, True, True, True]
    assert [s.adversarial for s in stages] == [False] * 4 + [True, True]
    assert [s.end for s in stages] == [10, 10, 20, 20, None, None]


@pytest.mark.slow
def test_overfits_one_batch():
    schedule = Schedule(quantizer_start=0, adversarial_start=10**6, warmup=1)
    trainer = make_trainer(schedule=schedule, min_quantizers=4)
    data = batch()
    trainer.start_quantizer(tf.data.Dataset.from_tensors(data).repeat(2))
    step = tf.function(trainer.train_step)
    first = step(data)
    for _ in range(400):
        last = step(data)
    assert float(last["loss/mel"]) < 0.5 * float(first["loss/mel"])
    assert float(last["loss/waveform"]) < 0.8 * float(first["loss/waveform"])


def test_generator_and_discriminators_each_have_their_own_step():
    data = batch()
    generator_only = make_trainer(discriminator_learning_rate=0.0)
    g, d = (
        values(generator_only.generator_weights),
        values(generator_only.discriminators.trainable_weights),
    )
    generator_only.train_step(data)
    assert any(moved(g, generator_only.generator_weights))
    assert not any(moved(d, generator_only.discriminators.trainable_weights))

    critic_only = make_trainer(learning_rate=0.0)
    g, d = (
        values(critic_only.generator_weights),
        values(critic_only.discriminators.trainable_weights),
    )
    critic_only.train_step(data)
    assert not any(moved(g, critic_only.generator_weights))
    # The last bias may stay: at first, real sound pulls it up by as much as decoded sound down.
    assert all(moved(d, critic_only.discriminators.trainable_weights)[:-1])


@pytest.mark.parametrize("name", ["adversarial", "feature", "commitment", "mel"])
def test_every_loss_moves_the_generator(name):
    only = LossWeights(**{f.name: 0.0 for f in dataclasses.fields(LossWeights)} | {name: 1.0})
    trainer = make_trainer(weights=only)
    before = values(trainer.codec.encoder.trainable_weights)
    logs = trainer.train_step(batch())
    assert float(logs["norm/generator"]) > 0
    assert any(moved(before, trainer.codec.encoder.trainable_weights))


def test_a_step_with_nan_is_skipped_and_counted():
    trainer = make_trainer()
    trainer.train_step(batch())
    everything = [*trainer.generator_weights, *trainer.discriminators.trainable_weights]
    before = values(everything)
    audio, _, denoise = batch()
    broken = tf.where(tf.range(1600)[None, :, None] == 7, np.nan, audio)
    trainer.train_step((broken, broken, denoise))
    assert not any(moved(before, everything))
    assert np.isfinite(trainer.codec.quantizer.codebooks.numpy()).all()
    assert int(trainer.steps_skipped) == 1
    assert int(trainer.steps_done) == 2
    logs = trainer.train_step(batch())
    assert np.isfinite(float(logs["loss/mel"]))
    assert any(moved(before, everything))


def test_average_follows_the_weights():
    trainer = make_trainer(average_decay=0.5)
    start = trainer.average.encoder.trainable_weights[0].numpy()
    trainer.train_step(batch())
    now = trainer.codec.encoder.trainable_weights[0].numpy()
    # The decay warms up: 1 / 10 at the first step.
    expected = 0.1 * start + 0.9 * now
    averaged = trainer.average.encoder.trainable_weights[0].numpy()
    np.testing.assert_allclose(averaged, expected, rtol=1e-4, atol=1e-6)


def test_balancer_trains_too():
    trainer = make_trainer(balance=True)
    before = values(trainer.generator_weights)
    logs = trainer.train_step(batch())
    assert np.isfinite(float(logs["norm/generator"]))
    assert any(moved(before, trainer.generator_weights))
