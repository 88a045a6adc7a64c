"""A training run from data and settings to its last checkpoint, in stages."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from data.pipeline import evaluation_clips, training_batches
from data.sampling import MixOptions
from model.backend import keras
from model.config import CodecConfig
from model.conv import outermost_dtype
from model.soundstream import SoundStream
from model.weights import weights_hash
from soundstream.frames import whole_length
from training import callbacks, checkpoints, distribution, visqol
from training.discriminators import Discriminators
from training.settings import LossWeights, Schedule, TrainingSettings
from training.trainer import Trainer

KMEANS_BATCHES = 24
VALIDATION_SNR_DB = (0.0, 15.0)  # where denoising is scored


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """Where batches come from.

    Attributes:
      data_dir: prepared folder, or any folder of audio, to learn from; required.
      batch_size: examples per step, of all replicas together.
      crop_seconds: length of an example in seconds, rounded down to whole frames.
      seed: of the order of the data.
      mix: see `data.sampling.MixOptions`.
      valid_clips: recordings at most that are scored while training, 3 s of each.
      valid_seconds: how much of each, in seconds.
      valid_kind: kind of recordings that are scored while training.
      parts: independent parts of each batch; 0: as many as there are replicas. Named, batches are
        the same on any number of replicas that divides it.
    """

    data_dir: str
    batch_size: int = 12
    crop_seconds: float = 0.8
    seed: int = 0
    mix: MixOptions = dataclasses.field(default_factory=MixOptions)
    valid_clips: int = 24
    valid_seconds: float = 3.0
    valid_kind: str = "speech"
    parts: int = 0

    def crop_samples(self, config: CodecConfig) -> int:
        """Length of an example; ValueError if it is less than a frame."""
        samples = whole_length(int(self.crop_seconds * config.sample_rate), config.hop)
        if samples <= 0:
            raise ValueError(f"crop_seconds={self.crop_seconds} is shorter than a frame")
        return samples


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """Where a run begins, its length and rhythm, and the nets around the codec.

    Attributes:
      train_dir: folder of the run: checkpoints, curves and scores; required.
      total_steps: steps after which the run ends.
      init_from: compact checkpoint, or weights (.npz), to start from. Default: from the beginning.
      denoiser_from: weights (.npz) whose denoising switch the run begins with. Default: a fresh
        switch, or that of init_from.
      checkpoint_minutes: minutes between two checkpoints.
      validation_steps: steps between two scorings of the valid split.
      validation_bitrates_bps: bitrates in bits per second that are scored, beside no quantizer.
      discriminators: kinds of discriminators that judge beside each other; see
        `training.discriminators`.
      discriminator_channels: channels of the discriminators that see spectra.
      discriminator_windows: window lengths of the ms_stft discriminator, in samples.
      product_dtype: number format of the products of convolutions while training; all else is
        float32.
      distribution: how the work is shared out over devices or hosts, see docs/scale.md.
    """

    train_dir: str
    total_steps: int = 1_000_000
    init_from: str | None = None
    denoiser_from: str | None = None
    checkpoint_minutes: float = 5.0
    validation_steps: int = 1000
    validation_bitrates_bps: tuple[int, ...] = (3000, 6000, 12000)
    discriminators: tuple[str, ...] = ("ms_stft",)
    discriminator_channels: int = 16
    discriminator_windows: tuple[int, ...] = (1024, 512, 256)
    product_dtype: str = "float32"
    distribution: str = "none"


def build(config: CodecConfig, settings: TrainingSettings, run: RunSettings) -> Trainer:
    """A fresh trainer."""
    return Trainer(
        SoundStream(config, product_dtype=run.product_dtype, name="codec"),
        SoundStream(config, product_dtype=run.product_dtype, name="average"),
        Discriminators(
            run.discriminators,
            channels=run.discriminator_channels,
            windows=run.discriminator_windows,
            name="discriminators",
            product_dtype=outermost_dtype(run.product_dtype),
        ),
        settings,
    )


def train(
    config: CodecConfig, settings: TrainingSettings, data: DataSettings, run: RunSettings
) -> Trainer:
    """Trains until `run.total_steps`, resuming what `run.train_dir` holds.

    Returns:
      The trainer at its last step.

    Raises:
      ValueError: no audio, wrong sample rate, crops too short for a loss, or a folder of another
        run.
    """
    if settings.decoder_only or settings.denoiser_only:
        config = config.replace(codes_of=_codes_of(run.init_from, settings.decoder_only))
    strategy = distribution.strategy(run.distribution)
    crop = data.crop_samples(config)
    if settings.weights.visqol:
        visqol.check_length(crop)

    def batches(start: int) -> Any:
        return distribution.batches(
            strategy,
            lambda size, part, parts: training_batches(
                data.data_dir,
                sample_rate=config.sample_rate,
                batch_size=size,
                crop_samples=crop,
                seed=data.seed,
                start_step=start,
                mix=data.mix,
                shard=(part, parts),
            ),
            data.batch_size,
            data.parts,
        )

    clips = evaluation_clips(
        data.data_dir,
        split="valid",
        sample_rate=config.sample_rate,
        max_clips=data.valid_clips,
        seconds=data.valid_seconds,
        kind=data.valid_kind,
    )
    with distribution.scope(strategy):
        trainer = build(config, settings, run)
        directory = checkpoints.RunDirectory(run.train_dir, trainer)
        chief = strategy.extended.should_checkpoint
        directory.describe(
            {
                "codec": config.to_dict(),
                "training": settings.to_dict(),
                "data": dataclasses.asdict(data),
                "run": dataclasses.asdict(run),
            },
            write=chief,
        )
        done = directory.restore()
        begins = not done
        if begins and run.init_from:
            done = checkpoints.start(trainer, run.init_from)
        if begins and run.denoiser_from:
            checkpoints.adopt_denoiser(trainer, run.denoiser_from)
        done = distribution.agreed_steps(strategy, done)
        watchers = reporters(directory, config, data, run, clips) if chief else []
        watchers.append(distribution.StopWhenAsked(strategy))
        while done < run.total_steps and not trainer.stop_training:
            stage = trainer.stage_at(done)
            trainer.begin(stage)
            if stage.quantizer and not float(trainer.codebook_trainer.counts.numpy().sum()):
                first = zip(range(KMEANS_BATCHES), batches(done))
                trainer.start_quantizer(batch for _, batch in first)
            end = min(stage.end or run.total_steps, run.total_steps)
            trainer.fit(
                batches(done), epochs=1, steps_per_epoch=end - done, callbacks=watchers, verbose=0
            )
            done = int(trainer.steps_done.numpy())
    return trainer


def _codes_of(init_from: str | None, decoder_only: bool) -> str:
    """Id of the model whose codes a run goes on using; "" where the codec is the run's own."""
    if not init_from:
        if decoder_only:
            raise ValueError("decoder_only=True needs init_from: a codec whose codes are decoded")
        return ""
    codec = checkpoints.load_codec(init_from)
    return weights_hash(codec) if decoder_only else codec.config.codes_of


def reporters(
    directory: checkpoints.RunDirectory,
    config: CodecConfig,
    data: DataSettings,
    run: RunSettings,
    clips: np.ndarray,
) -> list[keras.callbacks.Callback]:
    """What shows and saves the run; of several workers only the chief has it.

    Args:
      clips: float32 [clips, time], what is scored.
    """
    writer = callbacks.writer(run.train_dir)
    rates = list(run.validation_bitrates_bps)
    audio_seconds = data.batch_size * data.crop_samples(config) / config.sample_rate
    watchers = [
        callbacks.Progress(writer, run.total_steps, audio_seconds),
        callbacks.Validation(directory, writer, clips, rates, run.validation_steps),
    ]
    if config.denoise:
        noisy, clean = noisy_clips(config, data)
        watchers.append(
            callbacks.Validation(directory, writer, clean, rates, run.validation_steps, noisy)
        )
    return [*watchers, callbacks.Saver(directory, run.checkpoint_minutes)]


def noisy_clips(config: CodecConfig, data: DataSettings) -> tuple[np.ndarray, np.ndarray]:
    """The same noisy speech every time, and what is clean of it: float32 [clips, time] each.

    Speakers and noises are those of the valid split.
    """
    ((noisy, clean, _),) = training_batches(
        data.data_dir,
        split="valid",
        sample_rate=config.sample_rate,
        batch_size=data.valid_clips,
        crop_samples=round(data.valid_seconds * config.sample_rate),
        seed=0,
        mix=dataclasses.replace(
            data.mix,
            music_share=0.0,
            noise_share=0.0,
            noisy_share=1.0,
            denoise_share=1.0,
            silence_share=0.0,
            snr_db=VALIDATION_SNR_DB,
        ),
    ).take(1)
    return noisy.numpy()[..., 0], clean.numpy()[..., 0]


def latest(train_dir: str | Path) -> Trainer:
    """The run in `train_dir` as its newest checkpoint left it.

    Raises:
      ValueError: there is no run, or no checkpoint yet.
    """
    description = checkpoints.read_description(train_dir)
    run: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in description["run"].items()
    }
    training: dict[str, Any] = dict(description["training"])
    settings = TrainingSettings(
        weights=LossWeights(**training.pop("weights")),
        schedule=Schedule(**training.pop("schedule")),
        **training,
    )
    trainer = build(checkpoints.described_codec(train_dir), settings, RunSettings(**run))
    if not checkpoints.RunDirectory(train_dir, trainer).restore():
        raise ValueError(f"{train_dir} holds no checkpoint yet")
    return trainer
