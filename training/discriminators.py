"""Discriminators: waves at three scales, one complex spectrum, or five of them.

Each discriminator takes audio [batch, time] and returns its feature maps, the last of which are the
logits, one per region of the signal (section III-D and Figure 5 of the paper). `ms_stft` is the
multi-window form of the complex spectrum one (EnCodec, arXiv 2210.13438, section 3.4).
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from model.backend import keras
from training.spectra import stft

SLOPE = 0.2  # of the leaky ReLU between layers
KINDS = ("wave", "stft", "ms_stft")


class WaveDiscriminator(keras.layers.Layer):
    """The waveform at one of several scales (MelGAN's, section III-D).

    Args:
      downsample: average pooling factor in front, 1, 2 or 4.
      channels: width of the first layer, 16 in the paper.
      product_dtype: of the convolutions.
    """

    def __init__(self, downsample: int, channels: int, product_dtype: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.downsample = downsample
        widths = [channels * 4**i for i in range(1, 4)] + [64 * channels]
        inner = [{"kernel_size": 41, "strides": 4, "groups": width // 16} for width in widths]
        shapes = [
            {"kernel_size": 15},
            *inner,
            {"kernel_size": 5},
            {"kernel_size": 3},
        ]
        self.convolutions = [
            keras.layers.Conv1D(
                filters,
                padding="same",
                name=f"conv_{index}",
                dtype=_policy(product_dtype),
                **shape,
            )
            for index, (filters, shape) in enumerate(
                zip([channels, *widths, widths[-1], 1], shapes, strict=True)
            )
        ]

    def call(self, x: tf.Tensor) -> list[tf.Tensor]:
        x = x[..., None]
        if self.downsample > 1:
            x = tf.nn.avg_pool1d(x, 2 * self.downsample, self.downsample, "SAME")
        return _feature_maps(x, self.convolutions)


class StftDiscriminator(keras.layers.Layer):
    """The complex spectrum for one window length, as a picture of time by frequency.

    Strides are in frequency only. A stride is a reshape that moves neighbouring bins into channels,
    in front of a convolution without stride: the same function as a strided kernel, and on CPUs
    several times faster, since the products become wide.

    Args:
      window: length in samples.
      channels: of every inner layer.
      product_dtype: of the convolutions.
    """

    FOLDS = (4, 2, 2, 1, 1)  # frequency bins merged in front of each convolution
    KERNELS = ((3, 2), (3, 2), (3, 2), (3, 3), (3, 3))  # time by frequency, after the merge

    def __init__(self, window: int, channels: int, product_dtype: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.window = window
        widths = [channels] * (len(self.KERNELS) - 1) + [1]
        self.convolutions = [
            keras.layers.Conv2D(
                filters, kernel, padding="same", name=f"conv_{i}", dtype=_policy(product_dtype)
            )
            for i, (filters, kernel) in enumerate(zip(widths, self.KERNELS, strict=True))
        ]

    def call(self, x: tf.Tensor) -> list[tf.Tensor]:
        spectrum = stft(x, self.window)
        # Compressed magnitude, true phase: quiet partials weigh too.
        scale = tf.pow(spectrum.magnitude(floor=1e-4), -0.7)
        picture = tf.stack([spectrum.real * scale, spectrum.imag * scale], axis=-1)
        return _feature_maps(picture[:, :, :-1], self.convolutions, self.FOLDS)


def _feature_maps(
    x: tf.Tensor, convolutions: Sequence[keras.layers.Layer], folds: Sequence[int] | None = None
) -> list[tf.Tensor]:
    """Every layer's output, leaky ReLU between them; the last one is the logits. All float32."""
    maps = []
    for index, convolution in enumerate(convolutions):
        x = convolution(_fold(x, folds[index]) if folds else x)
        if index < len(convolutions) - 1:
            x = tf.nn.leaky_relu(x, SLOPE)
        maps.append(tf.cast(x, tf.float32))
    return maps


def _fold(x: tf.Tensor, bins: int) -> tf.Tensor:
    """[batch, frames, frequency, c] -> [batch, frames, frequency / bins, bins * c]."""
    _, frames, frequency, channels = x.shape
    return tf.reshape(x, [-1, frames, frequency // bins, bins * channels])


def _policy(product_dtype: str) -> keras.mixed_precision.Policy:
    name = "float32" if product_dtype == "float32" else f"mixed_{product_dtype}"
    return keras.mixed_precision.Policy(name)


class Discriminators(keras.layers.Layer):
    """A set of discriminators chosen by name.

    Args:
      kinds: any of `KINDS`; ValueError otherwise.
      channels: width of the spectral ones.
      windows: lengths for `ms_stft`, in samples.
      product_dtype: of the convolutions, float32 or bfloat16.
    """

    def __init__(
        self,
        kinds: Sequence[str] = ("ms_stft",),
        *,
        channels: int = 32,
        windows: Sequence[int] = (2048, 1024, 512, 256, 128),
        product_dtype: str = "float32",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        unknown = set(kinds) - set(KINDS)
        if unknown:
            raise ValueError(f"no discriminator {sorted(unknown)}: choose from {', '.join(KINDS)}")
        self.members: list[keras.layers.Layer] = []
        if "wave" in kinds:
            self.members += [
                WaveDiscriminator(scale, 16, product_dtype, name=f"wave_{scale}")
                for scale in (1, 2, 4)
            ]
        if "stft" in kinds:
            self.members.append(StftDiscriminator(1024, channels, product_dtype, name="stft"))
        if "ms_stft" in kinds:
            self.members += [
                StftDiscriminator(window, channels, product_dtype, name=f"ms_stft_{window}")
                for window in windows
            ]

    def call(self, x: tf.Tensor) -> list[list[tf.Tensor]]:
        """x [batch, time] -> per discriminator its feature maps, the last being the logits."""
        return [member(x) for member in self.members]
