"""Fine-tunes a trained codec for eight bits: `train.py --qat --init_from=weights.npz`.

The student is the same codec with rounded activations (`model/fake_quantization.py`), and learns to
compute what its teacher, the float codec, does: the encoder the teacher's embeddings, the decoder
the teacher's audio from the teacher's codes. Both are plain regressions, so some thousand steps
without discriminators do. Codebooks stay as they are: either codec decodes what the other encodes.

The scales of the activations are weights too, with a larger step: they are in the logarithm.
"""

from pathlib import Path
from typing import Any

import tensorflow as tf

from data.pipeline import evaluation_clips, training_batches
from model.backend import keras
from model.soundstream import SoundStream
from model.weights import with_int8_nets
from training import callbacks, checkpoints, distribution, losses
from training.run import DataSettings, RunSettings
from training.spectra import Spectrum
from training.trainer import Stage

EMBEDDING_WEIGHT, MEL_WEIGHT, COMPLEX_WEIGHT = 10.0, 8.0, 2.0
SCALE_RATE = 10.0  # learning rate of the scales, relative to that of the weights
CLIP_NORM = 5.0
MIN_QUANTIZERS = 6
RANGE_BATCHES = 4


class Student(keras.Model):
    """Trains `codec`, a copy of `teacher` with int8 nets, by `fit`.

    Has what callbacks and checkpoints want of a trainer; `average` is the codec itself, for the
    learning rate falls to zero.

    Args:
      total_steps: when it does.
      learning_rate: at the start.
    """

    def __init__(
        self, teacher: SoundStream, codec: SoundStream, total_steps: int, learning_rate: float
    ):
        super().__init__(name="student")
        self.teacher = teacher
        self.codec = self.average = codec
        self.stage = Stage(start=0, end=None, quantizer=True, adversarial=False)
        self.steps_done = tf.Variable(0, dtype=tf.int64, name="steps_done", trainable=False)
        codec.trainable = True  # the scales too
        self._scales = [w for w in codec.trainable_weights if "log_scale" in w.name]
        self._kernels = [w for w in codec.trainable_weights if "log_scale" not in w.name]
        self._optimizers = [
            keras.optimizers.Adam(
                keras.optimizers.schedules.CosineDecay(rate, total_steps), beta_2=0.99
            )
            for rate in (learning_rate, SCALE_RATE * learning_rate)
        ]
        for optimizer, weights in zip(self._optimizers, (self._kernels, self._scales)):
            optimizer.build(weights)
        self.compile()

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """data: input and target [batch, time, 1], denoise [batch]. Returns logged scalars."""
        audio, _, denoise = data
        config = self.codec.config
        switch = denoise[:, None] if config.denoise else None
        embeddings = self.teacher.embed(audio, switch)
        quantized = self.teacher.quantizer(embeddings, self._levels(tf.shape(audio)[0])).embeddings
        expected = losses.spectra(self.teacher.synthesize(quantized)[..., 0])
        with tf.GradientTape() as tape:
            named = {
                "embedding": losses.embedding_loss(embeddings, self.codec.embed(audio, switch)),
            }
            actual = losses.spectra(self.codec.synthesize(quantized)[..., 0])
            named["mel"] = losses.mel_loss(expected, actual, config.sample_rate)
            named["complex"] = _spectral_error(expected, actual)
            total = (
                EMBEDDING_WEIGHT * named["embedding"]
                + MEL_WEIGHT * named["mel"]
                + COMPLEX_WEIGHT * named["complex"]
            )
        kernels, scales = tape.gradient(total, [self._kernels, self._scales])
        kernels, _ = tf.clip_by_global_norm(kernels, CLIP_NORM)
        self._optimizers[0].apply_gradients(zip(kernels, self._kernels, strict=True))
        self._optimizers[1].apply_gradients(zip(scales, self._scales, strict=True))
        self.steps_done.assign_add(1)
        return {f"loss/{name}": value for name, value in named.items()}

    def _levels(self, batch: tf.Tensor) -> tf.Tensor:
        """Levels in use for each example, int32 [batch], even in the logarithm."""
        most = float(self.codec.config.num_quantizers)
        least = min(float(MIN_QUANTIZERS), most)
        seed = tf.stack([0, tf.cast(self.steps_done, tf.int32)])
        share = tf.random.stateless_uniform([batch], seed)
        return tf.cast(tf.round(least * tf.pow(most / least, share)), tf.int32)


def _spectral_error(expected: dict[int, Spectrum], actual: dict[int, Spectrum]) -> tf.Tensor:
    """Mean magnitude of the complex error of each example relative to its own, at all windows.

    At all frequencies too: a codec can't be asked for the phase of the treble in a recording, but
    the student has the very codes from which the teacher made its own.
    """
    total = 0.0
    for window, (real, imag) in actual.items():
        target = expected[window]
        error = Spectrum(real - target.real, imag - target.imag).magnitude()
        level = tf.reduce_mean(target.magnitude(), axis=[1, 2])
        floor = losses.LEVEL_FLOOR / window**0.5
        total += tf.reduce_mean(tf.reduce_mean(error, axis=[1, 2]) / (level + floor))
    return total / len(actual)


def train(data: DataSettings, run: RunSettings, learning_rate: float) -> Student:
    """Trains until `run.total_steps`, resuming what `run.train_dir` holds.

    Raises:
      ValueError: no weights to start from, no audio, or a folder of another run.
    """
    if run.distribution != "none":
        raise ValueError(f"--qat trains in one process, not --distribution={run.distribution}")
    if not run.init_from:
        raise ValueError("--qat needs a trained codec: --init_from=weights.npz, or resume.npz")
    teacher = checkpoints.load_codec(run.init_from)
    config = teacher.config
    crop = data.crop_samples(config)

    def batches(start: int) -> tf.data.Dataset:
        return training_batches(
            data.data_dir,
            sample_rate=config.sample_rate,
            batch_size=data.batch_size,
            crop_samples=crop,
            seed=data.seed,
            start_step=start,
            mix=data.mix,
        )

    first = [audio for audio, _, _ in batches(0).take(RANGE_BATCHES)]
    codec = with_int8_nets(teacher, tf.concat(first, axis=0))
    student = Student(teacher, codec, run.total_steps, learning_rate)
    directory: Any = checkpoints.RunDirectory(run.train_dir, student)
    directory.describe({"codec": codec.config.to_dict(), "teacher": str(Path(run.init_from))})
    done = directory.restore()
    clips = evaluation_clips(
        data.data_dir,
        split="valid",
        sample_rate=config.sample_rate,
        max_clips=data.valid_clips,
        seconds=data.valid_seconds,
        kind=data.valid_kind,
    )
    writer = callbacks.writer(run.train_dir)
    rates = [b for b in run.validation_bitrates_bps if b <= config.max_bitrate_bps]
    watchers = [
        callbacks.Progress(writer, run.total_steps, data.batch_size * crop / config.sample_rate),
        callbacks.Validation(directory, writer, clips, rates, run.validation_steps),
        callbacks.Saver(directory, run.checkpoint_minutes),
        distribution.StopWhenAsked(tf.distribute.get_strategy()),
    ]
    if done < run.total_steps:
        steps = run.total_steps - done
        student.fit(batches(done), epochs=1, steps_per_epoch=steps, callbacks=watchers, verbose=0)
    return student
