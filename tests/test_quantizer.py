import numpy as np
import pytest
import tensorflow as tf

from model.quantizer import ResidualVectorQuantizer, nearest

LEVELS, SIZE, DIM = 4, 16, 8


@pytest.fixture
def quantizer():
    layer = ResidualVectorQuantizer(LEVELS, SIZE, DIM)
    rng = np.random.default_rng(0)
    scale = 0.6 ** np.arange(LEVELS)[:, None, None]
    layer.codebooks.assign(rng.normal(size=[LEVELS, SIZE, DIM]) * scale)
    return layer


@pytest.fixture
def x():
    return tf.random.stateless_normal([3, 10, DIM], [1, 2])


def test_nearest_is_the_nearest(x):
    codebook = tf.random.stateless_normal([SIZE, DIM], [3, 4])
    flat = tf.reshape(x, [-1, DIM]).numpy()
    distances = np.linalg.norm(flat[:, None] - codebook.numpy()[None], axis=-1)
    np.testing.assert_array_equal(nearest(codebook, flat), distances.argmin(axis=-1))


def test_each_level_codes_what_the_last_left_over(quantizer, x):
    codes = quantizer.encode(x, LEVELS).numpy()
    residual = x.numpy().copy()
    for level in range(LEVELS):
        codebook = quantizer.codebooks[level].numpy()
        distances = np.linalg.norm(residual[:, :, None] - codebook, axis=-1)
        np.testing.assert_array_equal(codes[..., level], distances.argmin(axis=-1))
        residual -= codebook[codes[..., level]]
    np.testing.assert_allclose(quantizer.decode(codes), x - residual, atol=1e-5)


@pytest.mark.parametrize("levels", range(1, LEVELS))
def test_levels_are_nested(quantizer, x, levels):
    full = quantizer.encode(x, LEVELS)
    np.testing.assert_array_equal(quantizer.encode(x, levels), full[..., :levels])


def test_codes_do_not_depend_on_chunking(quantizer, x):
    pieces = [quantizer.encode(piece, LEVELS) for piece in tf.split(x, [1, 4, 5], axis=1)]
    np.testing.assert_array_equal(tf.concat(pieces, axis=1), quantizer.encode(x, LEVELS))


def test_training_pass_equals_encode_and_decode(quantizer, x):
    used = tf.constant([1, 2, LEVELS])
    quantized = quantizer(x, used)
    codes = tf.transpose(quantized.codes, [1, 2, 0])
    np.testing.assert_array_equal(codes, quantizer.encode(x, LEVELS))
    for example, levels in enumerate(used.numpy()):
        np.testing.assert_allclose(
            quantized.embeddings[example],
            quantizer.decode(codes[example : example + 1, :, :levels])[0],
            atol=1e-5,
        )
    expected = np.arange(LEVELS)[:, None] < used.numpy()[None]
    np.testing.assert_array_equal(quantized.used, expected)


def test_commitment_is_the_mean_over_the_levels_in_use(quantizer, x):
    used = [1, 3, LEVELS]
    codes = quantizer.encode(x, LEVELS)
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


def test_commitment_gradient_comes_from_every_level_in_use(quantizer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        quantized = quantizer(x, tf.fill([3], LEVELS))
    gradient = tape.gradient(quantized.commitment, x)
    # d/dx of the mean over levels of mean |x - y_level|^2, the reconstructions held still.
    expected = (
        2 * tf.reduce_mean(x - (x[None] - _errors(quantizer, x)), axis=0) / x.shape.num_elements()
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


def _errors(quantizer, x):
    codes = quantizer.encode(x, LEVELS)
    return tf.stack([x - quantizer.decode(codes[..., : i + 1]) for i in range(LEVELS)])


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
