"""Metrics: values that follow from their definitions, and what they refuse."""

import math

import numpy as np
import pytest

from metrics import mel, quality

RATE = 16_000
SCORES = (
    quality.si_sdr,
    quality.estoi,
    quality.mel_distance,
    quality.visqol_speech,
    quality.visqol_audio,
    quality.pesq_wb,
    quality.dnsmos,
)


def voice(seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    """A voice-like signal: harmonics of a wavering pitch, syllables of 0.25 s."""
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(130 + 20 * np.sin(2 * np.pi * 0.7 * time)) / rate
    harmonics = sum(np.sin(k * phase) / k for k in range(1, 40) if k * 150 < rate / 2)
    return (0.1 * harmonics * np.sin(np.pi * 4 * time) ** 2).astype(np.float32)


def noisy(samples: np.ndarray, snr_db: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=len(samples))
    level = np.sqrt(np.mean(samples**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    return (samples + level * noise).astype(np.float32)


def test_si_sdr_is_the_ratio_of_signal_to_added_noise_at_any_gain():
    samples = voice()
    noise = np.random.default_rng(1).normal(size=len(samples))
    noise -= noise.mean()
    centred = samples - samples.mean()
    noise -= np.dot(noise, centred) / np.dot(centred, centred) * centred  # orthogonal
    noise *= np.linalg.norm(centred) / np.linalg.norm(noise) * 10 ** (-12 / 20)
    for gain in (0.01, 1.0, -3.0):
        assert quality.si_sdr(samples, gain * (samples + noise), RATE) == pytest.approx(
            12, abs=1e-3
        )


def test_si_sdr_of_a_copy_is_the_documented_maximum():
    assert quality.si_sdr(voice(), voice(), RATE) == pytest.approx(quality.MAX_SI_SDR_DB)


def test_mel_distance_of_a_gain_is_that_gain_in_db():
    noise = 0.1 * np.random.default_rng(0).normal(size=2 * RATE)  # every band far above the floor
    assert quality.mel_distance(noise, noise, RATE) == 0
    assert quality.mel_distance(noise, 0.5 * noise, RATE) == pytest.approx(20 * math.log10(2), 1e-3)


def test_mel_distance_takes_any_rate():
    noise = 0.1 * np.random.default_rng(0).normal(size=96_000)
    assert quality.mel_distance(noise, 0.5 * noise, 96_000) == pytest.approx(6.02, abs=0.5)


def test_mel_distance_ignores_what_lies_below_the_floor():
    reference = voice() + 1e-7 * np.random.default_rng(0).normal(size=2 * RATE)
    louder_floor = reference + 1e-6 * np.random.default_rng(1).normal(size=2 * RATE)
    assert quality.mel_distance(reference, louder_floor, RATE) < 0.01


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("window", mel.WINDOWS)
def test_a_full_scale_sine_is_near_0_db_in_its_band_only(rate, window):
    sine = np.sin(2 * np.pi * rate / 4 * np.arange(rate) / rate)
    levels = mel.mel_decibels(sine, rate, window)[len(sine) // window]
    # A band takes the mean over its bins: one that is several bins wide reads lower.
    assert -12 < levels.max() < 2
    assert np.median(levels) < -40 or len(levels) <= 20


@pytest.mark.parametrize("score", SCORES)
def test_every_metric_ranks_less_noise_better(score):
    samples = voice()
    clean, good, bad = (score(samples, noisy(samples, snr), RATE) for snr in (60, 20, 0))
    sign = -1 if score is quality.mel_distance else 1
    assert sign * clean > sign * good > sign * bad


@pytest.mark.parametrize("score", [quality.visqol_speech, quality.pesq_wb, quality.estoi])
def test_other_rates_are_resampled(score):
    samples = voice(rate=48_000)
    assert score(samples, samples, 48_000) == pytest.approx(score(voice(), voice(), RATE), abs=0.1)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    ("reference", "degraded", "message"),
    [
        (np.ones(3), np.ones(4), "3 and 4 samples"),
        (np.ones((4, 2)), np.ones((4, 2)), r"mono.*\(4, 2\)"),
        (np.arange(4.0), np.array([1, 2, np.nan, 3]), "degraded holds NaN"),
        (np.zeros(RATE), np.arange(RATE), "reference is silent"),
        (np.zeros(0), np.zeros(0), r"empty \(0 samples\)"),
    ],
)
def test_signals_that_cannot_be_scored_are_named(score, reference, degraded, message):
    with pytest.raises(ValueError, match=message):
        score(reference, degraded, RATE)


@pytest.mark.parametrize(
    "score",
    [quality.visqol_speech, quality.visqol_audio, quality.pesq_wb],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("samples", [5, 400, 2000])
def test_too_short_signals_raise_one_kind_of_error(score, samples):
    short = voice()[1000 : 1000 + samples]
    with pytest.raises(ValueError, match="cannot score"):
        score(short, short, RATE)


def test_estoi_of_too_little_voice_is_nan():
    assert math.isnan(quality.estoi(voice(0.3), voice(0.3), RATE))
    click = np.zeros(RATE)
    click[100:110] = 0.5
    assert math.isnan(quality.estoi(click, click, RATE))


def test_dnsmos_equals_its_authors_script():
    # The right values are those of speechmos.dnsmos.run, 0.0.1.1, with librosa 0.11.0.
    assert quality.dnsmos(voice(), voice(), RATE) == pytest.approx(2.36722, abs=1e-3)
    noise = noisy(voice(), 0)
    assert quality.dnsmos(voice(), noise, RATE) == pytest.approx(1.10160, abs=1e-3)


def test_fast_scores_never_raise():
    good = quality.fast_scores(voice(), noisy(voice(), 20), RATE)
    assert list(good) == ["si_sdr", "estoi", "mel_distance"]
    assert all(math.isfinite(value) for value in good.values())
    silent = quality.fast_scores(voice(), np.zeros(2 * RATE), RATE)
    assert all(math.isnan(value) for value in silent.values())
