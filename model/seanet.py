"""SEANet encoder and decoder (section III-A and III-B), built from the one convolution."""

from typing import Any

from model.backend import keras
from model.config import CodecConfig
from model.conv import CausalConv1D, DownsampleConv1D, UpsampleConv1D, outermost_dtype
from model.streaming import Elu, Residual, Scale, Sequential, StreamingLayer


class ResidualUnit(Residual):
    """x + conv1x1(ELU(conv_dilated(ELU(x)))), channels -> hidden -> channels.

    The last convolution starts at zero where `starts_as_identity`, so that the unit does.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        kernel_size: int,
        dilation: int,
        *,
        starts_as_identity: bool = False,
        product_dtype: str = "float32",
        **kwargs: Any,
    ):
        last = "zeros" if starts_as_identity else "glorot_uniform"
        body = Sequential(
            [
                Elu(name="elu_in"),
                CausalConv1D(
                    channels,
                    hidden,
                    kernel_size,
                    dilation=dilation,
                    name="dilated",
                    product_dtype=product_dtype,
                ),
                Elu(name="elu_mid"),
                CausalConv1D(
                    hidden,
                    channels,
                    1,
                    kernel_initializer=last,
                    name="pointwise",
                    product_dtype=product_dtype,
                ),
            ],
            name="body",
        )
        super().__init__(body, **kwargs)


def residual_net(
    in_channels: int,
    channels: int,
    out_channels: int,
    dilations: tuple[int, ...],
    *,
    product_dtype: str = "float32",
    name: str,
) -> Sequential:
    """Residual units with kernels of 3 between two pointwise convolutions; all zeros at first."""
    return Sequential(
        [
            CausalConv1D(in_channels, channels, 1, name="first", product_dtype=product_dtype),
            *(
                ResidualUnit(
                    channels, channels, 3, dilation, name=f"unit_{index}",
                    product_dtype=product_dtype,
                )
                for index, dilation in enumerate(dilations)
            ),
            Elu(name="elu"),
            CausalConv1D(
                channels, out_channels, 1, kernel_initializer="zeros", name="last",
                product_dtype=product_dtype,
            ),
        ],
        name=name,
    )  # fmt: skip


def _residual_units(
    config: CodecConfig,
    channels: int,
    block: int,
    product_dtype: str,
    hidden: float,
    dilations: tuple[int, ...],
) -> list[Residual]:
    return [
        ResidualUnit(
            channels,
            max(1, round(channels * hidden)),
            config.residual_kernel,
            dilation,
            starts_as_identity=not config.trunk_activation,
            name=f"block_{block}_unit_{index}",
            product_dtype=product_dtype,
        )
        for index, dilation in enumerate(dilations)
    ]


def _trunk_activation(config: CodecConfig, name: str) -> list[StreamingLayer]:
    return [Elu(name=name)] if config.trunk_activation else []


def encoder(config: CodecConfig, product_dtype: str = "float32") -> Sequential:
    """[batch, time, 1] -> [batch, time / hop, embedding_dim]."""
    channels = config.encoder_channels
    layers: list[StreamingLayer] = [
        Scale(config.signal_gain, name="gain"),
        DownsampleConv1D(
            1,
            channels[0],
            config.patch_stride,
            frames=config.patch_frames,
            name="first",
            product_dtype=outermost_dtype(product_dtype),
        ),
    ]
    for block, stride in enumerate(config.strides):
        layers += _residual_units(
            config, channels[block], block, product_dtype, config.residual_hidden, config.dilations
        )
        layers += _trunk_activation(config, f"block_{block}_elu")
        layers.append(
            DownsampleConv1D(
                channels[block],
                channels[block + 1],
                stride,
                name=f"block_{block}_down",
                product_dtype=product_dtype,
            )
        )
    layers += _trunk_activation(config, "last_elu")
    layers.append(
        CausalConv1D(
            channels[-1],
            config.embedding_dim,
            config.encoder_out_kernel,
            name="last",
            product_dtype=product_dtype,
        )
    )
    return Sequential(layers, name="encoder")


def decoder(config: CodecConfig, product_dtype: str = "float32") -> Sequential:
    """[batch, frames, embedding_dim] -> [batch, frames * hop, 1]: the encoder mirrored."""
    channels = config.decoder_channels
    hidden = config.decoder_hidden or (config.residual_hidden,) * len(config.strides)
    dilations = config.decoder_dilations or (config.dilations,) * len(config.strides)
    layers: list[StreamingLayer] = [
        CausalConv1D(
            config.embedding_dim,
            channels[-1],
            config.decoder_in_kernel,
            name="first",
            product_dtype=product_dtype,
        )
    ]
    for block, stride in reversed(list(enumerate(config.strides))):
        layers += _trunk_activation(config, f"block_{block}_elu")
        layers.append(
            UpsampleConv1D(
                channels[block + 1],
                channels[block],
                stride,
                name=f"block_{block}_up",
                product_dtype=product_dtype,
            )
        )
        layers += _residual_units(
            config, channels[block], block, product_dtype, hidden[block], dilations[block]
        )
    layers += _trunk_activation(config, "last_elu")
    layers.append(
        UpsampleConv1D(
            channels[0],
            1,
            config.patch_stride,
            frames=config.patch_frames,
            name="last",
            product_dtype=outermost_dtype(product_dtype),
        )
    )
    layers.append(Scale(1 / config.signal_gain, name="gain"))
    return Sequential(layers, name="decoder")


def count_parameters(layer: keras.layers.Layer) -> int:
    """Trainable numbers in `layer`."""
    return sum(int(weight.shape.num_elements()) for weight in layer.trainable_weights)
