"""Decoding of stretches of audio files inside the tf.data graph."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tensorflow_io as tfio

from data.folder import Segment
from soundstream.audio import read_segment

# tensorflow-io decodes files whole (its seeking form, IOTensor.from_audio, keeps one open file per
# graph node, which parallel calls overwrite for each other). Of longer files than this, soundfile
# seeks the stretch instead, which is faster.
WHOLE_FILE_SECONDS = 15
# What tensorflow-io decodes, in libsndfile's terms. It must be asked for the very type it holds.
_WAV16, _WAV32, _WAV_FLOAT, _FLAC16, _FLAC32, _VORBIS, _MP3, _SOUNDFILE = range(8)
_DECODERS = {
    ("WAV", "PCM_16"): _WAV16,
    ("WAV", "PCM_24"): _WAV32,
    ("WAV", "PCM_32"): _WAV32,
    ("WAV", "FLOAT"): _WAV_FLOAT,
    ("FLAC", "PCM_16"): _FLAC16,
    ("FLAC", "PCM_24"): _FLAC32,
    ("OGG", "VORBIS"): _VORBIS,
    ("MP3", "MPEG_LAYER_III"): _MP3,
}


def decoder_for(segment: Segment) -> int:
    """Which decoder of `decode_mono` reads a segment: soundfile what tensorflow-io cannot."""
    file = segment.file
    if segment.count == 0 or file.frames > WHOLE_FILE_SECONDS * file.rate:
        return _SOUNDFILE
    return _DECODERS.get((file.format, file.subtype), _SOUNDFILE)


def decode_mono(
    path: tf.Tensor, first: tf.Tensor, count: tf.Tensor, decoder: tf.Tensor
) -> tf.Tensor:
    """Decodes `count` samples from sample `first` on, channels averaged.

    Args:
      path: string [], first, count: int64 [], decoder: int64 [], of `decoder_for`.

    Returns:
      float32 [count] at the file's own rate, full scale 1; less where the file ends.
    """

    def mono(samples: tf.Tensor) -> tf.Tensor:
        full_scale = -samples.dtype.min if samples.dtype.is_integer else 1
        stretch = tf.cast(samples[first : first + count], tf.float32) / full_scale
        return tf.reduce_mean(stretch, axis=1)

    def by_soundfile() -> tf.Tensor:
        samples = tf.numpy_function(_read_mono, [path, first, count], tf.float32, stateful=False)
        return tf.ensure_shape(samples, [None])

    def content() -> tf.Tensor:
        return tf.io.read_file(path)

    decoders = {
        _WAV16: lambda: mono(tfio.audio.decode_wav(content(), dtype=tf.int16)),
        _WAV32: lambda: mono(tfio.audio.decode_wav(content(), dtype=tf.int32)),
        _WAV_FLOAT: lambda: mono(tfio.audio.decode_wav(content(), dtype=tf.float32)),
        _FLAC16: lambda: mono(tfio.audio.decode_flac(content(), dtype=tf.int16)),
        _FLAC32: lambda: mono(tfio.audio.decode_flac(content(), dtype=tf.int32)),
        _VORBIS: lambda: mono(tfio.audio.decode_vorbis(content())),
        _MP3: lambda: mono(tfio.audio.decode_mp3(content())),
        _SOUNDFILE: by_soundfile,
    }
    return tf.switch_case(tf.cast(decoder, tf.int32), decoders)


def _read_mono(path: bytes, first: int, count: int) -> np.ndarray:
    return read_segment(path.decode(), int(first), int(count)).mean(axis=1)
