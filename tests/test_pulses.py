"""Pulses are found where a voice has them, and missed where noise of the same level stands."""

import numpy as np
import pytest
import scipy.signal

from metrics.pulses import GROUPS, RATE, follow, periodic

PITCH_HZ = 125


def voice(seconds=2.0, rate=RATE):
    """Pulses at PITCH_HZ through a fixed resonance, which decays within a period."""
    pulses = np.zeros(round(seconds * rate))
    pulses[:: rate // PITCH_HZ] = 1.0
    return scipy.signal.lfilter([1.0], [1.0, -0.5], pulses)


def as_noise(samples):
    """Noise with the same spectrum in every 32 ms."""
    _, _, spectrum = scipy.signal.stft(samples, nperseg=512)
    turns = np.exp(2j * np.pi * np.random.default_rng(0).random(spectrum.shape))
    return scipy.signal.istft(spectrum * turns, nperseg=512)[1][: len(samples)]


@pytest.mark.parametrize("group", GROUPS)
def test_noise_in_place_of_pulses_is_seen(group):
    original = voice()
    noisy = as_noise(original)
    assert periodic(original, original, RATE, group) > 0.9
    assert periodic(original, noisy, RATE, group) < 0.65
    assert follow(original, original, RATE, group) == pytest.approx(1.0)
    assert follow(original, noisy, RATE, group) < 0.3


def test_periodic_needs_no_alignment_and_follow_does():
    original = voice()
    late = np.roll(original, RATE // PITCH_HZ // 2)
    assert periodic(original, late, RATE, "1500") > 0.9
    assert follow(original, late, RATE, "1500") < 0.3


def test_any_rate_and_level():
    original = voice(rate=48_000)
    assert periodic(original, 0.1 * original, 48_000, "1500") > 0.8


def test_what_cannot_be_scored_is_named():
    signal = voice()
    with pytest.raises(ValueError, match="100 samples"):
        periodic(signal[:100], signal[:100], RATE, "1500")
    with pytest.raises(ValueError, match="'2000'"):
        follow(signal, signal, RATE, "2000")
