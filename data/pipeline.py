"""Training batches and evaluation clips, from a prepared folder or a plain folder of audio files.

Batch i is a pure function of (data, options, seed, i): a run resumed with start_step=i sees the
batches that the unbroken run would have seen, and nothing has to be saved for it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from data.decoding import decode_mono, decoder_for
from data.folder import AudioFolder
from data.mixing import Mixer
from data.recordings import name_share, read_folder
from data.sampling import CropSampler, MixOptions, Plan, generator
from data.shards import METADATA_FILE, Clip, PreparedSplit, read_index

PREFETCHED_BATCHES = 8
Planner = Callable[[int], Plan]
_PLAN, _MIX = 0, 1  # streams of random numbers within a batch


def training_batches(
    data_dir: str | Path,
    *,
    sample_rate: int,
    batch_size: int,
    crop_samples: int,
    seed: int,
    start_step: int = 0,
    split: str = "train",
    mix: MixOptions | None = None,
    shard: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Endless batches of random crops.

    Args:
      data_dir: a prepared folder (it has a dataset.json), or any folder of audio files.
      sample_rate: in Hz; a prepared folder must have been made at this rate.
      batch_size: examples per batch, of this shard.
      crop_samples: length of every example.
      seed: of all random choices.
      start_step: number of the first batch.
      split: "train", "valid" or "test".
      mix: how crops are drawn and mixed; None: plain speech training.
      shard: (index, count) of one of several workers; each sees batches of its own.

    Returns:
      A dataset of (input, target, denoise): float32 [batch, crop, 1] in [-1, 1] twice, and
      float32 [batch] of 0 and 1.

    Raises:
      ValueError: no audio of a kind that `mix` asks for, or another sample rate.
    """
    index, count = shard
    if not 0 <= index < count:
        raise ValueError(f"shard must be (index, count) with 0 <= index < count, got {shard}")
    options = mix or MixOptions()
    source = _open(data_dir, split, sample_rate)
    sampler = CropSampler(source.clips, options, crop_samples)
    mixer = Mixer(options, sample_rate, crop_samples)

    def plan(step: int) -> Plan:
        return sampler.plan(generator(seed, step * count + index, _PLAN), batch_size)

    def examples(step: int, reads: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = generator(seed, step * count + index, _MIX)
        signal, target, denoise = mixer.mix(rng, plan(step), reads)
        return signal[..., None], target[..., None], denoise

    def with_shapes(step: tf.Tensor, reads: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        signal, target, denoise = tf.numpy_function(
            examples, [step, reads], (tf.float32, tf.float32, tf.float32), stateful=False
        )
        signal.set_shape([batch_size, crop_samples, 1])
        target.set_shape([batch_size, crop_samples, 1])
        denoise.set_shape([batch_size])
        return signal, target, denoise

    steps = tf.data.Dataset.range(start_step, tf.int64.max)
    reads = source.reads(steps, plan, sampler.window_samples)
    return tf.data.Dataset.zip((steps, reads)).map(with_shapes).prefetch(PREFETCHED_BATCHES)


def evaluation_clips(
    data_dir: str | Path,
    *,
    split: str,
    sample_rate: int,
    max_clips: int,
    seconds: float,
    kind: str = "speech",
) -> np.ndarray:
    """The same few clean clips every time: one of each speaker first, then second ones.

    Args:
      data_dir: a prepared folder, or any folder of audio files.
      split: "train", "valid" or "test".
      sample_rate: in Hz.
      max_clips: at most so many; fewer when the split holds fewer.
      seconds: length of each. Longer clips are cut in their middle; shorter ones come after all
        long enough ones of their round and end in zeros.
      kind: "speech", "noise" or "music".

    Returns:
      float32 [clips, time].

    Raises:
      ValueError: the split holds no clean clip of this kind.
    """
    source = _open(data_dir, split, sample_rate)
    samples = round(seconds * sample_rate)
    by_speaker: dict[str, list[Clip]] = defaultdict(list)
    for clip in source.clips:
        if clip.kind == kind and clip.flag == "-":
            by_speaker[clip.speaker].append(clip)
    if not by_speaker:
        raise ValueError(f"{data_dir}: no clean {kind} in the {split} split")
    ranked = []
    for speaker, clips in by_speaker.items():
        # Long enough ones first, in file order.
        clips.sort(key=lambda clip: clip.length < samples)
        for turn, clip in enumerate(clips):
            ranked.append((turn, clip.length < samples, name_share(speaker), clip))
    ranked.sort(key=lambda row: row[:3])
    chosen = np.zeros((min(max_clips, len(ranked)), samples), np.float32)
    for row, (*_, clip) in zip(chosen, ranked):
        start = max(0, (clip.length - samples) // 2)
        stretch = source.samples(clip, start, samples)
        row[: len(stretch)] = stretch
    return chosen


class _Prepared(PreparedSplit):
    """A prepared split, whose stretches come straight from the memory maps."""

    def reads(self, steps: tf.data.Dataset, plan: Planner, window: int) -> tf.data.Dataset:
        """float32 [reads, window] per step: what its plan names, zeros behind each."""

        def read(step: int) -> np.ndarray:
            drawn = plan(step)
            samples = np.zeros((len(drawn.clip), window), np.float32)
            for row, clip, start, length in zip(samples, drawn.clip, drawn.start, drawn.length):
                row[:length] = self.samples(self.clips[clip], start, length)
            return samples

        return steps.map(lambda step: tf.numpy_function(read, [step], tf.float32, stateful=False))


class _Folder(AudioFolder):
    """A plain folder, whose stretches are decoded in the tf.data graph."""

    def reads(self, steps: tf.data.Dataset, plan: Planner, window: int) -> tf.data.Dataset:
        """float32 [reads, window] per step: what its plan names, zeros behind each."""

        def located(step: int) -> tuple[np.ndarray, ...]:
            drawn = plan(step)
            segments = [
                self.segment(self.clips[clip], start, length)
                for clip, start, length in zip(drawn.clip, drawn.start, drawn.length)
            ]
            return (
                np.array([os.fsencode(segment.file.path) for segment in segments], object),
                np.array([segment.first for segment in segments], np.int64),
                np.array([segment.count for segment in segments], np.int64),
                np.array([decoder_for(segment) for segment in segments], np.int64),
                drawn.clip,
                drawn.start,
                drawn.length,
            )

        def finished(raw: np.ndarray, clip: int, start: int, length: int) -> np.ndarray:
            stretch = self.finish(raw, self.clips[clip], start, length)
            return np.pad(stretch, (0, window - len(stretch)))

        def decoded(path, first, count, decoder, clip, start, length) -> tf.Tensor:
            raw = decode_mono(path, first, count, decoder)
            return tf.numpy_function(
                finished, [raw, clip, start, length], tf.float32, stateful=False
            )

        def stretches(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
            columns = tf.numpy_function(
                located, [step], (tf.string, *[tf.int64] * 6), stateful=False
            )
            return tuple(tf.ensure_shape(column, [None]) for column in columns)

        per_step = len(plan(0).clip)
        one_by_one = steps.map(stretches).unbatch()
        return one_by_one.map(decoded, num_parallel_calls=tf.data.AUTOTUNE).batch(per_step)


def is_prepared(data_dir: str | Path) -> bool:
    """Whether `data_dir` is a prepared folder rather than a plain one."""
    return (Path(data_dir) / METADATA_FILE).is_file()


def kinds_of(data_dir: str | Path) -> set[str]:
    """Which of speech, noise and music the data hold to train on, by their index or manifest."""
    if is_prepared(data_dir):
        return {clip.kind for clip in read_index(Path(data_dir), "train")}
    return {recording.kind for recording in read_folder(data_dir)}


def _open(data_dir: str | Path, split: str, sample_rate: int) -> _Prepared | _Folder:
    if not is_prepared(data_dir):
        return _Folder(data_dir, split, sample_rate)
    source = _Prepared(data_dir, split)
    if source.sample_rate != sample_rate:
        raise ValueError(
            f"{data_dir}: prepared at {source.sample_rate} Hz, but {sample_rate} Hz is asked for"
        )
    return source
