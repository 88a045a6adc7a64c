"""The denoising switch: identity at the start, switched by frame, and off is the plain codec."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from export.to_tflite import export_model
from model.denoiser import Denoiser
from model.soundstream import SoundStream
from model.weights import load_model, named_weights, save_model, weights_hash
from tests.contract import TINY, fit_codebooks, randomize
from tests.test_trainer import SETTINGS, make_trainer
from tests.tiny import SMALL_SWITCH, harmonic_batch
from training import checkpoints
from training.settings import LossWeights

FRAMES = 12
SWITCHED = TINY.replace(**SMALL_SWITCH)
BOTH_SIDES = SWITCHED.replace(denoise_decoder=True)


@pytest.fixture(scope="module")
def audio():
    return tf.constant(harmonic_batch(2, FRAMES * TINY.hop))


@pytest.fixture(scope="module")
def plain(audio):
    model = SoundStream(TINY)
    randomize(model)
    fit_codebooks(model, audio)
    return model


@pytest.fixture(scope="module")
def denoiser():
    layer = Denoiser(SWITCHED)
    randomize(layer)
    return layer


@pytest.fixture(scope="module")
def noisy():
    """What some encoder makes of the audio."""
    return tf.random.stateless_normal([2, FRAMES, TINY.embedding_dim], [0, 1])


def test_begins_as_the_encoder_and_learns_in_all_its_parts(audio):
    codec = SoundStream(SWITCHED)
    x, cleaned = codec.denoiser(audio, codec.encoder(audio))
    np.testing.assert_array_equal(x, codec.encoder(cleaned))
    # Gains begin a little below 1.
    assert 0 < np.abs(cleaned - audio).max() < 0.1 * np.abs(audio).max()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(codec.embed(audio, tf.ones([1, 1])) ** 2)
    part = codec.denoiser
    kernels = [
        net.layers[-1].kernel for net in (part.band_gains.net, part.encoder, part.modulation)
    ]
    for gradient in tape.gradient(loss, kernels):
        assert np.any(gradient.numpy() != 0)


@pytest.mark.parametrize("chunks", [[1] * FRAMES, [3, 1, 6, 2]])
def test_steps_are_the_whole_signal(denoiser, audio, noisy, chunks):
    state, pieces = denoiser.initial_state(2), []
    parts = tf.split(audio, [n * TINY.hop for n in chunks], axis=1), tf.split(noisy, chunks, axis=1)
    for x, embeddings in zip(*parts, strict=True):
        y, state = denoiser.step(x, embeddings, state)
        pieces.append(y)
    np.testing.assert_allclose(tf.concat(pieces, axis=1), denoiser(audio, noisy)[0], atol=1e-5)


def test_it_does_not_look_into_the_next_frame(denoiser, audio, noisy):
    half = FRAMES // 2
    before = denoiser(audio, noisy)[0].numpy()
    other_audio = tf.concat([audio[:, : half * TINY.hop], -audio[:, half * TINY.hop :]], axis=1)
    other_noisy = tf.concat([noisy[:, :half], -noisy[:, half:]], axis=1)
    for after in denoiser(other_audio, noisy)[0].numpy(), denoiser(audio, other_noisy)[0].numpy():
        np.testing.assert_array_equal(after[:, :half], before[:, :half])
        assert np.abs(after[:, half] - before[:, half]).max() > 1e-3


def test_it_can_let_pass_what_the_codec_heard(audio, noisy):
    layer, dim = Denoiser(SWITCHED), TINY.embedding_dim
    bias = layer.modulation.layers[-1].bias
    for share in (1.0, 0.25):
        bias.assign(tf.concat([tf.zeros([2 * dim]), tf.fill([dim], share)], axis=0))
        embeddings, cleaned = layer(audio, noisy)
        own = layer.encoder(cleaned)
        np.testing.assert_allclose(embeddings, share * noisy + (1 - share) * own, atol=1e-5)


@pytest.mark.parametrize("config", [SWITCHED, BOTH_SIDES], ids=["encoder", "both sides"])
@pytest.mark.parametrize("file", ["weights.npz", "resume.npz"])
def test_a_switch_added_to_released_weights_changes_nothing_at_first(
    plain, audio, tmp_path, config, file
):
    if file == "weights.npz":
        save_model(plain, tmp_path / file)
    else:
        trainer = make_trainer(TINY)
        for a, b, c in zip(
            plain.weights, trainer.average.weights, trainer.codec.weights, strict=True
        ):
            b.assign(a)
            c.assign(0.9 * a)  # what is shipped is the average, not the last step
        trainer.steps_done.assign(77)
        checkpoints.save_compact(trainer, tmp_path / file)
    shipped = checkpoints.load_codec(tmp_path / file)
    trainer = make_trainer(config)
    assert checkpoints.start(trainer, tmp_path / file) == 0
    for model in (trainer.codec, trainer.average):
        np.testing.assert_array_equal(model(audio, 3), shipped(audio, 3))
        on, cleaned = model.denoiser(audio, model.encoder(audio))
        np.testing.assert_array_equal(on, shipped.embed(cleaned))
    # Without a part in the decoder, files made before are still this codec's.
    same = weights_hash(trainer.average) == weights_hash(shipped)
    assert same == (not config.denoise_decoder)
    assert float(trainer.codebook_trainer.counts.numpy().sum()) > 0  # so: no k-means start


def test_a_compact_checkpoint_of_the_same_codec_is_gone_on_with(tmp_path):
    trainer = make_trainer(SWITCHED)
    trainer.steps_done.assign(77)
    checkpoints.save_compact(trainer, tmp_path / "resume.npz")
    assert checkpoints.start(make_trainer(SWITCHED), tmp_path / "resume.npz") == 77


def test_another_codec_is_no_start(plain, tmp_path):
    save_model(plain, tmp_path / "weights.npz")
    with pytest.raises(ValueError, match="not the one asked for"):
        checkpoints.start(
            make_trainer(SWITCHED.replace(num_quantizers=3)), tmp_path / "weights.npz"
        )


@pytest.mark.parametrize("config", [SWITCHED, BOTH_SIDES], ids=["encoder", "both sides"])
def test_trained_alone_the_switched_off_codec_stays_the_plain_one(plain, audio, tmp_path, config):
    save_model(plain, tmp_path / "weights.npz")
    trainer = make_trainer(config, denoiser_only=True)
    checkpoints.start(trainer, tmp_path / "weights.npz")
    noise = tf.random.stateless_normal(audio.shape, [0, 3], stddev=0.1)
    step = tf.function(trainer.train_step)
    for _ in range(3):
        logs = step((audio + noise, audio, tf.constant([1.0, 0.0])))
    assert np.isfinite(logs["loss/mel"]) and int(trainer.steps_skipped) == 0
    shipped = load_model(tmp_path / "weights.npz")
    named = named_weights(trainer.codec)
    for name, variable in named_weights(shipped).items():
        np.testing.assert_array_equal(named[name], variable, err_msg=name)
    np.testing.assert_array_equal(trainer.average(audio, 3), shipped(audio, 3))
    on = trainer.codec.embed(audio, tf.ones([1, 1]))
    assert np.abs(on - shipped.embed(audio)).max() > 1e-4


def test_band_gains_may_be_left_as_they_are(audio):
    trainer = make_trainer(SWITCHED, denoiser_only=True, fixed_band_gains=True)
    before = {name: variable.numpy() for name, variable in named_weights(trainer.codec).items()}
    tf.function(trainer.train_step)((audio, audio, tf.ones([2])))
    changed = {
        name
        for name, variable in named_weights(trainer.codec).items()
        if np.any(variable != before[name])
    }
    assert {name.split("/")[1] for name in changed} == {"encoder", "modulation"}
    with pytest.raises(ValueError, match="fixed_band_gains=True needs denoiser_only=True"):
        make_trainer(SWITCHED, fixed_band_gains=True)
    with pytest.raises(ValueError, match="and a denoiser"):
        make_trainer(TINY, denoiser_only=True, fixed_band_gains=True)


def test_a_codec_takes_the_denoiser_of_another(plain, audio, noisy, tmp_path):
    other = SoundStream(SWITCHED)
    randomize(other, seed=1)
    save_model(other, tmp_path / "other.npz", half_precision=False)
    save_model(plain, tmp_path / "plain.npz", half_precision=False)
    trainer = make_trainer(SWITCHED)
    assert checkpoints.start(trainer, tmp_path / "plain.npz") == 0
    checkpoints.adopt_denoiser(trainer, tmp_path / "other.npz")
    for model in (trainer.codec, trainer.average):
        np.testing.assert_array_equal(model(audio, 3), plain(audio, 3))
        on, other_on = (codec.denoiser(audio, noisy)[0] for codec in (model, other))
        np.testing.assert_array_equal(on, other_on)


def test_a_denoiser_that_does_not_fit_is_named(plain, tmp_path):
    save_model(plain, tmp_path / "plain.npz")
    with pytest.raises(
        ValueError, match=r"plain\.npz has no denoiser/band_gains/net/first/kernel of shape"
    ):
        checkpoints.adopt_denoiser(make_trainer(SWITCHED), tmp_path / "plain.npz")
    with pytest.raises(ValueError, match="without denoise=True cannot take its denoiser"):
        checkpoints.adopt_denoiser(make_trainer(TINY), tmp_path / "plain.npz")


def test_a_decoder_with_a_switch_needs_one_in_the_encoder():
    with pytest.raises(ValueError, match="denoise_decoder=True needs denoise=True"):
        TINY.replace(denoise_decoder=True)


def test_int8_is_refused(tmp_path):
    model = SoundStream(SWITCHED)
    int8_models = {"int8": SoundStream(SWITCHED.replace(int8_nets=True))}
    with pytest.raises(ValueError, match="int8: not for models with a denoising switch"):
        export_model(model, tmp_path, ["int8"], [3200], int8_models=int8_models)


@pytest.mark.parametrize("name", ["embedding", "cleaned"])
def test_losses_before_the_decoder_teach_without_it(plain, audio, tmp_path, name):
    save_model(plain, tmp_path / "weights.npz")
    silent = {field.name: 0.0 for field in dataclasses.fields(LossWeights)}
    weights = LossWeights(**silent | {name: 1.0})
    schedule = dataclasses.replace(SETTINGS.schedule, adversarial_start=1000, quantizer_start=1000)
    trainer = make_trainer(
        SWITCHED, denoiser_only=True, weights=weights, schedule=schedule, learning_rate=1e-2
    )
    checkpoints.start(trainer, tmp_path / "weights.npz")
    noisy = audio + tf.random.stateless_normal(audio.shape, [0, 3], stddev=0.1)
    step = tf.function(trainer.train_step)
    logs = [step((noisy, audio, tf.ones([2]))) for _ in range(30)]
    assert "loss/mel" not in logs[0] and int(trainer.steps_skipped) == 0
    assert logs[-1][f"loss/{name}"] < 0.5 * logs[0][f"loss/{name}"]
    # Switched off, the input is the target, and nothing is to be mended.
    assert step((noisy, noisy, tf.zeros([2])))[f"loss/{name}"] == 0.0


@pytest.mark.parametrize("name", ["embedding", "cleaned"])
def test_balanced_losses_are_those_of_audio(name):
    weights = dataclasses.replace(SETTINGS.weights, **{name: 1.0})
    with pytest.raises(ValueError, match=f"not weight_{name}"):
        make_trainer(SWITCHED, weights=weights, balance=True)
