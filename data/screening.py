"""Decides which recordings are fit for training, and trims their silent ends.

Every refusal is a reason in words; the caller reports it beside the file's name and goes on.
"""

from __future__ import annotations

import numpy as np

# One piece of speech shorter than this is a click or a cut-off; pieces are joined to clips later.
MIN_PIECE_SECONDS = 0.1
# A clip shorter than this gives a crop that is mostly padding.
MIN_CLIP_SECONDS = 0.5
# Speech whose spectrum (98th percentile over time, so that rare sibilants count) lies this far
# below its peak carries nothing there: 58 dB is under the noise floor of ordinary recordings.
BANDWIDTH_DROP_DB = 58.0
# Reaching 5.5 of 8 kHz keeps the sibilants; telephone (3.4 kHz) and AM-radio (4.5 kHz) speech fail.
MIN_BANDWIDTH_SHARE = 0.6875
# Flat tops: runs of 3 or more equal samples near the file's own peak. Unclipped speech has
# next to none; 0.2 % of all samples is distortion that can be heard.
CLIPPED_SHARE = 0.002
CLIP_RUN = 3
# Below this peak the steps of 16 bits alone make tops look flat.
MIN_CLIPPED_PEAK = 0.03
# The loudest 20 ms below this is a muted channel or room tone.
NEAR_SILENT_DBFS = -50.0
# Frames this far below the loudest one are taken for silence at the two ends.
TRIM_BELOW_PEAK_DB = 40.0
KEPT_SILENCE_SECONDS = 0.12
# A constant offset above this (-60 dBFS) comes from a faulty sound card: it makes silence look
# loud, and no microphone signal has one. Smaller ones stay, and with them the exact samples.
OFFSET_LIMIT = 1e-3


def frame_levels(samples: np.ndarray, frame: int) -> np.ndarray:
    """RMS level in dBFS of each whole frame of `samples` [time] -> [time // frame]."""
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    return 10.0 * np.log10(np.mean(np.square(frames, dtype=np.float64), axis=1) + 1e-12)


def without_offset(samples: np.ndarray) -> np.ndarray:
    """`samples` [time] without their mean, where that is beyond OFFSET_LIMIT."""
    mean = float(samples.mean()) if len(samples) else 0.0
    return samples - np.float32(mean) if abs(mean) > OFFSET_LIMIT else samples


def trim_silence(samples: np.ndarray, rate: int) -> np.ndarray:
    """Cuts silence at both ends of mono `samples` [time] down to KEPT_SILENCE_SECONDS."""
    frame = rate // 100
    levels = frame_levels(samples, frame)
    if len(levels) == 0:
        return samples  # under 10 ms
    loud = np.flatnonzero(levels > levels.max() - TRIM_BELOW_PEAK_DB)
    keep = round(KEPT_SILENCE_SECONDS * rate)
    start = max(0, loud[0] * frame - keep)
    stop = min(len(samples), (loud[-1] + 1) * frame + keep)
    return samples[start:stop]


def bandwidth_hz(samples: np.ndarray, rate: int) -> float:
    """Highest frequency within BANDWIDTH_DROP_DB of the spectrum's peak, mono [time]."""
    size = 512
    if len(samples) < size:
        samples = np.pad(samples, (0, size - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1))
    envelope = 20.0 * np.log10(np.percentile(spectrum, 98, axis=0) + 1e-9)
    return float(np.flatnonzero(envelope > envelope.max() - BANDWIDTH_DROP_DB)[-1]) * rate / size


def clipped_share(samples: np.ndarray) -> float:
    """Share of samples of mono [time] that lie in flat-topped runs near the file's own peak."""
    peak = np.abs(samples).max(initial=0.0)
    if peak < MIN_CLIPPED_PEAK:
        return 0.0
    flat = (np.abs(np.diff(samples)) < 3e-5) & (np.abs(samples[1:]) > 0.95 * peak)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flat.astype(np.int8), [0]))))
    runs = edges[1::2] - edges[::2] + 1  # n equal steps join n + 1 samples
    return float(runs[runs >= CLIP_RUN].sum()) / len(samples)


def refusal_of_source(samples: np.ndarray, source_rate: int, rate: int, kind: str) -> str | None:
    """Why a recording cannot be used as it is stored, or None.

    Args:
      samples: mono [time], as decoded: resampling would round clipped tops off.
      source_rate, rate: its own rate and the target rate in Hz.
      kind: "speech", "noise" or "music".
    """
    if source_rate < rate:
        return f"low rate: {source_rate} Hz is below {rate} Hz"
    if not np.isfinite(samples).all():
        return "damaged: NaN or infinite samples"
    if kind == "speech":
        share = clipped_share(samples)
        if share > CLIPPED_SHARE:
            return f"clipped: {share:.1%} of it in flat tops"
    return None


def refusal(samples: np.ndarray, rate: int, kind: str) -> str | None:
    """Why a trimmed and resampled recording is unfit, or None.

    Args:
      samples: mono [time] at the target rate.
      rate: the target rate in Hz.
      kind: "speech", "noise" or "music"; only speech has to fill the band, since rumble is honest
        noise and a drone honest music.
    """
    if len(samples) < MIN_PIECE_SECONDS * rate:
        return f"too short: {len(samples) / rate:.2f} s"
    loudest = frame_levels(samples, rate // 50).max()
    if loudest < NEAR_SILENT_DBFS:
        return f"near-silent: loudest 20 ms at {loudest:.0f} dBFS"
    if kind == "speech":
        band = bandwidth_hz(samples, rate)
        if band < MIN_BANDWIDTH_SHARE * rate / 2:
            return f"narrowband: nothing above {band:.0f} Hz"
    return None
