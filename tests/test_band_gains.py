import numpy as np
import pytest
import tensorflow as tf

from model import band_filters, band_gains
from model.band_gains import BandGains
from model.config import speech
from model.streaming import flatten_state
from tests.contract import TINY, randomize
from tests.tiny import SMALL_SWITCH

FRAMES = 12
SMALL = TINY.replace(**SMALL_SWITCH)


@pytest.fixture(params=[SMALL, speech().replace(**SMALL_SWITCH)], ids=["tiny", "speech"])
def layer(request):
    layer = BandGains(request.param)
    randomize(layer)
    return layer


@pytest.fixture
def audio(layer):
    return tf.random.stateless_normal([2, FRAMES * layer.hop, 1], [0, 0], stddev=0.1)


@pytest.mark.parametrize("chunks", [[1] * FRAMES, [3, 1, 6, 2]])
def test_steps_are_the_whole_signal(layer, audio, chunks):
    state, pieces = layer.initial_state(2), []
    for x in tf.split(audio, [n * layer.hop for n in chunks], axis=1):
        y, state = layer.step(x, state)
        pieces.append(y)
    np.testing.assert_allclose(tf.concat(pieces, axis=1), layer(audio), atol=1e-6)
    assert flatten_state(state).keys() == flatten_state(layer.initial_state(2)).keys()


def test_it_adds_no_delay_and_does_not_look_into_the_next_frame(layer, audio):
    past = FRAMES // 2 * layer.hop
    poisoned = tf.concat([audio[:, :past], tf.fill(audio[:, past:].shape, np.nan)], axis=1)
    before, after = layer(audio).numpy(), layer(poisoned).numpy()
    np.testing.assert_array_equal(after[:, :past], before[:, :past])
    impulse = np.zeros(audio.shape, np.float32)
    impulse[:, past] = 1.0
    response = layer(tf.constant(impulse)).numpy()[0, :, 0]
    assert not response[:past].any()
    assert np.argmax(np.abs(response)) == past


@pytest.mark.parametrize("gains", ["flat", "tilt", "notch"])
def test_the_filter_has_the_gains_that_were_chosen(gains):
    layer = BandGains(SMALL)
    bands = np.arange(band_gains.GAIN_BANDS)
    wanted_db = {
        "flat": np.full(len(bands), -12.0),
        "tilt": -1.0 - 24.0 * bands / len(bands),
        "notch": np.where(abs(bands - 30) < 4, -20.0, -1.0),
    }[gains]
    gain = (10 ** (wanted_db / 20) - band_gains.MIN_GAIN) / (1 - band_gains.MIN_GAIN)
    logits = np.log(gain / (1 - gain)) - band_gains.FIRST_GAIN
    taps = layer._taps(tf.constant(logits[None, None], tf.float32)).numpy()[0, 0, ::-1].copy()
    taps[0] += 1.0
    response_db = 20 * np.log10(np.abs(np.fft.rfft(taps, 2 * band_filters.DESIGN_LINES)))
    mel = np.log1p(np.linspace(0, 4000, band_filters.DESIGN_LINES + 1) / 700)
    expected_db = np.interp(mel / mel[-1] * bands[-1], bands, wanted_db)
    assert np.abs(response_db - expected_db).mean() < (1.0 if gains == "notch" else 0.1)
    # Minimum phase: no other filter of this response has its energy earlier.
    roots = np.abs(np.roots(taps))
    assert np.mean(roots < 1.05) == 1.0


def test_at_first_nearly_everything_passes():
    layer = BandGains(SMALL)
    x = tf.random.stateless_normal([1, FRAMES * SMALL.hop, 1], [0, 1])
    # From the first fade on.
    np.testing.assert_allclose(layer(x)[:, SMALL.hop :], 0.954 * x[:, SMALL.hop :], atol=0.01)


def test_it_learns_to_silence_a_band():
    tf.keras.utils.set_random_seed(0)
    layer = BandGains(SMALL)
    time = np.arange(60 * SMALL.hop) / SMALL.sample_rate
    low, high = (np.sin(2 * np.pi * hertz * time)[None, :, None] for hertz in (300, 3000))
    noisy, clean = tf.constant(low + high, tf.float32), tf.constant(low, tf.float32)
    optimizer = tf.keras.optimizers.Adam(0.02)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(layer(noisy) - clean))
        weights = layer.trainable_weights
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    losses = [float(step()) for _ in range(120)]
    assert losses[-1] < 0.1 * losses[0]


def test_a_frame_without_halves_is_refused():
    with pytest.raises(ValueError, match="hop=25 has no halves"):
        BandGains(
            SMALL.replace(
                patch_stride=5, strides=(5,), encoder_channels=(8, 20), decoder_channels=(8, 20)
            )
        )
