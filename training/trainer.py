"""One training step: generator and discriminators, each with its own optimiser and clipping."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from model.backend import keras
from model.soundstream import SoundStream
from training import losses, replicas, visqol
from training.balancer import Balancer
from training.codebook import CodebookTrainer
from training.discriminators import Discriminators
from training.optimization import clipped_step, rate_at
from training.reconstruction import reconstruction_losses, weighted_reconstruction
from training.settings import TrainingSettings


@dataclasses.dataclass(frozen=True)
class Stage:
    """What takes part in a stretch of training. Steps are [start, end); end None is open."""

    start: int
    end: int | None
    quantizer: bool
    adversarial: bool


class Trainer(keras.Model):
    """Trains `codec` by `fit`; `average` holds the moving average of its weights.

    Made in the scope of a `tf.distribute` strategy it trains on all replicas. Each sees its share
    of a global batch, and every number that comes of a batch (gradients, codebook statistics,
    norms, logs) is that of the global one, so that all hold the same weights after each step.

    Args:
      codec: the generator.
      average: a second codec of the same config; what is evaluated and exported.
      discriminators: used from `schedule.adversarial_start` on.
      settings: weights, schedule and rates.
    """

    def __init__(
        self,
        codec: SoundStream,
        average: SoundStream,
        discriminators: Discriminators,
        settings: TrainingSettings,
    ):
        super().__init__(name="trainer")
        self.codec = codec
        self.average = average
        self.discriminators = discriminators
        self.settings = settings
        self.codebook_trainer = CodebookTrainer(
            codec.quantizer, settings.codebook_decay, settings.restart_share
        )
        if settings.fixed_band_gains and not (settings.denoiser_only and codec.denoiser):
            raise ValueError("fixed_band_gains=True needs denoiser_only=True and a denoiser")
        if settings.weights.visqol and codec.config.sample_rate != visqol.SAMPLE_RATE:
            raise ValueError(
                f"weight_visqol is for {visqol.SAMPLE_RATE} Hz, this codec has "
                f"{codec.config.sample_rate}"
            )
        if settings.decoder_only and (settings.denoiser_only or settings.schedule.quantizer_start):
            raise ValueError("decoder_only=True needs denoiser_only=False and quantizer_start=0")
        weights = dataclasses.asdict(settings.weights)
        for name in ("embedding", "cleaned"):
            if weights.pop(name) and settings.balance:
                raise ValueError(f"balance=True is for losses of decoded audio, not weight_{name}")
        self.balancer = (
            Balancer({k: v for k, v in weights.items() if k != "commitment"})
            if settings.balance
            else None
        )
        self.optimizer_generator = keras.optimizers.Adam(0.0, beta_1=0.8, beta_2=0.99)
        self.optimizer_discriminator = keras.optimizers.Adam(0.0, beta_1=0.8, beta_2=0.99)
        only_first = {"trainable": False, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}
        self.steps_done = tf.Variable(0, dtype=tf.int64, name="steps_done", **only_first)
        self.steps_skipped = tf.Variable(0, dtype=tf.int64, name="steps_skipped", **only_first)
        self.stage = self.stage_at(0)
        for source, copy in zip(codec.weights, average.weights, strict=True):
            copy.assign(source)
        self.discriminators(tf.zeros([1, 16 * codec.config.hop]))
        self.optimizer_generator.build(self.generator_weights)
        self.optimizer_discriminator.build(discriminators.trainable_weights)
        self.compile()
        self.distribute_reduction_method = "first"  # logs are means over replicas already

    @property
    def generator_weights(self) -> list[tf.Variable]:
        if self.settings.decoder_only:
            return self.codec.decoder.trainable_weights
        if not self.settings.denoiser_only:
            return self.codec.trainable_weights
        denoiser, fixed = self.codec.denoiser, []
        if self.settings.fixed_band_gains and denoiser is not None:
            fixed = denoiser.band_gains.trainable_weights
        weights = self.codec.denoising_weights
        return [weight for weight in weights if all(weight is not other for other in fixed)]

    def stage_at(self, step: int) -> Stage:
        """The stage that step number `step` (from 0) belongs to."""
        schedule = self.settings.schedule
        marks = sorted({0, schedule.quantizer_start, schedule.adversarial_start})
        start = max(mark for mark in marks if mark <= step)
        return Stage(
            start=start,
            end=min((mark for mark in marks if mark > step), default=None),
            quantizer=step >= schedule.quantizer_start,
            adversarial=step >= schedule.adversarial_start,
        )

    def begin(self, stage: Stage) -> None:
        """Makes the following `fit` run `stage`."""
        self.stage = stage
        self.make_train_function(force=True)

    def start_quantizer(self, batches: Iterable) -> None:
        """K-means start from the embeddings of `batches` of (input, target, denoise)."""
        embed = tf.function(lambda audio, denoise: self._embed(audio, denoise))
        frames = [
            self.distribute_strategy.run(embed, args=(audio, denoise))
            for audio, _, denoise in batches
        ]
        self.distribute_strategy.run(
            lambda *own: self.codebook_trainer.initialize(tf.concat(own, axis=0)),
            args=tuple(frames),
        )
        self.average.quantizer.codebooks.assign(self.codec.quantizer.codebooks)

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """data: input and target [batch, time, 1], denoise [batch]. Returns logged scalars."""
        audio, target, denoise = data
        target = target[..., 0]
        seed = tf.stack([self.settings.seed, tf.cast(self.steps_done, tf.int32)])
        with tf.GradientTape(persistent=True) as tape:
            named: dict[str, tf.Tensor] = {}
            quantized = None
            embeddings, cleaned = self.codec.embed_and_clean(audio, self._switch(denoise))
            if self.settings.weights.cleaned:
                cleaned = tf.where(denoise[:, None] > 0.0, cleaned[..., 0], target)
                named["cleaned"] = losses.cleaned_loss(target, cleaned)
            if self.settings.weights.embedding:
                clean = tf.stop_gradient(self.codec.encoder(target[..., None]))
                named["embedding"] = losses.embedding_loss(clean, embeddings)
            if self.settings.decoder_only:
                embeddings = self._received(embeddings, seed)
            elif self.stage.quantizer:
                levels, skip = self._quantizer_dropout(tf.shape(audio)[0], seed)
                quantized = self.codec.quantizer(embeddings, levels)
                named["commitment"] = quantized.commitment
                embeddings = tf.where(skip, embeddings, quantized.embeddings)
            decoded = None
            if self.settings.weights.hear or self.stage.adversarial:
                decoded = self.codec.synthesize(embeddings, self._switch(denoise))[..., 0]
            if self.stage.adversarial:
                adversarial, critic = self._adversarial_losses(target, decoded)
                named |= adversarial
            terms = list(self._weighted(named).values())
            if decoded is not None:
                heard, reconstruction = self._reconstruction(target, decoded)
                terms.append(heard)
                named |= reconstruction
            total = tf.add_n(terms)
        if self.balancer is None:
            # Where losses end before the decoder, not all weights have a part in them.
            gradients = tape.gradient(total, self.generator_weights, unconnected_gradients="zero")
        else:
            commitment = self.settings.weights.commitment
            gradients = self.balancer.gradients(
                named, decoded, tape, self.generator_weights, {"commitment": commitment}
            )
        logs = {f"loss/{name}": value for name, value in named.items()}
        finite, logs["norm/generator"] = self._apply(
            self.optimizer_generator,
            gradients,
            self.generator_weights,
            self.settings.learning_rate,
        )
        if self.stage.adversarial:
            variables = self.discriminators.trainable_weights
            critic_finite, logs["norm/discriminator"] = self._apply(
                self.optimizer_discriminator,
                tape.gradient(critic, variables),
                variables,
                self.settings.discriminator_learning_rate,
            )
            logs["loss/discriminator"] = critic
            finite &= critic_finite
        if quantized is not None and not self.settings.denoiser_only:
            # A broken example must not reach the codebooks either.
            broken = tf.reduce_any(~tf.math.is_finite(quantized.residuals))
            sound = tf.equal(replicas.total(tf.cast(broken, tf.float32)), 0.0)
            residuals = tf.where(sound, quantized.residuals, 0.0)
            self.codebook_trainer.update(
                quantized._replace(used=quantized.used & sound, residuals=residuals), seed
            )
            logs |= self.codebook_trainer.metrics()
        logs = replicas.mean(logs)
        self._update_average()
        self.steps_done.assign_add(1)
        self.steps_skipped.assign_add(tf.cast(~finite, tf.int64))
        logs["steps/skipped"] = tf.identity(self.steps_skipped)
        return logs

    def _embed(self, audio: tf.Tensor, denoise: tf.Tensor) -> tf.Tensor:
        return self.codec.embed(audio, self._switch(denoise))

    def _received(self, embeddings: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """What a decoder gets of `embeddings`, by the search that ships; no gradient."""
        levels, skip = self._quantizer_dropout(tf.shape(embeddings)[0], seed)
        sent = self.codec.quantizer.coded(embeddings, levels)
        return tf.stop_gradient(tf.where(skip, embeddings, sent))

    def _switch(self, denoise: tf.Tensor) -> tf.Tensor | None:
        return denoise[:, None] if self.codec.config.denoise else None

    def _quantizer_dropout(self, batch: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Levels in use per example, int32 [batch], and who skips the quantizer, [batch, 1, 1]."""
        draws = tf.random.stateless_uniform([2, batch * replicas.count()], seed)
        draws = replicas.own_examples(draws)
        low, high = float(self.settings.min_quantizers), self.codec.config.num_quantizers + 1.0
        levels = tf.cast(low * tf.pow(high / low, draws[0]), tf.int32)
        levels = tf.minimum(levels, self.codec.config.num_quantizers)
        return levels, (draws[1] < self.settings.unquantized_share)[:, None, None]

    def _reconstruction(
        self, target: tf.Tensor, decoded: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Weighted sum of the losses of what is heard, and each of them."""
        sample_rate = self.codec.config.sample_rate
        if self.balancer is None:
            weights = dataclasses.asdict(self.settings.weights)
            return weighted_reconstruction(target, decoded, weights, sample_rate)
        # The balancer asks for the gradient of each.
        named = reconstruction_losses(
            target, decoded, sample_rate, bool(self.settings.weights.visqol)
        )
        return tf.add_n(list(self._weighted(named).values())), named

    def _adversarial_losses(
        self, target: tf.Tensor, decoded: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Generator's losses and the discriminators' own.

        Two passes: in one over both, the generator's gradient would run through the real half too.
        """
        seen = tf.cast(tf.shape(target)[0], tf.float32) * self.settings.adversarial_share
        seen = tf.maximum(1, tf.cast(tf.round(seen), tf.int32))
        target, decoded = target[:seen], decoded[:seen]
        real, fake = self.discriminators(target), self.discriminators(decoded)
        features = losses.feature_loss(
            [[tf.stop_gradient(m) for m in member[:-1]] for member in real],
            [member[:-1] for member in fake],
        )
        critic = losses.discriminator_loss(
            [member[-1] for member in real], [member[-1] for member in fake]
        )
        return {
            "adversarial": losses.adversarial_loss([member[-1] for member in fake]),
            "feature": features,
        }, critic

    def _weighted(self, named: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        schedule = self.settings.schedule
        steps = tf.cast(self.steps_done, tf.float32)
        ramp = (steps - schedule.adversarial_start + 1) / max(1, schedule.adversarial_ramp)
        ramp = tf.clip_by_value(ramp, 0.0, 1.0)
        late = ("adversarial", "feature")
        return {
            name: value * getattr(self.settings.weights, name) * (ramp if name in late else 1.0)
            for name, value in named.items()
        }

    def _apply(
        self,
        optimizer: Any,
        gradients: list[tf.Tensor],
        variables: list[tf.Variable],
        learning_rate: float,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        rate = rate_at(self.settings.schedule, learning_rate, self.steps_done)
        return clipped_step(optimizer, gradients, variables, rate, self.settings.clip_norm)

    def _update_average(self) -> None:
        steps = tf.cast(self.steps_done, tf.float32)
        decay = tf.minimum(self.settings.average_decay, (1 + steps) / (10 + steps))
        for source, copy in zip(self.codec.weights, self.average.weights, strict=True):
            copy.assign_sub((1 - decay) * (copy - source))
