"""A few training steps on one and on two replicas of one process, printed as JSON.

    python -m tests.mirrored eager|graph

A program of its own, because the number of devices is settled when TensorFlow starts.
"""

import json
import sys

import numpy as np
import tensorflow as tf

from model.backend import keras
from model.soundstream import SoundStream
from tests.tiny import harmonic_batch, tiny_config
from training import distribution
from training.discriminators import Discriminators
from training.settings import Schedule, TrainingSettings
from training.trainer import Trainer

STEPS, BROKEN_STEP = 3, 1
BATCH, SAMPLES = 4, 800
SETTINGS = TrainingSettings(
    schedule=Schedule(quantizer_start=0, adversarial_start=0, adversarial_ramp=1, warmup=1),
    adversarial_share=0.5,
    restart_share=0.5,  # some entries are restarted in every step
    balance=True,
)


def part(size: int, number: int, parts: int) -> tf.data.Dataset:
    """Examples `number`, `number` + `parts`, ... of each batch; one of a batch is broken."""
    audio = np.stack([harmonic_batch(BATCH, SAMPLES, seed=step) for step in range(STEPS)])
    audio[BROKEN_STEP, 1] = np.nan
    own = audio[:, number::parts]
    assert own.shape[1] == size
    return tf.data.Dataset.from_tensor_slices((own, own, np.zeros(own.shape[:2], np.float32)))


class Curve(keras.callbacks.Callback):
    """Logs of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.rows.append({name: float(value) for name, value in (logs or {}).items()})


def trained(strategy: tf.distribute.Strategy, start: list[np.ndarray]) -> tuple[Trainer, Curve]:
    """After STEPS steps from the weights in `start`, which the first call fills."""
    with strategy.scope():
        trainer = Trainer(
            SoundStream(tiny_config(), name="codec"),
            SoundStream(tiny_config(), name="average"),
            Discriminators(["ms_stft"], channels=4, windows=(256,), name="discriminators"),
            SETTINGS,
        )
        weights = [
            *trainer.codec.weights,
            *trainer.average.weights,
            *trainer.discriminators.weights,
        ]
        start += [] if start else [weight.numpy() for weight in weights]
        for weight, value in zip(weights, start, strict=True):
            weight.assign(value)
        batches = distribution.batches(strategy, part, BATCH, parts=2)
        trainer.begin(trainer.stage_at(0))
        trainer.start_quantizer(batch for _, batch in zip([0], batches))
        curve = Curve()
        trainer.fit(batches, epochs=1, steps_per_epoch=STEPS, callbacks=[curve], verbose=0)
    return trainer, curve


def main() -> None:
    tf.config.run_functions_eagerly(sys.argv[1] == "eager")
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    start: list[np.ndarray] = []
    one, one_curve = trained(tf.distribute.get_strategy(), start)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    both, both_curve = trained(strategy, start)
    unequal = [
        variable.name
        for variable in both.variables
        if len({v.numpy().tobytes() for v in strategy.experimental_local_results(variable)}) != 1
    ]
    weights = [
        np.concatenate([weight.numpy().ravel() for weight in trainer.codec.weights])
        for trainer in (one, both)
    ]
    facts = {
        "curves": [one_curve.rows, both_curve.rows],
        "unequal": unequal,
        "weights": float(np.abs(weights[0] - weights[1]).max() / np.abs(weights[0]).max()),
        "codebooks": [t.codec.quantizer.codebooks.numpy().tolist() for t in (one, both)],
        "replicas": strategy.num_replicas_in_sync,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
