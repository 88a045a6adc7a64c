import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from model.config import speech
from model.soundstream import SoundStream
from model.streaming import flatten_state
from tests.contract import TINY, fit_codebooks, randomize
from tests.tiny import SMALL_SWITCH

FRAMES = 12


@pytest.fixture(scope="module")
def audio():
    return tf.random.stateless_normal([2, FRAMES * TINY.hop, 1], [0, 1])


@pytest.fixture(scope="module")
def model(audio):
    model = SoundStream(TINY.replace(**SMALL_SWITCH))
    randomize(model)
    fit_codebooks(model, audio)
    assert len(np.unique(model.encode(audio, TINY.num_quantizers))) > TINY.codebook_size // 2
    return model


@settings(max_examples=5, deadline=None)
@given(cuts=st.sets(st.integers(1, FRAMES - 1)), levels=st.integers(1, TINY.num_quantizers))
def test_any_chunking_gives_the_same_codes_and_audio(model, audio, cuts, levels):
    codes = model.encode(audio, levels)
    decoded = model.decode(codes)
    chunks = np.diff([0, *sorted(cuts), FRAMES])
    states = model.encoder_state(2), model.decoder_state(2)
    all_codes, all_audio = [], []
    for piece in tf.split(audio, chunks * TINY.hop, axis=1):
        step_codes, encoder_state = model.encode_step(piece, states[0], levels)
        step_audio, decoder_state = model.decode_step(step_codes, states[1])
        states = encoder_state, decoder_state
        all_codes.append(step_codes)
        all_audio.append(step_audio)
    np.testing.assert_array_equal(tf.concat(all_codes, axis=1), codes)
    np.testing.assert_allclose(tf.concat(all_audio, axis=1), decoded, atol=1e-5)


def test_call_is_encode_then_decode(model, audio):
    np.testing.assert_array_equal(model(audio, 3), model.decode(model.encode(audio, 3)))


def test_codec_has_no_delay_and_does_not_look_ahead(model, audio):
    half = FRAMES // 2 * TINY.hop
    changed = tf.concat([audio[:, :half], -audio[:, half:]], axis=1)
    first, second = model(audio, 4).numpy(), model(changed, 4).numpy()
    np.testing.assert_array_equal(first[:, :half], second[:, :half])
    assert (first[:, half : half + TINY.hop] != second[:, half : half + TINY.hop]).any()


def test_denoise_switch_may_change_with_every_frame(model, audio):
    rng = np.random.default_rng(0)
    last = model.denoiser.modulation.layers[-1].kernel
    last.assign(rng.normal(size=last.shape))
    off, on = model.embed(audio, tf.zeros([2, FRAMES])), model.embed(audio, tf.ones([2, FRAMES]))
    assert not np.allclose(off, on)
    np.testing.assert_array_equal(model.embed(audio), off)
    alternating = tf.tile(tf.constant([[0.0, 1.0]]), [2, FRAMES // 2])
    mixed = model.embed(audio, alternating)
    np.testing.assert_array_equal(mixed[:, ::2], off[:, ::2])
    np.testing.assert_allclose(mixed[:, 1::2], on[:, 1::2], atol=1e-5)


def test_without_a_switch_denoise_is_refused(audio):
    with pytest.raises(ValueError, match="without a denoise switch"):
        SoundStream(TINY).embed(audio, tf.ones([2, FRAMES]))


def test_states_are_named_by_layer():
    names = flatten_state(SoundStream(speech()).encoder_state(1))
    assert "state/block_0_unit_0/dilated/history" in names and "state/first/history" in names
