"""Start the nets as a transform codec: phase is right before the first training step.

From random weights and spectral losses, a codec first becomes a vocoder: right envelope, random
phase, and the way out takes very long. With a linear trunk (`trunk_activation=False`, residual
units that start as identity) encoder and decoder can start as an orthonormal transform and its
inverse: the embedding holds the first D coefficients of the DCT-II of each frame. Training then
starts from a low-passed waveform with the right phase and spends its steps on what a transform
cannot do. The other channels start random, so every weight can learn at once.
"""

import numpy as np
import scipy.fft

from model.config import CodecConfig
from model.conv import CausalConv1D
from model.streaming import Sequential

# Channels that carry no signal at the start get small random weights: room to learn, little noise.
FREE_GAIN = 0.5


def _dct(length: int, count: int) -> np.ndarray:
    """First `count` rows of the orthonormal DCT-II of size `length`, [count, length]."""
    return scipy.fft.dct(np.eye(length), norm="ortho", axis=0)[:count]


def _merge(basis: np.ndarray, stride: int, width: int, target: int) -> tuple[np.ndarray, ...]:
    """One resampling layer of the transform.

    Args:
      basis: [d, length], the current channels as functions of their samples.
      stride: time steps merged into one.
      width: channels per time step that the layer sees.
      target: channels it can make.

    Returns:
      weights [d', stride * width] and the new basis [d', stride * length].
    """
    d, length = basis.shape
    new = _dct(stride * length, min(stride * d, target))
    weights = np.zeros((len(new), stride * width))
    for s in range(stride):
        weights[:, s * width : s * width + d] = new[:, s * length : (s + 1) * length] @ basis.T
    return weights, new


def initialize_as_transform(
    config: CodecConfig, encoder: Sequential, decoder: Sequential, seed: int = 0
) -> None:
    """Overwrites the trunk weights of a net with `trunk_activation=False`, in place."""
    if config.trunk_activation:
        raise ValueError("a transform start needs trunk_activation=False: ELU is not linear")
    rng = np.random.default_rng(seed)
    for net, channels in ((encoder, config.encoder_channels), (decoder, config.decoder_channels)):
        decoding = net is decoder
        layers = {layer.name: layer for layer in net.layers}
        patch = config.patch_stride
        basis = _dct(patch, min(patch, channels[0]))
        _assign(layers["last" if decoding else "first"].conv, basis, decoding, rng)
        for block, stride in enumerate(config.strides):
            weights, basis = _merge(basis, stride, channels[block], channels[block + 1])
            name = f"block_{block}_{'up' if decoding else 'down'}"
            _assign(layers[name].conv, weights, decoding, rng)
        size = min(config.embedding_dim, len(basis))
        last = _dct(config.hop, size) @ basis.T
        _assign(layers["first" if decoding else "last"], last, decoding, rng)


def _assign(
    conv: CausalConv1D,
    weights: np.ndarray,
    decoding: bool,
    rng: np.random.Generator,
) -> None:
    """Writes analysis `weights` [out, in], or their transpose for the decoder's synthesis."""
    taps, channels_in, channels_out = conv.kernel.shape
    kernel = rng.normal(size=(taps, channels_in, channels_out)) * FREE_GAIN
    kernel /= np.sqrt(taps * channels_in)
    rows, columns = weights.shape
    if decoding:
        signal_out = np.abs(weights).sum(axis=0) > 0
        kernel[:, :, :columns][:, :, signal_out] = 0
        kernel[-1, :rows, :columns] += np.where(signal_out, weights, 0)
    else:
        kernel[:, :, :rows] = 0
        kernel[-1, :columns, :rows] = weights.T
    conv.kernel.assign(kernel)
