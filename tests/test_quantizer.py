import numpy as np
import pytest
import tensorflow as tf

from model.quantizer import ResidualVectorQuantizer

LEVELS, SIZE, DIM = 4, 16, 8


def make(**kwargs):
    layer = ResidualVectorQuantizer(LEVELS, SIZE, DIM, **kwargs)
    rng = np.random.default_rng(0)
    scale = 0.6 ** np.arange(LEVELS)[:, None, None]
    layer.codebooks.assign(rng.normal(size=[LEVELS, SIZE, DIM]) * scale)
    return layer


@pytest.fixture
def quantizer():
    return make()


@pytest.fixture
def greedy():
    return make(search_paths=1)


@pytest.fixture
def x():
    return tf.random.stateless_normal([3, 10, DIM], [1, 2])


def test_decoding_adds_up_entries(quantizer, x):
    codes = quantizer.encode(x, LEVELS).numpy()
    entries = [quantizer.codebooks[level].numpy()[codes[..., level]] for level in range(LEVELS)]
    np.testing.assert_allclose(quantizer.decode(codes), np.sum(entries, axis=0), atol=1e-5)


@pytest.mark.parametrize("levels", range(1, LEVELS))
def test_levels_of_a_greedy_search_are_nested(greedy, x, levels):
    full = greedy.encode(x, LEVELS)
    np.testing.assert_array_equal(greedy.encode(x, levels), full[..., :levels])


def test_codes_are_nearer_with_more_paths(quantizer, greedy, x):
    errors = [np.mean((x - q.decode(q.encode(x, LEVELS))) ** 2) for q in (quantizer, greedy)]
    assert errors[0] < errors[1]


def test_codes_do_not_depend_on_chunking(quantizer, x):
    pieces = [quantizer.encode(piece, LEVELS) for piece in tf.split(x, [1, 4, 5], axis=1)]
    np.testing.assert_array_equal(tf.concat(pieces, axis=1), quantizer.encode(x, LEVELS))


def test_training_pass_is_a_greedy_search(quantizer, greedy, x):
    used = tf.constant([1, 2, LEVELS])
    quantized = quantizer(x, used)
    codes = tf.transpose(quantized.codes, [1, 2, 0])
    np.testing.assert_array_equal(codes, greedy.encode(x, LEVELS))
    for example, levels in enumerate(used.numpy()):
        np.testing.assert_allclose(
            quantized.embeddings[example],
            quantizer.decode(codes[example : example + 1, :, :levels])[0],
            atol=1e-5,
        )
    expected = np.arange(LEVELS)[:, None] < used.numpy()[None]
    np.testing.assert_array_equal(quantized.used, expected)


def test_commitment_is_the_mean_over_the_levels_in_use(quantizer, greedy, x):
    used = [1, 3, LEVELS]
    codes = greedy.encode(x, LEVELS)
    errors = [
        np.mean(
            [
                np.mean((x[i] - quantizer.decode(codes[i : i + 1, :, : level + 1])[0]) ** 2)
                for level in range(levels)
            ]
        )
        for i, levels in enumerate(used)
    ]
    commitment = quantizer(x, tf.constant(used)).commitment
    np.testing.assert_allclose(commitment, np.mean(errors), rtol=1e-5)


def test_straight_through_passes_the_gradient_unchanged(quantizer, x):
    weights = tf.random.stateless_normal(x.shape, [5, 6])
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(quantizer(x, tf.fill([3], LEVELS)).embeddings * weights)
    np.testing.assert_allclose(tape.gradient(loss, x), weights, atol=1e-6)


def test_commitment_gradient_comes_from_every_level_in_use(quantizer, greedy, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        quantized = quantizer(x, tf.fill([3], LEVELS))
    gradient = tape.gradient(quantized.commitment, x)
    # d/dx of the mean over levels of mean |x - y_level|^2, the reconstructions held still.
    expected = (
        2 * tf.reduce_mean(x - (x[None] - _errors(greedy, x)), axis=0) / x.shape.num_elements()
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


def _errors(greedy, x):
    codes = greedy.encode(x, LEVELS)
    return tf.stack([x - greedy.decode(codes[..., : i + 1]) for i in range(LEVELS)])


def test_codebooks_get_no_gradient(quantizer, x):
    with tf.GradientTape() as tape:
        tape.watch(quantizer.codebooks)
        quantized = quantizer(x, tf.fill([3], LEVELS))
        loss = quantized.commitment + tf.reduce_sum(quantized.embeddings)
    assert tape.gradient(loss, quantizer.codebooks) is None
    assert quantizer.trainable_weights == []


@pytest.mark.parametrize("levels", [0, LEVELS + 1])
def test_a_wrong_number_of_levels_is_named(quantizer, x, levels):
    with pytest.raises(ValueError, match=f"{levels} quantizers asked of a model with {LEVELS}"):
        quantizer.encode(x, levels)


def test_no_path_at_all_is_refused():
    with pytest.raises(ValueError, match="search_paths=0"):
        make(search_paths=0)
