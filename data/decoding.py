"""Decoding of stretches of audio files inside the tf.data graph.

tensorflow-io decodes plain wav where it is installed, which it is not on Python 3.13;
`soundstream.audio` reads all else, and everything without it. The samples are the same.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from data.folder import Segment, read_mono

try:
    import tensorflow_io as tfio
except ImportError:
    tfio = None

# tensorflow-io decodes files whole (its seeking form, IOTensor.from_audio, keeps one open file per
# graph node, which parallel calls overwrite for each other). Of longer files than this the stretch
# is sought instead, which is faster.
WHOLE_FILE_SECONDS = 15
# A file's whole content, string [] -> samples [time, channels] of any type.
Decoder = Callable[[tf.Tensor], tf.Tensor]


def _tfio_decoders() -> dict[str, Decoder]:
    """By the `subtype` of wav without any oddity. Each is asked for the very type that it holds.

    tensorflow-io takes every size in a header at its word: of other files it gives silence or ends
    the process. Wav of 32-bit integers it takes for floats.
    """
    if tfio is None:
        return {}
    wav = tfio.audio.decode_wav
    return {
        "PCM_16": functools.partial(wav, dtype=tf.int16),
        "PCM_24": functools.partial(wav, dtype=tf.int32),
        "FLOAT": functools.partial(wav, dtype=tf.float32),
    }


_DECODERS = _tfio_decoders()
_NUMBERS = {subtype: number for number, subtype in enumerate(_DECODERS, 1)}
_LIBRARY = 0


def decoder_for(segment: Segment) -> int:
    """The number of the decoder that reads a segment in `decode_mono`."""
    file = segment.file
    if segment.count == 0 or file.frames > WHOLE_FILE_SECONDS * file.rate:
        return _LIBRARY
    return _NUMBERS.get(file.subtype or "", _LIBRARY)


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

    def whole(decode: Decoder) -> Callable[[], tf.Tensor]:
        return lambda: mono(decode(tf.io.read_file(path)))

    branches = [by_library, *(whole(decode) for decode in _DECODERS.values())]
    return tf.switch_case(tf.cast(decoder, tf.int32), branches)


def _read_mono(path: bytes, first: int, count: int) -> np.ndarray:
    return read_mono(Path(os.fsdecode(path)), int(first), int(count))
