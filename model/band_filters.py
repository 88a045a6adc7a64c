"""Matrices of fixed numbers with which band gains are heard, designed and applied."""

import numpy as np

PEAK = 0.75  # share of a window before its peak: a symmetric one hears the recent past late
DESIGN_LINES = 128  # spectral lines, without the one at 0 Hz, that a filter is designed with


def nearest_bands(lines: int, bands: int, sample_rate: int) -> np.ndarray:
    """Share of each spectral line from 0 Hz up in the mel bands next to it: [lines, bands]."""
    mel = np.log1p(np.linspace(0.0, sample_rate / 2, lines) / 700.0)
    distance = mel[:, None] / mel[-1] * (bands - 1) - np.arange(bands)
    return np.maximum(0.0, 1.0 - np.abs(distance))


def levels_matrices(length: int, bands: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Windowed Fourier basis [length, 2 * lines], and sums of its squares [2 * lines, bands]."""
    lines = length // 2 + 1
    time = np.arange(length) + 0.5
    peak = PEAK * length
    rise, fall = time / peak, (length - time) / (length - peak)
    window = np.sin(np.pi / 2 * np.minimum(rise, fall)) ** 2
    basis = _side_by_side(np.fft.rfft(np.diag(window / window.sum()), axis=1))
    sums = nearest_bands(lines, bands, sample_rate)
    return basis, np.concatenate([sums, sums]).astype(np.float32)


class Design:
    """From log gains of mel bands to the taps of a minimum-phase filter.

    Attributes:
      magnitude, phase: log gains -> log magnitude and phase of spectral lines, [bands, lines]. The
        phase of a minimum-phase response is the Hilbert transform of its log magnitude.
      from_real, from_imag: parts of the response -> taps, the newest sample's last, [lines, taps].
    """

    def __init__(self, sample_rate: int, bands: int, taps: int):
        lines, size = DESIGN_LINES + 1, 2 * DESIGN_LINES
        magnitude = nearest_bands(lines, bands, sample_rate).T
        cepstrum = np.fft.irfft(magnitude, size)
        cepstrum[:, 1:DESIGN_LINES] *= 2.0
        cepstrum[:, DESIGN_LINES + 1 :] = 0.0
        self.magnitude = magnitude.astype(np.float32)
        self.phase = np.fft.rfft(cepstrum).imag.astype(np.float32)
        self.from_real, self.from_imag = (
            matrix[:, taps - 1 :: -1].astype(np.float32) for matrix in _inverse(lines, size)
        )


class Transform:
    """Filters `samples` new samples by products of spectra.

    Attributes:
      signal: these behind the `taps - 1` before -> spectrum, [samples + taps - 1, 2 * lines].
      taps: taps, the newest sample's last -> spectrum, [taps, 2 * lines].
      back: the product, real parts and then imaginary ones -> new samples, [2 * lines, samples].
    """

    def __init__(self, samples: int, taps: int):
        length = samples + taps - 1
        size = length + length % 2
        self.signal = _side_by_side(np.fft.rfft(np.eye(length), size))
        self.taps = _side_by_side(np.fft.rfft(np.eye(taps)[::-1], size))
        back = np.concatenate(_inverse(size // 2 + 1, size))
        self.back = back[:, taps - 1 : length].astype(np.float32)


def _side_by_side(spectra: np.ndarray) -> np.ndarray:
    return np.concatenate([spectra.real, spectra.imag], axis=1).astype(np.float32)


def _inverse(lines: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary parts of a spectrum -> signal, [lines, size] each."""
    return np.fft.irfft(np.eye(lines), size), np.fft.irfft(1j * np.eye(lines), size)
