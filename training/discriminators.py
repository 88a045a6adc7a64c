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


class Convolutions(keras.layers.Layer):
    """Convolutions with leaky ReLU between them; returns every output after its activation.

    Args:
      specs: (filters, kernel, strides, dilation, groups) per layer; 1-D or 2-D by `layer`.
      layer: keras.layers.Conv1D or Conv2D.
      product_dtype: of the convolutions; feature maps are float32.
    """

    def __init__(self, specs: Sequence[tuple], layer: type, product_dtype: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.convolutions = [
            layer(
                filters,
                kernel,
                strides=strides,
                dilation_rate=dilation,
                groups=groups,
                padding="same",
                name=f"conv_{index}",
                dtype=keras.mixed_precision.Policy(
                    "float32" if product_dtype == "float32" else f"mixed_{product_dtype}"
                ),
            )
            for index, (filters, kernel, strides, dilation, groups) in enumerate(specs)
        ]

    def call(self, x: tf.Tensor) -> list[tf.Tensor]:
        maps = []
        for index, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if index < len(self.convolutions) - 1:
                x = tf.maximum(x, SLOPE * x)
            maps.append(tf.cast(x, tf.float32))
        return maps


class WaveDiscriminator(keras.layers.Layer):
    """The waveform at one of several scales (MelGAN's, section III-D).

    Args:
      downsample: average pooling factor in front, 1, 2 or 4.
      channels: width of the first layer, 16 in the paper.
    """

    def __init__(self, downsample: int, channels: int, product_dtype: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.downsample = downsample
        widths = [min(channels * 4**i, 64 * channels) for i in range(1, 5)]
        specs: list[tuple] = [(channels, 15, 1, 1, 1)]
        specs += [(width, 41, 4, 1, width // 16) for width in widths]
        specs += [(widths[-1], 5, 1, 1, 1), (1, 3, 1, 1, 1)]
        self.body = Convolutions(specs, keras.layers.Conv1D, product_dtype, name="body")

    def call(self, x: tf.Tensor) -> list[tf.Tensor]:
        x = x[..., None]
        if self.downsample > 1:
            x = tf.nn.avg_pool1d(x, 2 * self.downsample, self.downsample, "SAME")
        return self.body(x)


class StftDiscriminator(keras.layers.Layer):
    """The complex spectrum for one window length, as a picture of time by frequency.

    Args:
      window: length in samples.
      channels: of every inner layer.
    """

    def __init__(self, window: int, channels: int, product_dtype: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.window = window
        specs = [
            (channels, (3, 9), (1, 2), 1, 1),
            (channels, (3, 9), (1, 2), 1, 1),
            (channels, (3, 9), (1, 2), 1, 1),
            (channels, (3, 3), 1, 1, 1),
            (1, (3, 3), 1, 1, 1),
        ]
        self.body = Convolutions(specs, keras.layers.Conv2D, product_dtype, name="body")

    def call(self, x: tf.Tensor) -> list[tf.Tensor]:
        spectrum = stft(x, self.window)
        # Compressed magnitude, true phase: quiet partials weigh too.
        magnitude = spectrum.magnitude()
        scale = tf.pow(magnitude, -0.7)
        picture = tf.stack([spectrum.real * scale, spectrum.imag * scale], axis=-1)
        return self.body(picture[:, :, :-1])


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
