"""Our training step cut into parts that run one by one, for `train_benchmark.py`."""

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from model.config import CodecConfig
from model.conv import outermost_dtype
from model.soundstream import SoundStream
from training.discriminators import Discriminators
from training.settings import TrainingSettings
from training.trainer import Stage, Trainer


class PartsTrainer(Trainer):
    """A trainer whose parts can be run one by one, on one batch of noise."""

    def prepare(self, batch: int, samples: int) -> dict[str, Callable[[], Any]]:
        """Compiled parts of a step in the last stage, by name; each includes its gradient."""
        audio = 0.1 * tf.random.normal([batch, samples, 1])
        data = audio, audio, tf.zeros([batch])
        decoded = 0.1 * tf.random.normal([batch, samples])
        self.codebook_trainer.adopt()
        steps = {
            name: self.compiled_step(adversarial, data)
            for name, adversarial in [("step_without_discriminators", False), ("step", True)]
        }
        embeddings = self._embed(audio, data[2])
        codec, quantizer, losses, discriminators = (
            tf.function(part)
            for part in (
                self.run_codec,
                self.run_quantizer,
                self.run_losses,
                self.run_discriminators,
            )
        )
        return steps | {
            "codec": lambda: codec(data[0], data[2]),
            "quantizer": lambda: quantizer(embeddings),
            "losses": lambda: losses(audio[..., 0], decoded),
            "discriminators": lambda: discriminators(audio[..., 0], decoded),
        }

    def compiled_step(self, adversarial: bool, data: tuple[tf.Tensor, ...]) -> Callable[[], Any]:
        stage = Stage(start=0, end=None, quantizer=True, adversarial=adversarial)
        step = tf.function(lambda *data: self.train_step(data))

        def run() -> Any:
            self.stage = stage  # the first run traces the step
            return step(*data)

        return run

    def run_codec(self, audio: tf.Tensor, denoise: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            embeddings = self._embed(audio, denoise)
            decoded = self.codec.synthesize(embeddings, self._switch(denoise))
        return tape.gradient(decoded, self.generator_weights)

    def run_quantizer(self, embeddings: tf.Tensor) -> tf.Tensor:
        seed = tf.constant([0, 0])
        levels, _ = self._quantizer_dropout(tf.shape(embeddings)[0], seed)
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            quantized = self.codec.quantizer(embeddings, levels)
            loss = tf.reduce_sum(quantized.embeddings) + quantized.commitment
        self.codebook_trainer.update(quantized, seed)
        return tape.gradient(loss, embeddings)

    def run_losses(self, target: tf.Tensor, decoded: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(decoded)
            total, _ = self._reconstruction(target, decoded)
        return tape.gradient(total, decoded)

    def run_discriminators(self, target: tf.Tensor, decoded: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(decoded)
            named, critic = self._adversarial_losses(target, decoded)
            total = tf.add_n(list(named.values()))
        learned = tape.gradient(critic, self.discriminators.trainable_weights)
        return [tape.gradient(total, decoded), *learned]


class Ours:
    """One trainer and one batch of noise, [batch, samples].

    Args:
      discriminators: arguments of `Discriminators`.
      product_dtype: float32, bfloat16 or int8, see `CausalConv1D`.
    """

    def __init__(
        self,
        config: CodecConfig,
        settings: TrainingSettings,
        batch: int,
        samples: int,
        discriminators: dict[str, Any],
        product_dtype: str,
    ):
        trainer = PartsTrainer(
            SoundStream(config, product_dtype=product_dtype, name="codec"),
            SoundStream(config, product_dtype=product_dtype, name="average"),
            Discriminators(
                **discriminators,
                product_dtype=outermost_dtype(product_dtype),
                name="discriminators",
            ),
            settings,
        )
        self._parts = trainer.prepare(batch, samples)

    def time(self, part: str) -> tuple[float, float]:
        """Runs `part` once: wall seconds, processor seconds."""
        started = time.perf_counter(), time.process_time()
        self._parts[part]()
        return time.perf_counter() - started[0], time.process_time() - started[1]
