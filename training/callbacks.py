"""What a run shows and keeps while it goes: progress bar, curves, scores, checkpoints."""

import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from metrics.quality import fast_scores
from model.backend import keras
from model.soundstream import SoundStream
from soundstream.frames import whole_frames
from training import losses
from training.checkpoints import RunDirectory

UNQUANTIZED = 0


class Progress(keras.callbacks.Callback):
    """Progress bar and TensorBoard scalars, averaged between two log lines.

    Args:
      writer: TensorBoard.
      total_steps: where the run ends.
      audio_seconds: of one batch over all workers.
      log_steps: between two TensorBoard points.
    """

    def __init__(
        self,
        writer: tf.summary.SummaryWriter,
        total_steps: int,
        audio_seconds: float,
        log_steps: int = 100,
    ):
        super().__init__()
        self.writer = writer
        self.total_steps = total_steps
        self.audio_seconds = audio_seconds
        self.log_steps = log_steps
        self.sums: dict[str, float] = {}
        self.count = 0
        self.bar: tqdm | None = None
        self.since = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.bar is None:
            done = int(self.model.steps_done.numpy()) - 1
            self.bar = tqdm(total=self.total_steps, initial=done, unit="step", dynamic_ncols=True)
            self.since = time.perf_counter()
        for name, value in (logs or {}).items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)
        self.count += 1
        self.bar.update()
        if self.count >= self.log_steps:
            self._flush()

    def _flush(self) -> None:
        assert self.bar is not None
        means = {name: value / self.count for name, value in self.sums.items()}
        now = time.perf_counter()
        means["speed/audio_seconds_per_second"] = (
            self.count * self.audio_seconds / (now - self.since)
        )
        step = int(self.model.steps_done.numpy())
        with self.writer.as_default(step=step):
            for name, value in means.items():
                tf.summary.scalar(name, value)
        shown = {k.removeprefix("loss/"): f"{v:.3f}" for k, v in means.items() if "loss/" in k}
        rate = means["speed/audio_seconds_per_second"]
        self.bar.set_postfix({**shown, "audio s/s": f"{rate:.0f}"})
        self.sums, self.count, self.since = {}, 0, now


class Validation(keras.callbacks.Callback):
    """Scores of the averaged codec on speakers never trained on, at several bitrates.

    Writes TensorBoard scalars `valid_<bitrate>/<metric>` (`valid_unquantized/...` for the net
    without quantizer), audio and spectrograms of the first clips, and a row per bitrate to
    `scores.csv`. A codec that learns has a rising SI-SDR from the first hour and scores that rise
    with the bitrate. With `noisy` clips the codec is told to remove the noise, and
    `valid_denoised_<bitrate>` says how near it comes to the clean ones.

    Args:
      run: whose folder gets scores.csv.
      writer: TensorBoard.
      clips: float32 [clips, time]; what should come out.
      bitrates_bps: rates to score beside the unquantized net.
      every_steps: between two scorings.
      noisy: the same clips with noise, to be removed; None: clips go in as they are.
    """

    def __init__(
        self,
        run: RunDirectory,
        writer: tf.summary.SummaryWriter,
        clips: np.ndarray,
        bitrates_bps: list[int],
        every_steps: int,
        noisy: np.ndarray | None = None,
    ):
        super().__init__()
        codec = run.trainer.average
        self.clips = whole_frames(clips, codec.config.hop)
        self.inputs = self.clips if noisy is None else noisy[:, : self.clips.shape[1]]
        self.prefix = "" if noisy is None else "denoised_"
        switch = None if noisy is None else tf.ones([1, 1])
        self.file = run.path / "scores.csv"
        self.writer = writer
        self.bitrates_bps = bitrates_bps
        self.every_steps = every_steps
        self.rate = codec.config.sample_rate
        self.started = time.time()
        self.decoders = {UNQUANTIZED: _unquantized(codec, switch)} | {
            bps: _at(codec, codec.config.num_quantizers_for(bps), switch) for bps in bitrates_bps
        }

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        step = int(self.model.steps_done.numpy())
        if step % self.every_steps == 0:
            self.score(step)

    def score(self, step: int) -> None:
        rates = self.bitrates_bps if self.model.stage.quantizer else []
        for bps in [UNQUANTIZED, *rates]:
            decoded = self.decoders[bps](self.inputs[..., None]).numpy()[..., 0]
            label = self.prefix + ("unquantized" if bps == UNQUANTIZED else f"{bps}bps")
            rows = [fast_scores(c, d, self.rate) for c, d in zip(self.clips, decoded, strict=True)]
            means = {k: float(np.nanmean([row[k] for row in rows])) for k in rows[0]}
            self._write_row(
                {
                    "step": step,
                    "seconds": round(time.time() - self.started),
                    "codec": label,
                    **{k: round(v, 4) for k, v in means.items()},
                }
            )
            with self.writer.as_default(step=step):
                for name, value in means.items():
                    tf.summary.scalar(f"valid_{label}/{name}", value)
                tf.summary.audio(f"decoded_{label}", decoded[:3, :, None], self.rate)
                tf.summary.image(f"spectrogram_{label}", _spectrograms(decoded[:3]))
        with self.writer.as_default(step=step):
            tf.summary.audio(f"{self.prefix}reference", self.clips[:3, :, None], self.rate)
            tf.summary.image(f"{self.prefix}spectrogram_reference", _spectrograms(self.clips[:3]))

    def _write_row(self, row: dict) -> None:
        new = not self.file.exists()
        with self.file.open("a", newline="") as stream:
            table = csv.DictWriter(stream, row)
            if new:
                table.writeheader()
            table.writerow(row)


class Saver(keras.callbacks.Callback):
    """Saves every `minutes` of wall time, and when a stretch of training ends."""

    def __init__(self, run: RunDirectory, minutes: float):
        super().__init__()
        self.run = run
        self.seconds = 60 * minutes
        self.last = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if time.monotonic() - self.last > self.seconds:
            self.run.save()
            self.last = time.monotonic()

    def on_train_end(self, logs: dict | None = None) -> None:
        self.run.save()


def writer(train_dir: str | Path) -> tf.summary.SummaryWriter:
    return tf.summary.create_file_writer(str(Path(train_dir) / "tensorboard"))


def _unquantized(codec: SoundStream, denoise: tf.Tensor | None) -> Callable:
    return tf.function(lambda audio: codec.synthesize(codec.embed(audio, denoise), denoise))


def _at(codec: SoundStream, num_quantizers: int, denoise: tf.Tensor | None) -> Callable:
    return tf.function(lambda audio: codec(audio, num_quantizers, denoise))


def _spectrograms(audio: np.ndarray) -> tf.Tensor:
    """Pictures [clips, frequency, frames, 1] of 80 dB range, 0 to 1."""
    magnitude = losses.spectra(tf.constant(audio), [512])[512].magnitude()
    decibel = 20 * tf.math.log(magnitude) / tf.math.log(10.0)
    scaled = tf.clip_by_value(decibel / 80 + 1, 0, 1)
    return tf.reverse(tf.transpose(scaled, [0, 2, 1]), axis=[1])[..., None]
