import numpy as np
import pytest
import scipy.fft
import tensorflow as tf

from model import seanet
from model.config import paper, speech
from model.initializers import initialize_as_transform
from model.soundstream import SoundStream


@pytest.fixture(scope="module")
def model():
    return SoundStream(speech())


@pytest.fixture(scope="module")
def frames():
    """Random audio, [20 frames, hop]."""
    return np.random.default_rng(0).normal(size=[20, speech().hop]).astype(np.float32) * 0.1


def test_embedding_starts_as_the_first_dct_coefficients(model, frames):
    embedding = model.embed(frames.reshape(1, -1, 1)).numpy()[0]
    expected = scipy.fft.dct(frames, norm="ortho")[:, : model.config.embedding_dim]
    np.testing.assert_allclose(embedding, expected * model.config.signal_gain, atol=1e-4)


def test_codec_starts_as_a_projection_without_delay(model, frames):
    decoded = model.synthesize(model.embed(frames.reshape(1, -1, 1))).numpy().reshape(frames.shape)
    spectrum = scipy.fft.dct(frames, norm="ortho")
    spectrum[:, model.config.embedding_dim :] = 0
    np.testing.assert_allclose(decoded, scipy.fft.idct(spectrum, norm="ortho"), atol=1e-4)


def test_no_layer_starts_dead(model):
    kernels = [w for w in model.trainable_weights if w.shape.rank > 1]
    zero = [w for w in kernels if not np.any(w.numpy())]
    # Only the last convolution of each residual unit starts at zero.
    config = model.config
    assert len(zero) == 2 * len(config.strides) * len(config.dilations)


def test_a_trunk_with_activations_cannot_start_as_a_transform():
    config = paper(8, 8)
    with pytest.raises(ValueError, match="trunk_activation=False"):
        initialize_as_transform(config, seanet.encoder(config), seanet.decoder(config))


def test_the_start_is_the_same_on_every_machine():
    first, second = SoundStream(speech()), SoundStream(speech())
    for name in ("first", "last"):
        one, other = (
            next(layer for layer in m.encoder.layers if layer.name == name) for m in (first, second)
        )
        for a, b in zip(one.trainable_weights, other.trainable_weights, strict=True):
            tf.debugging.assert_equal(a, b)
