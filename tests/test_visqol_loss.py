"""The loss `visqol`: it follows ViSQOL, and has gradients where ViSQOL has a search."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from metrics import quality
from soundstream.audio import read_audio
from tests.test_trainer import make_trainer
from tests.tiny import tiny_config
from tools.study import fit_visqol_map
from training import run, visqol
from training.settings import LossWeights, TrainingSettings
from training.spectra import stft

RATE = visqol.SAMPLE_RATE
NO_WEIGHTS = {field.name: 0.0 for field in dataclasses.fields(LossWeights)}
CLIPS = sorted((Path(__file__).parents[1] / "demo" / "clips").glob("*.flac"))


def voices(count: int, seconds: float = 3.0) -> np.ndarray:
    samples = round(seconds * RATE)
    return np.stack([read_audio(path)[0][:samples, 0] for path in CLIPS[:count]])


def noisy(samples: np.ndarray, snr_db: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=samples.shape)
    level = samples.std() / noise.std() * 10 ** (-snr_db / 20)
    return (samples + level * noise).astype(np.float32)


def loss(reference: np.ndarray | tf.Tensor, decoded: np.ndarray | tf.Tensor) -> tf.Tensor:
    x, y = tf.constant(reference), tf.convert_to_tensor(decoded)
    return visqol.visqol_loss(x, y, stft(x, visqol.WINDOW), stft(y, visqol.WINDOW))


def test_it_is_what_visqol_misses():
    pairs = [(voice, noisy(voice, snr_db)) for voice in voices(3) for snr_db in (0, 10, 20, 30, 45)]
    scores = np.array([quality.visqol_speech(x, y, RATE) for x, y in pairs])
    ours = np.array([visqol.BEST - float(loss(x[None], y[None])) for x, y in pairs])
    assert np.ptp(scores) > 1.5
    assert np.corrcoef(scores, ours)[0, 1] > 0.9
    assert np.abs(scores - ours).mean() < 0.5


def test_equal_signals_lose_little_at_any_level():
    voice = voices(2)
    assert float(loss(voice, voice)) < 0.6
    np.testing.assert_allclose(loss(voice, 0.3 * voice), loss(voice, voice), atol=1e-3)


def test_going_down_its_gradient_raises_visqol():
    voice = voices(1)
    decoded = tf.Variable(noisy(voice, 10))
    before = quality.visqol_speech(voice[0], decoded.numpy()[0], RATE)
    optimizer = tf.keras.optimizers.Adam(3e-4)
    for _ in range(40):
        with tf.GradientTape() as tape:
            value = loss(voice, decoded)
        optimizer.apply_gradients([(tape.gradient(value, decoded), decoded)])
    assert quality.visqol_speech(voice[0], decoded.numpy()[0], RATE) > before + 0.1


def test_gradients_stay_finite_at_digital_silence():
    silence = tf.zeros([1, visqol.SHORTEST])
    for reference in (silence, tf.constant(voices(1)[:, : visqol.SHORTEST])):
        decoded = tf.Variable(silence)
        with tf.GradientTape() as tape:
            value = loss(reference, decoded)
        assert np.isfinite(tape.gradient(value, decoded)).all()


def test_crops_without_a_patch_are_refused():
    short = voices(1)[:, : visqol.SHORTEST - 1]
    with pytest.raises(ValueError, match=r"--crop_seconds=0\.64 or more"):
        loss(short, short)


def test_a_run_with_such_crops_does_not_begin(tmp_path):
    settings = TrainingSettings(weights=LossWeights(visqol=1.0))
    data = run.DataSettings(data_dir="none", crop_seconds=0.62)
    to = run.RunSettings(train_dir=str(tmp_path / "run"), total_steps=1)
    with pytest.raises(ValueError, match=r"^examples of 9920 samples are too short for the loss v"):
        run.train(tiny_config(sample_rate=RATE), settings, data, to)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("balance", [False, True])
def test_it_trains_a_codec(balance):
    config = tiny_config(sample_rate=RATE)
    weights = LossWeights(**NO_WEIGHTS | {"visqol": 1.0})
    trainer = make_trainer(config, weights=weights, balance=balance)
    audio = tf.constant(voices(2, 0.65)[..., None])
    logs = trainer.train_step((audio, audio, tf.zeros([2])))
    assert 0 < float(logs["loss/visqol"]) < 5
    assert float(logs["norm/generator"]) > 0


def test_it_is_for_16_khz():
    with pytest.raises(ValueError, match="weight_visqol is for 16000 Hz, this codec has 8000"):
        make_trainer(tiny_config(), weights=LossWeights(visqol=1.0))


def test_the_map_says_what_the_lattices_say():
    voice = voices(4)
    found = [
        visqol.features(x, y, stft(x, visqol.WINDOW), stft(y, visqol.WINDOW)).numpy()
        for x, y in ((tf.constant(voice), tf.constant(noisy(voice, s))) for s in (5, 15, 30, 45))
    ]
    points = fit_visqol_map.around(np.concatenate(found), 200, seed=1)
    lattices = fit_visqol_map.lattice_quality(points)
    ours = visqol.quality(tf.constant(points)).numpy()
    assert np.corrcoef(lattices, ours)[0, 1] > 0.9
    assert np.sqrt(np.mean((lattices - ours) ** 2)) < 0.4


def test_a_map_learns_what_it_is_shown():
    rng = np.random.default_rng(0)
    points = rng.normal(size=[2000, visqol.FEATURES]).astype(np.float32)
    scores = 2.5 + np.tanh(points[:, 0])
    layers = fit_visqol_map.fit(points, scores, epochs=20, seed=0)
    guessed = visqol.quality(tf.constant(points), layers).numpy()
    assert np.sqrt(np.mean((guessed - scores) ** 2)) < 0.2
