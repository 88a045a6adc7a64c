"""The spectral losses of `training/` in PyTorch, for `torch_reference.py`, which times them.

Written as one would there: `torch.stft`, each spectrum computed once for all losses that want it.
A test holds them to the numbers of ours; edges of the signal, padded here by nothing, differ.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

MEL_BINS = {64: 8, 128: 16, 256: 32, 512: 64, 1024: 80, 2048: 96}
FINE = (1024, 2048)
BAND_WINDOWS = (512, 1280)
LOUDNESS_WINDOW = 512
PHASE_LIMIT_HZ = 2000
LEVEL_FLOOR = 1e-3
ZWICKER = 0.23
SPEECH_LEVEL = 1e7


class SpectralLosses(nn.Module):
    """The sum of the named losses of decoded audio [batch, time] against its reference.

    Args:
      sample_rate: in Hz.
      names: of `mel`, `complex`, `fine`, `bands`, `nsim`, `loudness`.
    """

    def __init__(self, sample_rate: int, names: Sequence[str] = ("mel",)):
        super().__init__()
        self.names, self.sample_rate = tuple(names), sample_rate
        kinds: dict[str, tuple[tuple[int, ...], Callable[..., Tensor]]] = {
            "mel": (tuple(MEL_BINS), self.mel),
            "complex": (tuple(MEL_BINS), self.complex),
            "fine": (FINE, self.fine),
            "bands": (BAND_WINDOWS, self.bands),
            "nsim": (BAND_WINDOWS, self.nsim),
            "loudness": ((LOUDNESS_WINDOW,), self.loudness),
        }
        self._losses = {name: kinds[name][1] for name in self.names}
        self.windows = sorted({window for name in self.names for window in kinds[name][0]})
        for window in self.windows:
            self._constant(f"taper_{window}", np.hanning(window + 1)[:-1] * 2 / window)
        for window, bins in MEL_BINS.items():
            self._constant(f"mel_{window}", _mel(window, bins, sample_rate))
        for window in BAND_WINDOWS:
            self._constant(f"gammatone_{window}", _gammatone(window, 21, sample_rate))
        bark, threshold = _bark(LOUDNESS_WINDOW, 49, sample_rate)
        self._constant("bark", bark)
        self._constant("threshold", threshold)
        smoothing = np.array([0.1063, 0.7874, 0.1063])
        self._constant("smoothing", np.outer(smoothing, smoothing)[None, None])

    def forward(self, reference: Tensor, decoded: Tensor) -> Tensor:
        x, y = ({w: self._stft(signal, w) for w in self.windows} for signal in (reference, decoded))
        return sum(self._losses[name](x, y) for name in self.names)

    def mel(self, x: dict[int, Tensor], y: dict[int, Tensor]) -> Tensor:
        def levels(spectrum: Tensor, window: int) -> Tensor:
            return (spectrum.abs() @ getattr(self, f"mel_{window}")).clamp(min=1e-4).log10()

        return _mean((levels(x[w], w) - levels(y[w], w)).abs().mean() for w in MEL_BINS)

    def complex(self, x: dict[int, Tensor], y: dict[int, Tensor]) -> Tensor:
        terms = []
        for window in MEL_BINS:
            lines = min(round(PHASE_LIMIT_HZ * window / self.sample_rate), window // 2) + 1
            target, estimate = x[window][..., :lines], y[window][..., :lines]
            level = target.abs().mean((1, 2)) + LEVEL_FLOOR / window**0.5
            terms.append(((target - estimate).abs().mean((1, 2)) / level).mean())
        return _mean(terms)

    def fine(self, x: dict[int, Tensor], y: dict[int, Tensor]) -> Tensor:
        def log(spectrum: Tensor) -> Tensor:
            return (_power(spectrum) + 1e-10).log10() / 2

        return _mean((log(x[w]) - log(y[w])).abs().mean() for w in FINE)

    def bands(self, x: dict[int, Tensor], y: dict[int, Tensor]) -> Tensor:
        return _mean(
            (self._bands(x[w], w) - self._bands(y[w], w)).abs().mean() / 10 for w in BAND_WINDOWS
        )

    def nsim(self, x: dict[int, Tensor], y: dict[int, Tensor]) -> Tensor:
        terms = []
        for window in BAND_WINDOWS:
            a, b = self._bands(x[window], window), self._bands(y[window], window)
            mean_a, mean_b, aa, bb, ab = (self._smooth(v) for v in (a, b, a * a, b * b, a * b))
            variance_a, variance_b = (aa - mean_a**2).relu(), (bb - mean_b**2).relu()
            spread = (variance_a * variance_b + 1e-6).sqrt()
            terms.append((1 - (ab - mean_a * mean_b + 0.05) / (spread + 0.05)).mean())
        return _mean(terms)

    def loudness(self, x: dict[int, Tensor], y: dict[int, Tensor]) -> Tensor:
        a, b = (_power(s[LOUDNESS_WINDOW]) @ self.bark for s in (x, y))
        scale = SPEECH_LEVEL / a.sum(2, keepdim=True).mean(1, keepdim=True).clamp(min=1e-7)
        a, b = a * scale, b * scale
        loud_a, loud_b = self._loudness(a), self._loudness(b)
        dead = 0.25 * torch.minimum(loud_a, loud_b)
        more, less = (loud_b - loud_a - dead).relu(), (loud_a - loud_b - dead).relu()
        symmetric = ((more**2 + less**2).mean(2) + 1e-6).sqrt()
        ratio = ((b + 50) / (a + 50)).pow(1.2)
        asymmetric = torch.where(ratio > 3, ratio.clamp(max=12) * more, 0.0)
        return symmetric.mean() + 0.5 * asymmetric.mean()

    def _stft(self, x: Tensor, window: int) -> Tensor:
        """[batch, frames, window / 2 + 1], complex, hop window / 4."""
        taper = getattr(self, f"taper_{window}")
        spectrum = torch.stft(
            x, window, window // 4, window=taper, return_complex=True, pad_mode="constant"
        )
        return spectrum.transpose(1, 2)

    def _bands(self, spectrum: Tensor, window: int) -> Tensor:
        return 10 * (_power(spectrum) @ getattr(self, f"gammatone_{window}") + 1e-9).log10()

    def _smooth(self, x: Tensor) -> Tensor:
        return functional.conv2d(x[:, None], self.smoothing)[:, 0]

    def _loudness(self, power: Tensor) -> Tensor:
        gain = (self.threshold / 0.5) ** ZWICKER
        return gain * ((0.5 + 0.5 * power / self.threshold).pow(ZWICKER) - 1).relu()

    def _constant(self, name: str, values: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(values.astype(np.float32)))


def _power(spectrum: Tensor) -> Tensor:
    return torch.view_as_real(spectrum).square().sum(-1)


def _mean(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).mean()


def _lines(window: int, sample_rate: int) -> np.ndarray:
    return np.arange(window // 2 + 1) * sample_rate / window


def _mel(window: int, bins: int, sample_rate: int) -> np.ndarray:
    """Triangular filters of unit sum; one without a line takes the nearest."""
    lines = _lines(window, sample_rate)
    top = 2595 * np.log10(1 + sample_rate / 1400)
    edges = 700 * (10 ** (np.linspace(0, top, bins + 2) / 2595) - 1)
    rising = (lines[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - lines[:, None]) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    for band in np.flatnonzero(filters.sum(0) == 0):
        filters[np.abs(lines - edges[band + 1]).argmin(), band] = 1
    return filters / filters.sum(0)


def _gammatone(window: int, bands: int, sample_rate: int) -> np.ndarray:
    """Power responses of 4th order gammatone filters evenly spaced in ERB from 50 Hz."""
    offset = 9.26449 * 24.7
    top = sample_rate / 2 + offset
    ratio = (50 + offset) / top
    centre = top * ratio ** (np.arange(bands, 0, -1) / bands) - offset
    width = 1.019 * (centre / 9.26449 + 24.7)
    return (1 + ((_lines(window, sample_rate)[:, None] - centre) / width) ** 2) ** -4


def _bark(window: int, bands: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Rectangular bands evenly spaced in Bark, and the power at their threshold of hearing."""
    lines = _lines(window, sample_rate)
    edges = np.linspace(0, 6 * np.arcsinh(sample_rate / 1200), bands + 1)
    centre = 600 * np.sinh((edges[1:] + edges[:-1]) / 12)
    band = np.searchsorted(edges, 6 * np.arcsinh(lines / 600), side="right") - 1
    filters = np.eye(bands)[band.clip(max=bands - 1)]
    for empty in np.flatnonzero(filters.sum(0) == 0):
        filters[np.abs(lines - centre[empty]).argmin(), empty] = 0.5
    khz = centre / 1000
    threshold = 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
    return filters, 10 ** (threshold.clip(max=60) / 10)
