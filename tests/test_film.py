import numpy as np
import tensorflow as tf

from model.film import FiLM


def test_starts_as_identity():
    x = tf.random.stateless_normal([2, 5, 3], [0, 0])
    for denoise in (tf.zeros([2, 5]), tf.ones([2, 1])):
        np.testing.assert_array_equal(FiLM(3)(x, denoise), x)


def test_on_has_a_scale_and_an_offset_and_off_has_none():
    film = FiLM(1)
    film.gamma.assign([3.0])
    film.beta.assign([20.0])
    y = film(tf.ones([1, 3, 1]), tf.constant([[0.0, 1.0, 0.5]]))
    np.testing.assert_allclose(y[0, :, 0], [1.0, 23.0, 12.0])


def test_it_learns_from_frames_that_are_on():
    film = FiLM(2)
    for switch, learns in (([[0.0, 1.0]], True), ([[0.0, 0.0]], False)):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(film(tf.ones([1, 2, 2]), tf.constant(switch)))
        for gradient in tape.gradient(loss, film.trainable_weights):
            assert np.all((gradient.numpy() != 0) == learns)
