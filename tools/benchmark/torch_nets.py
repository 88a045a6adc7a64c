"""The nets of SoundStream (arXiv 2107.03312) the way they are usually written in PyTorch.

For `torch_reference.py`, which times them; only there is PyTorch needed. Tensors are
[batch, channels, time]. `config` is the dict of a `model.config.CodecConfig`.
"""

import itertools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.2
Config = dict[str, Any]


class CausalConv(nn.Conv1d):
    """Sees the past only; with a stride, the frame that ends now and those before it."""

    def forward(self, x: Tensor) -> Tensor:
        past = (self.kernel_size[0] - 1) * self.dilation[0] + 1 - self.stride[0]
        return super().forward(functional.pad(x, (past, 0)))


class CausalTranspose(nn.ConvTranspose1d):
    """Transposed convolution without the overlap into the future."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., : x.shape[-1] * self.stride[0]]


class ResidualUnit(nn.Module):
    def __init__(self, channels: int, hidden: int, kernel: int, dilation: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.ELU(),
            CausalConv(channels, hidden, kernel, dilation=dilation),
            nn.ELU(),
            CausalConv(hidden, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _units(config: Config, channels: int) -> list[nn.Module]:
    hidden = max(1, round(channels * config["residual_hidden"]))
    kernel = config["residual_kernel"]
    return [ResidualUnit(channels, hidden, kernel, d) for d in config["dilations"]]


def _activation(config: Config) -> list[nn.Module]:
    return [nn.ELU()] if config["trunk_activation"] else []


def encoder(config: Config) -> nn.Module:
    """[batch, 1, time] -> [batch, embedding_dim, frames]."""
    widths, stride = config["encoder_channels"], config["patch_stride"]
    layers: list[nn.Module] = [
        CausalConv(1, widths[0], config["patch_frames"] * stride, stride=stride)
    ]
    for block, stride in enumerate(config["strides"]):
        layers += _units(config, widths[block]) + _activation(config)
        layers.append(CausalConv(widths[block], widths[block + 1], 2 * stride, stride=stride))
    layers += _activation(config)
    layers.append(CausalConv(widths[-1], config["embedding_dim"], config["encoder_out_kernel"]))
    return nn.Sequential(*layers)


def decoder(config: Config) -> nn.Module:
    """[batch, embedding_dim, frames] -> [batch, 1, time]."""
    widths = config["decoder_channels"]
    layers: list[nn.Module] = [
        CausalConv(config["embedding_dim"], widths[-1], config["decoder_in_kernel"])
    ]
    for block, stride in reversed(list(enumerate(config["strides"]))):
        layers += _activation(config)
        up = CausalTranspose(widths[block + 1], widths[block], 2 * stride, stride=stride)
        layers += [up, *_units(config, widths[block])]
    stride, frames = config["patch_stride"], config["patch_frames"]
    last = (
        CausalConv(widths[0], 1, frames)
        if stride == 1
        else CausalTranspose(widths[0], 1, frames * stride, stride=stride)
    )
    return nn.Sequential(*layers, *_activation(config), last)


class Quantizer(nn.Module):
    """Residual vector quantizer with moving averages, dropout of levels and restarts."""

    def __init__(self, config: Config, decay: float = 0.99, restart_share: float = 0.03):
        super().__init__()
        shape = config["num_quantizers"], config["codebook_size"], config["embedding_dim"]
        self.decay, self.restart_share = decay, restart_share
        self.register_buffer("codebooks", 0.5 * torch.randn(shape))
        self.register_buffer("counts", torch.ones(shape[:2]))
        self.register_buffer("sums", self.codebooks.clone())

    def forward(self, x: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, D, frames], levels in use [batch] -> straight-through x, commitment loss."""
        x = x.float().transpose(1, 2)
        residual, quantized = x.detach(), torch.zeros_like(x)
        commitment = x.new_zeros(())
        for level, codebook in enumerate(self.codebooks):
            frames = residual.reshape(-1, x.shape[-1])
            distance = codebook.pow(2).sum(1) - 2 * frames @ codebook.T
            codes = distance.argmin(1)
            entries = functional.embedding(codes, codebook).view_as(residual)
            used = (level < levels).float()[:, None, None]
            if self.training:
                self._learn(level, frames, codes, used.expand(-1, x.shape[1], 1).reshape(-1, 1))
            quantized = quantized + used * entries
            residual = residual - entries
            commitment = commitment + (used * (x - quantized) ** 2).mean()
        return (x + (quantized - x).detach()).transpose(1, 2), commitment / len(self.codebooks)

    @torch.no_grad()
    def _learn(self, level: int, frames: Tensor, codes: Tensor, used: Tensor) -> None:
        counts, sums = self.counts[level], self.sums[level]
        chosen = functional.one_hot(codes, len(counts)).float() * used
        counts.lerp_(chosen.sum(0), 1 - self.decay)
        sums.lerp_(chosen.T @ frames, 1 - self.decay)
        share = counts.mean()
        dead = counts < self.restart_share * share
        if dead.any():
            picks = torch.randint(len(frames), (int(dead.sum()),))
            sums[dead], counts[dead] = frames[picks] * share, share
        self.codebooks[level].copy_(sums / counts[:, None].clamp(min=1e-12))


class StftDiscriminator(nn.Module):
    """Strided 2-D convolutions over the complex spectrum at one window length."""

    def __init__(self, window: int, channels: int):
        super().__init__()
        self.window = window
        self.register_buffer("taper", torch.hann_window(window) * 2 / window)
        inner = [((3, 8), (1, 4)), ((3, 4), (1, 2)), ((3, 4), (1, 2)), ((3, 3), (1, 1))]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels if index else 2, channels, kernel, stride, padding=(1, 1))
            for index, (kernel, stride) in enumerate(inner)
        ).append(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, x: Tensor) -> list[Tensor]:
        spectrum = torch.stft(
            x, self.window, self.window // 4, window=self.taper, return_complex=True
        )
        spectrum = spectrum * (spectrum.abs() + 1e-4).pow(-0.7)
        return _feature_maps(torch.view_as_real(spectrum).permute(0, 3, 2, 1), self.convolutions)


class WaveDiscriminator(nn.Module):
    """MelGAN's, on the waveform averaged over `downsample` samples."""

    def __init__(self, downsample: int, channels: int = 16):
        super().__init__()
        self.downsample = downsample
        widths = [channels * 4**i for i in range(4)] + [64 * channels]
        self.convolutions = nn.ModuleList(
            [
                nn.Conv1d(1, channels, 15, padding=7),
                *(
                    nn.Conv1d(a, b, 41, 4, padding=20, groups=b // 16)
                    for a, b in itertools.pairwise(widths)
                ),
                nn.Conv1d(widths[-1], widths[-1], 5, padding=2),
                nn.Conv1d(widths[-1], 1, 3, padding=1),
            ]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        x = x[:, None]
        if self.downsample > 1:
            x = functional.avg_pool1d(x, 2 * self.downsample, self.downsample, self.downsample // 2)
        return _feature_maps(x, self.convolutions)


def _feature_maps(x: Tensor, convolutions: nn.ModuleList) -> list[Tensor]:
    maps: list[Tensor] = []
    for convolution in convolutions:
        x = convolution(functional.leaky_relu(x, SLOPE) if maps else x)
        maps.append(x)
    return maps


def discriminators(kinds: list[str], channels: int, windows: list[int]) -> nn.ModuleList:
    """The members of `training.discriminators.Discriminators`."""
    members: list[nn.Module] = []
    if "wave" in kinds:
        members += [WaveDiscriminator(scale) for scale in (1, 2, 4)]
    if "stft" in kinds:
        members.append(StftDiscriminator(1024, channels))
    if "ms_stft" in kinds:
        members += [StftDiscriminator(window, channels) for window in windows]
    return nn.ModuleList(members)
