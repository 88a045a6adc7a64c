import numpy as np
import pytest

from metrics.artefacts import level_dbfs, line_excess_db

RATE = 16_000


def _noise(seconds: float = 8.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).normal(size=round(seconds * RATE))


def test_a_pattern_per_frame_whistles_and_noise_does_not():
    noise = _noise()
    pattern = np.tile(noise[:320], len(noise) // 320)
    assert abs(line_excess_db(noise, RATE, 50)) < 1
    assert line_excess_db(pattern, RATE, 50) > 30
    assert 5 < line_excess_db(noise[: len(pattern)] + pattern[::-1], RATE, 50) < 15


def test_other_frame_rates():
    noise = _noise()[:144_000]
    pattern = np.tile(noise[:320], len(noise) // 320)
    assert line_excess_db(pattern, 24_000, 75) > 30


@pytest.mark.parametrize("line_hz", [0, -50, 75])
def test_a_period_between_samples_is_refused(line_hz):
    with pytest.raises(ValueError, match=f"line_hz={line_hz}"):
        line_excess_db(_noise(), RATE, line_hz)


def test_a_short_signal_is_refused():
    with pytest.raises(ValueError, match="100 samples"):
        line_excess_db(np.ones(100), RATE, 50)


def test_levels():
    time = np.arange(RATE) / RATE
    assert level_dbfs(np.sin(2 * np.pi * 100 * time)) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs(np.zeros(100)) == -200
