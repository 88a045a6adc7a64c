"""How close a decoded signal is to its original: one function per metric.

Every function takes `reference` and `degraded`, float mono signals `[time]` of equal length with
full scale 1, and their `rate` in samples per second, and returns a float. Signals that cannot be
scored raise `ValueError`: lengths that differ, more than one channel, NaN samples, silence.
"""

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import soxr

from metrics import dnsmos as dnsmos_network
from metrics import mel, pulses

if TYPE_CHECKING:
    from visqol import VisqolApi

# ViSQOL and PESQ are defined at one rate each; signals of another rate are resampled.
SPEECH_RATE = 16_000
AUDIO_RATE = 48_000
# The score of a perfect copy; float32 rounding noise would make it an arbitrary large number.
MAX_SI_SDR_DB = 100.0


def si_sdr(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (arXiv 1811.02508), at most 100."""
    reference, degraded = _checked(reference, degraded, rate)
    reference = reference - reference.mean()
    degraded = degraded - degraded.mean()
    target = np.dot(degraded, reference) / np.dot(reference, reference) * reference
    signal, noise = np.sum(target**2), np.sum((degraded - target) ** 2)
    return float(
        10 * np.log10(max(signal, 1e-300) / max(noise, signal * 10 ** (-MAX_SI_SDR_DB / 10)))
    )


def estoi(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Extended short-time objective intelligibility (Jensen and Taal 2016), up to 1.

    NaN where the reference has less than the 0.4 s of voice that one value needs.
    """
    from pystoi import stoi

    reference, degraded = _checked(reference, degraded, rate)
    if len(reference) < 0.4 * rate:
        return float("nan")
    with warnings.catch_warnings():
        # It also returns a value of its own then, which is made NaN below.
        warnings.filterwarnings("ignore", "Not enough STFT frames", RuntimeWarning)
        score = float(stoi(reference, degraded, rate, extended=True))
    return float("nan") if score == 1e-5 else score  # pystoi's way to say: too little voice


def mel_distance(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Multi-scale mel distance in dB, 0 for identical signals: see `mel.mel_distance`."""
    return mel.mel_distance(*_checked(reference, degraded, rate), rate)


def visqol_speech(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """ViSQOL's speech mode at 16 kHz (arXiv 2004.09584): predicted listening score, 1 to 5."""
    return _visqol("speech", SPEECH_RATE, *_checked(reference, degraded, rate), rate)


def visqol_audio(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """ViSQOL's audio mode at 48 kHz: predicted listening score, 1 to 4.75, for music and noise.

    It is saturated for signals without content above 8 kHz: rank speech by `visqol_speech`.
    """
    return _visqol("audio", AUDIO_RATE, *_checked(reference, degraded, rate), rate)


def pesq_wb(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Wideband PESQ (ITU-T P.862.2) at 16 kHz: predicted listening score, 1.02 to 4.64.

    Raises:
        ValueError: also where PESQ itself gives up: no voice found, less than 0.25 s.
    """
    from pesq import PesqError, pesq

    reference, degraded = _checked(reference, degraded, rate)
    try:
        return float(
            pesq(
                SPEECH_RATE,
                soxr.resample(reference, rate, SPEECH_RATE),
                soxr.resample(degraded, rate, SPEECH_RATE),
                "wb",
            )
        )
    except PesqError as error:
        raise ValueError(f"PESQ cannot score this signal: {error.args[0].decode()}") from error


def dnsmos(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """DNSMOS of `degraded` alone (see `metrics.dnsmos`): speech that sounds good, true or not.

    A check against codecs that please the other metrics: compare it with the original's.
    """
    _, degraded = _checked(reference, degraded, rate)
    return dnsmos_network.overall(soxr.resample(degraded, rate, dnsmos_network.RATE))


def periodic(reference: np.ndarray, degraded: np.ndarray, rate: int, group: str) -> float:
    """Pitch pulses in the treble (`pulses.periodic`): .7 in clean voices, .45 in noise."""
    return pulses.periodic(*_checked(reference, degraded, rate), rate, group)


def follow(reference: np.ndarray, degraded: np.ndarray, rate: int, group: str) -> float:
    """How closely levels of the treble follow within 20 ms (`pulses.follow`), up to 1."""
    return pulses.follow(*_checked(reference, degraded, rate), rate, group)


FAST_METRICS = {"si_sdr": si_sdr, "estoi": estoi, "mel_distance": mel_distance}


def fast_scores(reference: np.ndarray, degraded: np.ndarray, rate: int) -> dict[str, float]:
    """The metrics cheap enough to follow a training run: SI-SDR (dB), ESTOI, mel distance (dB).

    Never raises on the content of the signals: what cannot be scored is NaN.
    """
    scores = {}
    for name, metric in FAST_METRICS.items():
        try:
            scores[name] = metric(reference, degraded, rate)
        except ValueError:
            scores[name] = float("nan")
    return scores


def _visqol(
    mode: str, visqol_rate: int, reference: np.ndarray, degraded: np.ndarray, rate: int
) -> float:
    try:
        result = _visqol_api(mode).measure_from_arrays(
            soxr.resample(reference, rate, visqol_rate),
            soxr.resample(degraded, rate, visqol_rate),
            visqol_rate,
        )
    except IndexError as error:  # its voice activity detector kept nothing
        raise ValueError("ViSQOL cannot score this signal: less than 0.6 s of voice") from error
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"ViSQOL cannot score this signal: {error}") from error
    return float(result.moslqo)


@lru_cache(maxsize=2)
def _visqol_api(mode: str) -> "VisqolApi":
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode=mode)
    return api


def _checked(
    reference: np.ndarray, degraded: np.ndarray, rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """The pair as float64 `[time]`, or a ValueError that names what is wrong."""
    if rate <= 0:
        raise ValueError(f"the sample rate must be positive, not {rate}")
    if len(reference) != len(degraded):
        raise ValueError(
            f"reference and degraded must be equally long: {len(reference)} and "
            f"{len(degraded)} samples"
        )
    for name, samples in (("reference", reference), ("degraded", degraded)):
        if samples.ndim != 1:
            raise ValueError(f"{name} must be mono, [time], not of shape {samples.shape}")
        if not np.all(np.isfinite(samples)):
            raise ValueError(f"{name} holds NaN or infinite samples")
        if len(samples) == 0 or np.ptp(samples) == 0:
            raise ValueError(f"{name} is silent or empty ({len(samples)} samples)")
    return reference.astype(np.float64), degraded.astype(np.float64)
