"""Training of the decoder alone: codes stay what they are, also where the decoder grows."""

import numpy as np
import pytest
import tensorflow as tf

from model.soundstream import SoundStream
from model.weights import named_weights, save_model, weights_hash
from tests.test_trainer import batch, make_trainer, moved, values
from tests.tiny import tiny_config
from training import checkpoints
from training.growth import take_grown

PLAIN = tiny_config(decoder_hidden=(), decoder_dilations=())
WIDE = PLAIN.replace(decoder_hidden=(2.0, 1.0), decoder_dilations=((1, 3, 9), (1, 3)))


def test_only_the_decoder_learns():
    trainer = make_trainer(decoder_only=True)
    before = {name: v.numpy() for name, v in named_weights(trainer.codec).items()}
    logs = trainer.train_step(batch())
    assert "loss/commitment" not in logs
    changed = {
        name
        for name, variable in named_weights(trainer.codec).items()
        if not np.array_equal(before[name], variable.numpy())
    }
    assert changed and all(name.startswith("decoder/") for name in changed)


def test_the_decoder_gets_what_is_sent():
    trainer = make_trainer(decoder_only=True, min_quantizers=4)
    embeddings = trainer.codec.embed(batch()[0])
    received = trainer._received(embeddings, tf.constant([0, 0]))
    sent = trainer.codec.quantizer.decode(trainer.codec.quantizer.encode(embeddings, 4))
    np.testing.assert_allclose(received, sent, atol=1e-6)


def test_levels_that_are_dropped_are_not_received():
    quantizer = make_trainer().codec.quantizer
    embeddings = tf.random.stateless_normal([2, 5, PLAIN.embedding_dim], [0, 1])
    codes = quantizer.encode(embeddings, PLAIN.num_quantizers)
    received = quantizer.coded(embeddings, tf.constant([1, 3]))
    np.testing.assert_allclose(received[0], quantizer.decode(codes[:1, :, :1])[0], atol=1e-6)
    np.testing.assert_allclose(received[1], quantizer.decode(codes[1:, :, :3])[0], atol=1e-6)


def test_a_grown_decoder_computes_what_it_did_and_can_learn_more():
    source, grown = SoundStream(PLAIN), SoundStream(WIDE)
    take_grown(grown, source)
    audio = batch()[0]
    np.testing.assert_allclose(grown(audio, 4), source(audio, 4), atol=1e-6)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(grown(audio, 4) - audio))
    new = grown.decoder.layers[-4].body.layers[-1].kernel
    assert np.abs(tape.gradient(loss, new)).max() > 0


def test_growth_refuses_other_codecs():
    with pytest.raises(ValueError, match="decoder_hidden and decoder_dilations"):
        take_grown(SoundStream(WIDE), SoundStream(PLAIN.replace(embedding_dim=8)))
    with pytest.raises(ValueError, match="has no place"):
        take_grown(SoundStream(PLAIN), SoundStream(WIDE))


def test_a_decoder_trained_on_keeps_the_id_of_its_codes(tmp_path):
    source = SoundStream(PLAIN)
    save_model(source, tmp_path / "weights.npz", half_precision=False)
    trainer = make_trainer(WIDE.replace(codes_of=weights_hash(source)), decoder_only=True)
    assert checkpoints.start(trainer, tmp_path / "weights.npz") == 0
    decoder = values(trainer.codec.decoder.weights)
    trainer.train_step(batch())
    assert any(moved(decoder, trainer.codec.decoder.weights))
    assert weights_hash(trainer.codec) == weights_hash(source)


def test_weights_begin_other_runs_whosever_their_codes_are(tmp_path):
    save_model(SoundStream(PLAIN.replace(codes_of="0123456789abcdef")), tmp_path / "weights.npz")
    trainer = make_trainer(PLAIN)
    assert checkpoints.start(trainer, tmp_path / "weights.npz") == 0
    assert weights_hash(trainer.codec) != "0123456789abcdef"
