"""Decoding of stretches of audio files inside the tf.data graph."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tensorflow_io as tfio

from data.audio import read_segment
from data.folder import AudioFile

# What tensorflow-io decodes, by (suffix, libsndfile's subtype), and the type it must be asked for:
# asked for another one it aborts the process.
_INT16, _INT32, _FLOAT32, _SOUNDFILE = range(4)
_DECODERS = {
    (".wav", "PCM_16"): _INT16,
    (".wav", "PCM_24"): _INT32,
    (".wav", "PCM_32"): _INT32,
    (".wav", "FLOAT"): _FLOAT32,
    (".flac", "PCM_16"): _INT16,
    (".flac", "PCM_24"): _INT32,
    (".ogg", "VORBIS"): _FLOAT32,
    (".mp3", "MPEG_LAYER_III"): _FLOAT32,
}


def decoder_for(file: AudioFile) -> int:
    """Which decoder of `decode_mono` reads a file: soundfile what tensorflow-io cannot."""
    return _DECODERS.get((file.path.suffix.lower(), file.subtype), _SOUNDFILE)


def decode_mono(
    path: tf.Tensor, first: tf.Tensor, count: tf.Tensor, decoder: tf.Tensor
) -> tf.Tensor:
    """Decodes `count` samples from sample `first` on, channels averaged.

    Args:
      path: string [], first, count: int64 [], decoder: int64 [], of `decoder_for`.

    Returns:
      float32 [count] at the file's own rate, full scale 1; less where the file ends.
    """

    def by_tensorflow_io(dtype: tf.DType, full_scale: float) -> tf.Tensor:
        samples = tfio.IOTensor.graph(dtype).from_audio(path)[first : first + count]
        return tf.reduce_mean(tf.cast(samples, tf.float32) / full_scale, axis=1)

    def by_soundfile() -> tf.Tensor:
        mono = tf.numpy_function(_read_mono, [path, first, count], tf.float32, stateful=False)
        return tf.ensure_shape(mono, [None])

    decoders = {
        _INT16: lambda: by_tensorflow_io(tf.int16, 2.0**15),
        _INT32: lambda: by_tensorflow_io(tf.int32, 2.0**31),
        _FLOAT32: lambda: by_tensorflow_io(tf.float32, 1.0),
        _SOUNDFILE: by_soundfile,
    }
    return tf.switch_case(tf.cast(decoder, tf.int32), decoders)


def _read_mono(path: bytes, first: int, count: int) -> np.ndarray:
    return read_segment(path.decode(), int(first), int(count)).mean(axis=1)
