"""What a release does to weights: the level is restored, and a switch gets a new decoder."""

import numpy as np
import pytest
import tensorflow as tf

from model.soundstream import SoundStream
from model.weights import named_weights, weights_hash
from tests.tiny import SMALL_SWITCH, harmonic_batch, tiny_config
from tools.release.adopt_decoder import with_decoder
from tools.release.restore_level import amplify, level_change_db

BITRATES_BPS = [800, 3200]


def test_the_level_that_went_in_comes_back():
    model = SoundStream(tiny_config())
    clips = harmonic_batch(3, 4000)[..., 0]
    amplify(model, -2.0)
    change = level_change_db(model, clips, BITRATES_BPS)
    amplify(model, -change)
    assert level_change_db(model, clips, BITRATES_BPS) == pytest.approx(0.0, abs=0.01)


def test_a_switch_works_in_front_of_another_decoder():
    switch = SoundStream(tiny_config(**SMALL_SWITCH))
    codec = SoundStream(tiny_config(decoder_hidden=(2.0, 1.0), codes_of=weights_hash(switch)))
    own = named_weights(switch)
    for name, variable in named_weights(codec).items():
        if not name.startswith("decoder/"):
            variable.assign(own[name])
    result = with_decoder(switch, codec)
    assert weights_hash(result) == weights_hash(codec) == weights_hash(switch)
    audio, on = tf.constant(harmonic_batch(1, 2000)), tf.ones([1, 1])
    codes = switch.encode(audio, 4, on)
    np.testing.assert_array_equal(result.encode(audio, 4, on), codes)
    np.testing.assert_allclose(result.decode(codes), codec.decode(codes), atol=1e-6)


def test_other_codes_are_refused():
    switch, other = SoundStream(tiny_config(**SMALL_SWITCH)), SoundStream(tiny_config())
    named_weights(other)["quantizer/codebooks"].assign_add(tf.ones_like(other.quantizer.codebooks))
    with pytest.raises(ValueError, match="do not send the same codes"):
        with_decoder(switch, other)
    with pytest.raises(ValueError, match="a plain codec"):
        with_decoder(other, switch)
