import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from tests.test_pulses import as_noise, voice
from tests.tiny import harmonic_batch
from training import auditory, losses, spectra
from training.balancer import Balancer


@pytest.mark.parametrize("window", [64, 256, 512, 1024, 2048])
def test_stft_is_scipys(window):
    x = harmonic_batch(2, 4096)[..., 0]
    ours = spectra.stft(tf.constant(x), window)
    hop = window // 4
    padded = np.pad(x, [(0, 0), (window - hop, window - hop)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)[:, ::hop]
    taper = scipy.signal.get_window("hann", window)
    expected = np.fft.rfft(frames * taper) * 2 / window
    np.testing.assert_allclose(ours.real, expected.real, atol=2e-6)
    np.testing.assert_allclose(ours.imag, expected.imag, atol=2e-6)


def test_stft_covers_a_length_that_is_no_multiple_of_the_hop():
    impulse = np.zeros((1, 1001), np.float32)
    impulse[0, -1] = 1
    energy = tf.reduce_sum(tf.square(spectra.stft(tf.constant(impulse), 256).magnitude()))
    middle = np.roll(impulse, -500, axis=1)
    expected = tf.reduce_sum(tf.square(spectra.stft(tf.constant(middle), 256).magnitude()))
    np.testing.assert_allclose(energy, expected, rtol=1e-3)


def test_mel_filters_have_unit_sum_and_none_is_empty():
    for window, bins in losses.MEL_BINS.items():
        filters = spectra.mel_matrix(window, bins, 16_000)
        assert filters.shape == (window // 2 + 1, bins)
        np.testing.assert_allclose(filters.sum(axis=0), 1, rtol=1e-5)


def _all_losses(x, y):
    a, b = losses.spectra(tf.constant(x)), losses.spectra(tf.constant(y))
    return np.array(
        [
            losses.mel_loss(a, b, 8000),
            losses.complex_loss(a, b),
            losses.waveform_loss(tf.constant(x), tf.constant(y)),
        ]
    )


def test_losses_vanish_for_equal_signals_and_grow_with_the_error():
    x = harmonic_batch(2, 4000)[..., 0]
    noise = np.random.default_rng(0).normal(size=x.shape).astype(np.float32) * 0.05
    assert (_all_losses(x, x) < 2e-3).all()
    assert (_all_losses(x, x + 0.1 * noise) < _all_losses(x, x + noise)).all()


def test_relative_losses_do_not_depend_on_level():
    x = harmonic_batch(2, 4000)[..., 0]
    loud = _all_losses(x, 0.5 * x)
    quiet = _all_losses(0.3 * x, 0.15 * x)
    # Not exactly: below -60 dBFS a signal counts less and less.
    np.testing.assert_allclose(loud[1:], quiet[1:], rtol=0.12)


def test_waveform_loss_sees_phase_which_mel_loss_does_not():
    x = harmonic_batch(2, 4000)[..., 0]
    mel, _, waveform = _all_losses(x, -x)
    assert mel < 1e-3
    assert waveform > 1.8


def _noise(seconds=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return 0.1 * rng.normal(size=[1, round(16_000 * seconds)]).astype(np.float32)


def _band_losses(x, y):
    windows = auditory.WINDOWS
    x, y = losses.spectra(tf.constant(x), windows), losses.spectra(tf.constant(y), windows)
    return {k: float(v) for k, v in auditory.band_losses(x, y, 16_000).items()}


def test_complex_loss_counts_only_its_share_of_the_spectrum():
    time = np.arange(16_000) / 16_000
    low, high = (np.sin(2 * np.pi * f * time).astype(np.float32)[None] for f in (500, 4000))
    reference, treble_lost, bass_lost = (
        losses.spectra(tf.constant(x), [512]) for x in (low + high, low, high)
    )
    assert losses.complex_loss(reference, treble_lost) > 0.4
    assert losses.complex_loss(reference, treble_lost, share=0.25) < 0.01
    assert losses.complex_loss(reference, bass_lost, share=0.25) > 0.9


def test_band_losses_see_levels_and_movement_but_not_waveforms():
    """Two noises of one envelope differ little, beside one that does not follow it."""
    envelope = np.repeat(10 ** np.random.default_rng(1).uniform(-1, 0, [1, 25]), 640, axis=1)
    moving = (_noise() * envelope).astype(np.float32)
    same = _band_losses(moving, moving)
    assert same["bands"] < 1e-5 and same["nsim"] < 1e-3
    other = _band_losses(moving, (_noise(seed=2) * envelope).astype(np.float32))
    steady = _band_losses(moving, _noise(seed=2) * 0.4)
    assert other["nsim"] < 0.75 * steady["nsim"]
    assert other["bands"] < 0.5 * steady["bands"]
    quieter = _band_losses(moving, 0.5 * moving)
    assert quieter["bands"] == pytest.approx(0.602, abs=0.01)
    assert quieter["nsim"] < 1e-3


def _loudness_loss(x, y):
    x, y = (spectra.stft(tf.constant(s.astype(np.float32)), 512) for s in (x, y))
    return float(auditory.loudness_loss(x, y, 16_000))


def test_loudness_loss_minds_what_is_added_more_than_what_is_missing():
    time = np.arange(16_000) / 16_000
    tone = 0.1 * np.sin(2 * np.pi * 500 * time)[None]
    noise = 0.02 * _noise()
    assert _loudness_loss(tone, tone) < 2e-3
    assert _loudness_loss(tone, tone + noise) > 2 * _loudness_loss(tone + noise, tone)
    # Under the loud tone itself the same noise is masked, in part.
    beside = 0.005 * np.sin(2 * np.pi * 900 * time)[None]
    under = 0.005 * np.sin(2 * np.pi * 505 * time)[None]
    assert _loudness_loss(tone, tone + beside) > 3 * _loudness_loss(tone, tone + under)


def test_loudness_loss_does_not_depend_on_the_recordings_level():
    x, y = _noise(), _noise(seed=2)
    assert _loudness_loss(0.1 * x, 0.1 * y) == pytest.approx(_loudness_loss(x, y), rel=1e-3)


def test_bark_bands_cover_every_line_and_hear_best_at_3_khz():
    filters, threshold = auditory.bark_filters(512, 49, 16_000)
    assert (filters.sum(axis=1) >= 1).all() and (filters.sum(axis=0) > 0).all()
    centres = np.arange(257) @ filters / filters.sum(axis=0) * 16_000 / 512
    assert 2500 < centres[threshold.argmin()] < 4000


def test_gammatone_filters_are_scipys():
    matrix = auditory.gammatone_matrix(2048, 21, 16_000)
    lines = np.arange(1025) * 16_000 / 2048
    for band in (4, 12, 18):
        b, a = scipy.signal.gammatone(lines[matrix[:, band].argmax()], "iir", fs=16_000)
        response = np.abs(scipy.signal.freqz(b, a, lines, fs=16_000)[1]) ** 2
        loud = matrix[:, band] > 0.05
        np.testing.assert_allclose(10 * np.log10(response[loud] / matrix[loud, band]), 0, atol=1.5)


def test_gradients_stay_finite_at_digital_silence():
    x = tf.Variable(tf.zeros([1, 2048]))
    target = tf.zeros([1, 2048])
    with tf.GradientTape() as tape:
        a, b = losses.spectra(target), losses.spectra(x)
        loss = losses.mel_loss(a, b, 8000) + losses.complex_loss(a, b)
        loss += losses.waveform_loss(target, x)
        windows = auditory.WINDOWS
        a, b = losses.spectra(target, windows), losses.spectra(x, windows)
        loss += tf.add_n(list(auditory.band_losses(a, b, 8000).values()))
        loss += auditory.loudness_loss(a[512], b[512], 8000)
    assert np.isfinite(tape.gradient(loss, x).numpy()).all()


def test_hinge_losses_are_the_papers():
    real, fake = [tf.constant([2.0, 0.5])], [tf.constant([-2.0, 0.0])]
    assert losses.discriminator_loss(real, fake).numpy() == pytest.approx(0.25 + 0.5)
    assert losses.adversarial_loss(fake).numpy() == pytest.approx((3 + 1) / 2)


def test_feature_loss_is_relative_to_the_real_maps():
    maps = [[tf.constant([[2.0, 2.0]]), tf.constant([[1.0]])]]
    half = [[m / 2 for m in maps[0]]]
    assert losses.feature_loss(maps, half).numpy() == pytest.approx(0.5, rel=1e-2)


def test_balancer_gives_each_loss_its_share_of_the_gradient():
    """Expected usage: two losses of very different scale, weights 3 to 1."""
    balancer = Balancer({"small": 3.0, "large": 1.0})
    decoded = tf.Variable([[1.0, 0.0], [1.0, 0.0]])
    with tf.GradientTape(persistent=True) as tape:
        named = {
            "small": 1e-3 * tf.reduce_sum(decoded[:, 0]),
            "large": 1e3 * tf.reduce_sum(decoded[:, 1]),
        }
    mix = balancer(named, decoded, tape).numpy()
    np.testing.assert_allclose(mix, [[0.75, 0.25]] * 2, rtol=1e-4)


def test_embeddings_are_compared_relative_to_their_energy():
    reference = 100.0 * tf.random.stateless_normal([2, 5, 8], [0, 1])
    assert losses.embedding_loss(reference, reference) == 0.0
    np.testing.assert_allclose(losses.embedding_loss(reference, 1.1 * reference), 0.01, rtol=1e-3)
    quiet = 1e-3 * reference / 100.0
    assert losses.embedding_loss(quiet, 1.1 * quiet) < 1e-6


def test_cleaned_loss_hears_levels_and_not_phase_or_loudness():
    clean = tf.constant(harmonic_batch(2, 8000)[..., 0])
    noise = 0.05 * tf.random.stateless_normal(clean.shape, [0, 0])
    loss = float(losses.cleaned_loss(clean, clean + noise))
    assert losses.cleaned_loss(clean, clean) == 0.0
    assert losses.cleaned_loss(clean, -clean) < 1e-9
    assert losses.cleaned_loss(clean, clean + 0.3 * noise) < 0.7 * loss
    # Half as loud, the noise is as bad.
    np.testing.assert_allclose(losses.cleaned_loss(clean / 2, (clean + noise) / 2), loss, rtol=0.1)
    silence = tf.zeros_like(clean)
    with tf.GradientTape() as tape:
        tape.watch(silence)
        loss = losses.cleaned_loss(silence, silence)
    assert np.isfinite(tape.gradient(loss, silence)).all()


def test_pulse_loss_sees_noise_in_place_of_pulses_and_no_level():
    original = voice(1.0)
    noisy = as_noise(original)

    def loss(x, y):
        a, b = (spectra.stft(tf.constant(s[None], tf.float32), 64) for s in (x, y))
        return float(auditory.pulse_loss(a, b, 16_000))

    assert loss(original, original) < 0.01
    assert loss(original, noisy) > 0.5
    assert loss(original, 0.5 * original) < 0.02
    mixed = original + 0.3 * noisy
    assert loss(original, mixed) < 0.7 * loss(original, noisy)


def test_pulse_loss_has_finite_gradients_in_silence():
    x = tf.zeros([1, 4000])
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = auditory.pulse_loss(*(spectra.stft(s, 64) for s in (x, x)), 16_000)
    assert np.all(np.isfinite(tape.gradient(loss, x)))
