"""Discriminators: waves at three scales, one complex spectrum, or five of them.

Each discriminator takes audio [batch, time] and returns its feature maps, the last of which are the
logits, one per region of the signal (section III-D and Figure 5 of the paper). `ms_stft` is the
multi-window form of the complex spectrum one (EnCodec, arXiv 2210.13438, section 3.4).
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from model.backend import keras
from training.spectra import cut, power_law, stft

SLOPE = 0.2  # of the leaky ReLU between layers
QUIETEST = 1e-4  # magnitude below which spectral lines are not raised any further
KINDS = ("wave", "stft", "ms_stft")


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

    Strides are reshapes that move neighbours into channels, in front of a convolution without
    stride: the same function as a strided kernel, and on CPUs several times faster, since the
    products become wide. Strides in time are what makes pitch visible: with windows of 4 and 8 ms
    the logits see 54 and 108 ms, where without they saw 11 and 22, hardly a period. Told apart
    from originals, a decoder's output then costs a hinge loss of .24 where it cost 1.14.

    Args:
      window: length in samples.
      channels: of the first layer; those behind it have up to four times as many.
      product_dtype: of the convolutions.
    """

    FOLDS = ((1, 4), (2, 2), (2, 2), (2, 1), (1, 1))  # frames and bins merged before each layer
    KERNELS = ((3, 2), (3, 2), (3, 2), (3, 3), (3, 3))  # time by frequency, after the merge

    def __init__(self, window: int, channels: int, product_dtype: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.window = window
        widths = [channels, 2 * channels, 3 * channels, 4 * channels, 1]
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


def _feature_maps(
    x: tf.Tensor,
    convolutions: Sequence[keras.layers.Layer],
    folds: Sequence[tuple[int, int]] | None = None,
) -> list[tf.Tensor]:
    """Every layer's output, leaky ReLU between them; the last one is the logits. All float32.

    So is what the leaky ReLU sees: in bfloat16 its gradient took a third of all discriminators.
    """
    maps = []
    for index, convolution in enumerate(convolutions):
        x = tf.cast(convolution(_fold(x, *folds[index]) if folds else x), tf.float32)
        if index < len(convolutions) - 1:
            x = tf.nn.leaky_relu(x, SLOPE)
        maps.append(x)
    return maps


def _fold(x: tf.Tensor, frames: int, bins: int) -> tf.Tensor:
    """[batch, time, frequency, c] -> [batch, time / frames, frequency / bins, frames * bins * c].

    Time is padded with zeros to whole groups of `frames`.
    """
    _, time, frequency, channels = x.shape
    x = tf.pad(x, [[0, 0], [0, -time % frames], [0, 0], [0, 0]])
    time, frequency = x.shape[1] // frames, frequency // bins
    x = tf.reshape(x, [-1, time, frames, frequency, bins * channels])
    x = tf.transpose(x, [0, 1, 3, 2, 4])
    return tf.reshape(x, [-1, time, frequency, frames * bins * channels])


def _policy(product_dtype: str) -> keras.mixed_precision.Policy:
    name = "float32" if product_dtype == "float32" else f"mixed_{product_dtype}"
    return keras.mixed_precision.Policy(name)


class Discriminators(keras.layers.Layer):
    """A set of discriminators chosen by name.

    Args:
      kinds: any of `KINDS`; ValueError otherwise.
      channels: width of the spectral ones' first layer.
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
