"""Multi-scale mel distance in dB."""

from functools import lru_cache

import numpy as np
import soxr

# The windows of the paper's spectral loss (section III-E), with as many mel bands as they resolve.
WINDOWS = (64, 128, 256, 512, 1024, 2048)
SAMPLES_PER_BAND = 8
# Bands quieter than this hold the noise of rooms and microphones: differences there do not count.
FLOOR_DB = -70.0
# Above this rate the shortest window has bands without a bin.
MAX_RATE = 48_000


def mel_distance(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Mean absolute difference of the two signals' mel spectra, in dB; 0 is identical.

    For each window length s of 64 .. 2048 samples (Hann, hop s/4): band power in dBFS of s/8
    triangular mel bands (Slaney's scale, 0 to rate/2), floored at -70 dB, then the mean of
    |reference - degraded| over bands and frames. The result is the mean over window lengths.

    Args:
        reference: `[time]`, full scale 1.
        degraded: `[time]`, as long as the reference.
        rate: Samples per second; signals above 48 kHz are scored at 48 kHz.
    """
    if rate > MAX_RATE:
        reference, degraded = (soxr.resample(x, rate, MAX_RATE) for x in (reference, degraded))
        rate = MAX_RATE
    distances = []
    for window in WINDOWS:
        difference = mel_decibels(reference, rate, window) - mel_decibels(degraded, rate, window)
        distances.append(np.abs(difference).mean())
    return float(np.mean(distances))


def mel_decibels(samples: np.ndarray, rate: int, window: int) -> np.ndarray:
    """Band power in dB over full scale, `[time]` -> `[frames, bands]`; the ends are zero-padded."""
    padded = np.pad(samples.astype(np.float32), window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: window // 4]
    taper = np.hanning(window + 1)[:-1].astype(np.float32)
    # A full-scale sine has power 1 (0 dB) in the bin of its frequency.
    power = np.abs(np.fft.rfft(frames * taper) * (2 / taper.sum())) ** 2
    bands = power.astype(np.float32) @ mel_filters(rate, window)
    return 10 * np.log10(np.maximum(bands, 10 ** (FLOOR_DB / 10)))


@lru_cache(maxsize=32)
def mel_filters(rate: int, window: int) -> np.ndarray:
    """Triangles whose weights sum to one, `[window // 2 + 1, bands]`: a band's mean power."""
    num_bands = round(window / SAMPLES_PER_BAND)
    edges = _mel_to_hz(np.linspace(0, _hz_to_mel(rate / 2), num_bands + 2))
    frequencies = np.fft.rfftfreq(window, 1 / rate)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    assert np.all(filters.sum(axis=0) > 0), f"a mel band without a bin at {rate} Hz, {window}"
    return (filters / filters.sum(axis=0)).astype(np.float32)


def _hz_to_mel(hz: float) -> float:
    """Slaney's scale (Auditory Toolbox, 1998): linear to 1 kHz, 15 mel, logarithmic above."""
    return 0.015 * hz if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel / 0.015, 1000 * 6.4 ** ((mel - 15) / 27))
