"""Decoding of stretches of audio files inside the tf.data graph."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_io as tfio

from data.folder import Segment, read_mono

# tensorflow-io decodes files whole (its seeking form, IOTensor.from_audio, keeps one open file per
# graph node, which parallel calls overwrite for each other). Of longer files than this the stretch
# is sought instead, which is faster.
WHOLE_FILE_SECONDS = 15
# What tensorflow-io decodes: wav without any oddity, of a few types. It must be asked for the very
# type that a file holds, and takes every size in a header at its word: of others it gives silence
# or ends the process.
_WAV16, _WAV24, _WAV_FLOAT, _LIBRARY = range(4)
_DECODERS = {"PCM_16": _WAV16, "PCM_24": _WAV24, "FLOAT": _WAV_FLOAT}


def decoder_for(segment: Segment) -> int:
    """Which decoder of `decode_mono` reads a segment: `soundstream.audio` what is not plain."""
    file = segment.file
    if segment.count == 0 or file.frames > WHOLE_FILE_SECONDS * file.rate:
        return _LIBRARY
    return _DECODERS.get(file.subtype or "", _LIBRARY)


def decode_mono(
    path: tf.Tensor, first: tf.Tensor, count: tf.Tensor, decoder: tf.Tensor
) -> tf.Tensor:
    """Decodes `count` samples from sample `first` on, channels averaged.

    Args:
      path: string [], first, count: int64 [], decoder: int64 [], of `decoder_for`.

    Returns:
      float32 [count] at the file's own rate, full scale 1; less where the file ends, or cannot be
      read, which is logged.
    """

    def mono(samples: tf.Tensor) -> tf.Tensor:
        full_scale = -samples.dtype.min if samples.dtype.is_integer else 1
        stretch = tf.cast(samples[first : first + count], tf.float32) / full_scale
        return tf.reduce_mean(stretch, axis=1)

    def by_library() -> tf.Tensor:
        samples = tf.numpy_function(_read_mono, [path, first, count], tf.float32, stateful=False)
        return tf.ensure_shape(samples, [None])

    def wav(dtype: tf.DType) -> Callable[[], tf.Tensor]:
        return lambda: mono(tfio.audio.decode_wav(tf.io.read_file(path), dtype=dtype))

    decoders = {
        _WAV16: wav(tf.int16),
        _WAV24: wav(tf.int32),
        _WAV_FLOAT: wav(tf.float32),
        _LIBRARY: by_library,
    }
    return tf.switch_case(tf.cast(decoder, tf.int32), decoders)


def _read_mono(path: bytes, first: int, count: int) -> np.ndarray:
    return read_mono(Path(os.fsdecode(path)), int(first), int(count))
