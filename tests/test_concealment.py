"""Losses and pauses: no clicks, no endless buzz, noise of the right colour, speech never cut."""

import numpy as np
import pytest

from soundstream.codec import concealment
from soundstream.codec.comfort_noise import (
    SILENCE,
    NoiseGenerator,
    band_powers,
    describe_noise,
    powers_of,
)
from soundstream.codec.concealment import ConcealingDecoder
from soundstream.codec.pitch import extend
from soundstream.codec.voice_activity import VoiceActivityDetector
from tests import fake_runtime

HOP, RATE = 320, 16_000
NOISE_RMS = 1e-3


class Oscillator:
    """A decoder whose codes are the amplitude, in thousandths, of a steady tone over some noise."""

    def __init__(self, model):
        self.reset()

    def reset(self):
        self.position = 0
        self.random = np.random.default_rng(0)

    def decode(self, codes):
        time = (self.position + np.arange(len(codes) * HOP)) / RATE
        self.position += len(time)
        tone = np.repeat(codes[:, 0] / 1000, HOP) * np.sin(2 * np.pi * 200 * time)
        return (tone + NOISE_RMS * self.random.standard_normal(len(time))).astype(np.float32)


@pytest.fixture
def decoder(monkeypatch):
    monkeypatch.setattr(concealment, "StreamingDecoder", Oscillator)
    return ConcealingDecoder(fake_runtime.CodecModel(fake_runtime.Metadata(hop=HOP)))


def tone(num_frames, amplitude=500):
    return np.full((num_frames, 1), amplitude, np.int32)


def test_without_losses_nothing_changes(decoder):
    np.testing.assert_array_equal(
        np.concatenate(
            [decoder.decode(tone(3)), decoder.decode(tone(0)), decoder.decode(tone(40))]
        ),
        Oscillator(None).decode(tone(43)),
    )


@pytest.mark.parametrize("num_lost", [1, 3, 30])
def test_neither_loss_nor_recovery_clicks(decoder, num_lost):
    pieces = [decoder.decode(tone(50))]
    pieces += [decoder.decode(None) for _ in range(num_lost)]
    pieces += [decoder.decode(tone(10))]
    samples = np.concatenate(pieces)
    steepest = 0.5 * 2 * np.pi * 200 / RATE  # of the tone itself, per sample
    # The background is at most -40 dBFS, mostly in the tone's band, and steps less than its peaks.
    assert np.abs(np.diff(samples)).max() < 1.1 * steepest + 8 * NOISE_RMS
    assert len(samples) == (60 + num_lost) * HOP


def test_a_long_loss_fades_to_the_background(decoder):
    decoder.decode(np.concatenate([tone(40), tone(10, 0)]))
    decoder.decode(tone(10))
    lost = decoder.conceal(60)
    first, later = lost[:HOP], lost[6 * HOP :]
    assert np.std(first) > 0.25
    assert np.std(later) == pytest.approx(NOISE_RMS, rel=0.2)
    again = decoder.decode(tone(5))
    assert np.std(again[HOP:]) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_a_loss_before_anything_was_heard_is_silent(decoder):
    assert not decoder.conceal(3).any()
    assert np.std(decoder.decode(tone(2))) > 0.3


def test_a_pause_sounds_as_described(decoder):
    decoder.decode(tone(50))
    powers = 10.0 ** -np.linspace(3, 6, 8)
    pause = decoder.pause(400, describe_noise(powers))
    measured = band_powers(pause.reshape(-1, HOP)[50:]).mean(axis=0)
    np.testing.assert_allclose(10 * np.log10(measured / powers), 0, atol=1.0)
    assert not decoder.pause(60, SILENCE)[50 * HOP :].std() > 1e-5


def test_a_pause_without_description_is_the_background(decoder):
    decoder.decode(np.concatenate([tone(30), tone(20, 0)]))
    assert np.std(decoder.pause(20, b"")[2 * HOP :]) == pytest.approx(NOISE_RMS, rel=0.2)


def test_reset_forgets_all(decoder):
    first = np.concatenate([decoder.decode(tone(9)), decoder.conceal(9), decoder.decode(tone(1))])
    decoder.reset()
    second = np.concatenate([decoder.decode(tone(9)), decoder.conceal(9), decoder.decode(tone(1))])
    np.testing.assert_array_equal(first, second)


def test_band_powers_of_noise_add_up():
    noise = 0.1 * np.random.default_rng(0).standard_normal((500, HOP))
    powers = band_powers(noise).mean(axis=0)
    assert powers.sum() == pytest.approx(0.01, rel=0.03)
    np.testing.assert_allclose(powers[-1] / powers.sum(), 3 / 8, rtol=0.05)


def test_descriptions_are_half_decibels():
    assert describe_noise(np.array([1.0, 0.1, 1e-12, 0, 2, 0.5, 0.01, 0.89])) == bytes(
        [0, 20, 240, 255, 0, 6, 40, 1]
    )
    powers = powers_of(bytes([0, 20, 255, 6, 40, 60, 80, 100]))
    np.testing.assert_allclose(powers[:3], [1, 0.1, 0])


def test_noise_flows_on_over_calls():
    powers = np.full(8, 1e-4)
    whole = NoiseGenerator(HOP, seed=1).generate(powers, 20)
    generator = NoiseGenerator(HOP, seed=1)
    parts = [generator.generate(powers, num_frames) for num_frames in (5, 15)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def activity(samples):
    detector = VoiceActivityDetector(RATE, HOP)
    parts = [detector.is_active(part) for part in np.split(samples, [HOP * 7, HOP * 70])]
    return np.concatenate(parts)


def test_bursts_over_noise_are_found():
    rng = np.random.default_rng(0)
    samples = 1e-3 * rng.standard_normal(500 * HOP)
    for start in (200, 300, 400):
        samples[start * HOP : (start + 40) * HOP] += 0.02 * rng.standard_normal(40 * HOP)
    active = activity(samples)
    for start in (200, 300, 400):
        assert active[start : start + 40].all()
        assert not active[start + 52 : start + 100].any()
        assert not active[start - 30 : start].any()


def test_digital_silence_is_a_pause_and_loud_sound_never_is():
    assert not activity(np.zeros(200 * HOP)).any()
    assert activity(0.1 * np.sin(np.arange(2000 * HOP) / 5)).all()


def test_soft_speech_from_the_first_sample_is_kept():
    assert activity(10 ** (-50 / 20) * np.random.default_rng(0).standard_normal(100 * HOP)).all()


@pytest.mark.parametrize("frequency", [50, 97, 200, 390])
def test_a_tone_goes_on(frequency):
    time = np.arange(4000) / RATE
    sound = np.sin(2 * np.pi * frequency * time) + 0.5 * np.sin(4 * np.pi * frequency * time)
    past, future = np.split(sound.astype(np.float32), [2000])
    extension = extend(past, 1000, RATE)
    # The period is found to one sample, so phase drifts by as much each time.
    drift = 2 * np.pi * frequency * (1 + 1000 * frequency / RATE) / RATE
    assert np.abs(extension - future[:1000]).max() < 2 * drift
    assert np.abs(np.diff(extension)).max() < 1.3 * np.abs(np.diff(sound)).max()


def test_silence_goes_on_as_silence():
    assert not extend(np.zeros(2000, np.float32), 500, RATE).any()
