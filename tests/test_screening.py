"""What is refused and why, and how silence is trimmed."""

import numpy as np
import pytest

from data.screening import (
    KEPT_SILENCE_SECONDS,
    bandwidth_hz,
    clipped_share,
    refusal,
    refusal_of_source,
    trim_silence,
    without_offset,
)

RATE = 16_000


def noise(seconds: float, cutoff_hz: float = 8_000.0, level: float = 0.1) -> np.ndarray:
    """White noise below a cutoff, float32 [time]."""
    samples = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(samples) * level)
    spectrum[np.fft.rfftfreq(samples, 1 / RATE) > cutoff_hz] = 0.0
    return np.fft.irfft(spectrum, n=samples).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "kind", "reason"),
    [
        pytest.param(noise(1.0), "speech", None, id="wideband"),
        pytest.param(noise(1.0, 6_800.0), "speech", None, id="rolls off at 6.8 kHz"),
        pytest.param(noise(1.0, 3_400.0), "speech", "narrowband", id="telephone"),
        pytest.param(noise(1.0, 3_400.0), "noise", None, id="dull noise is noise"),
        pytest.param(noise(0.05), "speech", "too short: 0.05 s", id="short"),
        pytest.param(np.zeros(0, np.float32), "speech", "too short", id="empty"),
        pytest.param(noise(1.0, level=1e-4), "speech", "near-silent", id="quiet"),
        pytest.param(np.zeros(RATE, np.float32), "noise", "near-silent", id="digital silence"),
    ],
)
def test_refusal(samples, kind, reason):
    found = refusal(samples, RATE, kind)
    assert found is None if reason is None else found.startswith(reason)


def test_narrowband_follows_the_target_rate():
    # Content to 7.5 kHz fills 16 kHz audio, not 24 kHz audio.
    wide = noise(1.0, 7_500.0)
    assert refusal(wide, 16_000, "speech") is None
    upsampled = np.fft.irfft(np.fft.rfft(wide), n=24_000).astype(np.float32) * 1.5
    assert refusal(upsampled, 24_000, "speech").startswith("narrowband: nothing above 7")


def test_bandwidth_finds_the_cutoff():
    assert abs(bandwidth_hz(noise(2.0, 4_000.0), RATE) - 4_000.0) < 200.0


def test_clipped_recordings_are_found():
    loud = noise(1.0, 500.0, level=2.0)
    clipped = np.clip(loud, -0.5, 0.5)  # tops of several samples each
    assert clipped_share(loud) == 0.0
    assert clipped_share(clipped) == pytest.approx(np.mean(np.abs(clipped) == 0.5), rel=0.1)
    assert refusal_of_source(clipped, RATE, RATE, "speech").startswith("clipped")
    assert refusal_of_source(clipped, RATE, RATE, "noise") is None
    # Quiet recordings look flat for their 16 bits' sake.
    assert clipped_share(np.round(clipped * 10) / 32768) == 0.0


def test_low_rates_and_damage_are_refused():
    samples = noise(1.0)
    assert (
        refusal_of_source(samples, 8_000, RATE, "speech") == "low rate: 8000 Hz is below 16000 Hz"
    )
    samples[5] = np.nan
    assert refusal_of_source(samples, RATE, RATE, "noise").startswith("damaged")


@pytest.mark.parametrize("seconds", [(0.0, 0.0), (0.05, 0.1), (0.5, 1.0)])
def test_silent_ends_are_trimmed_to_what_is_kept(seconds):
    before, after = (np.zeros(round(s * RATE), np.float32) for s in seconds)
    speech = noise(1.0)
    trimmed = trim_silence(np.concatenate([before, speech, after]), RATE)
    kept = sum(min(s, KEPT_SILENCE_SECONDS) for s in seconds)
    assert len(trimmed) / RATE == pytest.approx(1.0 + kept, abs=0.011)
    assert np.abs(trimmed).sum() == pytest.approx(np.abs(speech).sum())


def test_only_large_offsets_are_removed():
    samples = noise(1.0) - noise(1.0).mean()
    assert abs(without_offset(samples + np.float32(0.1)).mean()) < 1e-6
    np.testing.assert_array_equal(
        without_offset(samples + np.float32(5e-4)), samples + np.float32(5e-4)
    )
