"""Discriminators: waves at three scales or by periods, one complex spectrum, or five of them.

Each discriminator takes audio [batch, time] and returns its feature maps, the last of which are the
logits, one per region of the signal (section III-D and Figure 5 of the paper). `ms_stft` is the
multi-window form of the complex spectrum one (EnCodec, arXiv 2210.13438, section 3.4).
"""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from model.backend import keras
from training.spectra import cut, power_law, stft

SLOPE = 0.2  # of the leaky ReLU between layers
QUIETEST = 1e-4  # magnitude below which spectral lines are not raised any further
KINDS = ("wave", "stft", "ms_stft", "period")
PERIODS = (2, 3, 5, 7, 11)  # samples; primes, so that no two see the same (HiFi-GAN)


class GroupedConv1D(keras.layers.Layer):
    """`keras.layers.Conv1D` with groups, strides and padding "same", as one product for each group.

    The same weights and the same function. TensorFlow has no kernel for the gradient of a grouped
    convolution on CPUs; what Keras does instead takes a hundred times as long. As in
    `model/conv.py` a stride is a reshape: frames of `strides` samples, and a kernel over frames.

    Weights: kernel [kernel_size, in_channels / groups, filters], bias [filters].
    """

    def __init__(
        self,
        in_channels: int,
        filters: int,
        kernel_size: int,
        *,
        strides: int,
        groups: int,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters, self.kernel_size = filters, kernel_size
        self.strides, self.groups = strides, groups
        self.kernel = self.add_weight(
            name="kernel", shape=(kernel_size, in_channels // groups, filters)
        )
        self.bias = self.add_weight(name="bias", shape=(filters,), initializer="zeros")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """[batch, time, in_channels] -> [batch, time / strides, filters]."""
        stride, groups = self.strides, self.groups
        taps = -(-self.kernel_size // stride)  # of frames
        batch, time, channels = tf.shape(x)[0], x.shape[1], x.shape[2]
        length = -(-time // stride)
        left = max((length - 1) * stride + self.kernel_size - time, 0) // 2
        right = (length - 1 + taps) * stride - time - left
        x = tf.pad(x, [[0, 0], [left, right], [0, 0]])
        x = tf.reshape(x, [batch, length - 1 + taps, stride, groups, channels // groups])
        x = tf.reshape(
            tf.transpose(x, [3, 0, 1, 2, 4]),
            [groups, batch, length - 1 + taps, stride * channels // groups],
        )
        size = taps * stride
        patches = tf.concat(
            [cut(x, start=(0, 0, tap, 0), end=(0, 0, tap + 1 - taps, 0)) for tap in range(taps)],
            axis=-1,
        )
        kernel = tf.pad(self.kernel, [[0, size - self.kernel_size], [0, 0], [0, 0]])
        kernel = tf.reshape(kernel, [size * channels // groups, groups, -1])
        y = tf.matmul(
            tf.reshape(patches, [groups, -1, size * channels // groups]),
            tf.transpose(kernel, [1, 0, 2]),
        )
        y = tf.reshape(y, [groups, batch, length, self.filters // groups])
        y = tf.reshape(tf.transpose(y, [1, 2, 0, 3]), [batch, length, self.filters])
        return tf.nn.bias_add(y, self.bias)


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
        policy = _policy(product_dtype)

        def plain(index: int, filters: int, kernel_size: int) -> keras.layers.Layer:
            return keras.layers.Conv1D(
                filters, kernel_size, padding="same", name=f"conv_{index}", dtype=policy
            )

        self.convolutions = [
            plain(0, channels, 15),
            *(
                GroupedConv1D(
                    before, width, 41, strides=4, groups=width // 16,
                    name=f"conv_{index}", dtype=policy,
                )
                for index, (before, width) in enumerate(zip([channels, *widths], widths), start=1)
            ),
            plain(5, widths[-1], 5),
            plain(6, 1, 3),
        ]  # fmt: skip

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
        scale = power_law(spectrum.power() + QUIETEST**2, -0.35)
        picture = tf.stack([spectrum.real * scale, spectrum.imag * scale], axis=-1)
        return _feature_maps(cut(picture, end=(0, 0, -1, 0)), self.convolutions, self.FOLDS)


class PeriodDiscriminator(keras.layers.Layer):
    """Every `period`-th sample, side by side: what repeats looks the same (HiFi-GAN, 2010.05646).

    Kernels of 5 with stride 3 became kernels of two frames of three samples: a stride is a reshape,
    as everywhere here. Phases share weights and never meet.

    Args:
      period: in samples.
      channels: width of the first layer.
      product_dtype: of the convolutions.
    """

    FOLDS = (3, 3, 3, 3, 1, 1)  # time steps merged in front of each convolution
    KERNELS = (2, 2, 2, 2, 3, 3)  # time steps, after the merge

    def __init__(self, period: int, channels: int, product_dtype: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.period = period
        widths = (channels, 4 * channels, 8 * channels, 8 * channels, 8 * channels, 1)
        self.convolutions = [
            keras.layers.Conv2D(
                width, (1, kernel), padding="same", name=f"conv_{i}", dtype=_policy(product_dtype)
            )
            for i, (width, kernel) in enumerate(zip(widths, self.KERNELS, strict=True))
        ]

    def call(self, x: tf.Tensor) -> list[tf.Tensor]:
        whole = self.period * math.prod(self.FOLDS)
        x = tf.pad(x, [[0, 0], [0, -x.shape[1] % whole]])
        steps = x.shape[1] // self.period
        phases = tf.transpose(tf.reshape(x, [-1, steps, self.period]), [0, 2, 1])
        phases = tf.reshape(phases, [-1, 1, steps, 1])
        return _feature_maps(phases, self.convolutions, self.FOLDS)


def _feature_maps(
    x: tf.Tensor, convolutions: Sequence[keras.layers.Layer], folds: Sequence[int] | None = None
) -> list[tf.Tensor]:
    """Every layer's output, leaky ReLU between them; the last one is the logits. All float32.

    So is what the leaky ReLU sees: in bfloat16 its gradient took a third of all discriminators.
    """
    maps = []
    for index, convolution in enumerate(convolutions):
        x = tf.cast(convolution(_fold(x, folds[index]) if folds else x), tf.float32)
        if index < len(convolutions) - 1:
            x = tf.nn.leaky_relu(x, SLOPE)
        maps.append(x)
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
      channels: width of the spectral ones and those of periods.
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
        if "period" in kinds:
            self.members += [
                PeriodDiscriminator(period, channels, product_dtype, name=f"period_{period}")
                for period in PERIODS
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
