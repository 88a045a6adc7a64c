import itertools

import numpy as np
import pytest
import tensorflow as tf

from model.search import beam_search, greedy_search, nearest

LEVELS, SIZE, DIM = 4, 16, 8


@pytest.fixture(scope="module")
def codebooks():
    scale = 0.6 ** np.arange(LEVELS)[:, None, None]
    values = np.random.default_rng(0).normal(size=[LEVELS, SIZE, DIM]) * scale
    return tf.constant(values, tf.float32)


@pytest.fixture(scope="module")
def x():
    return tf.random.stateless_normal([200, DIM], [1, 2])


def _error(codebooks, x, codes):
    """Mean squared distance of x to the sum of what `codes` [M, levels] stand for."""
    entries = [codebooks.numpy()[level][code] for level, code in enumerate(np.transpose(codes))]
    return np.mean((x.numpy() - np.sum(entries, axis=0)) ** 2)


def test_nearest_is_the_nearest(codebooks, x):
    distances = np.linalg.norm(x.numpy()[:, None] - codebooks[0].numpy()[None], axis=-1)
    np.testing.assert_array_equal(nearest(codebooks[0], x), distances.argmin(axis=-1))


def test_greedy_search_codes_what_the_last_level_left_over(codebooks, x):
    codes, residual = greedy_search(codebooks, x).numpy(), x.numpy().copy()
    for level, codebook in enumerate(codebooks.numpy()):
        distances = np.linalg.norm(residual[:, None] - codebook, axis=-1)
        np.testing.assert_array_equal(codes[:, level], distances.argmin(axis=-1))
        residual -= codebook[codes[:, level]]


def test_one_path_is_the_greedy_search(codebooks, x):
    np.testing.assert_array_equal(beam_search(codebooks, x, 1), greedy_search(codebooks, x))


def test_more_paths_come_nearer(codebooks, x):
    errors = [_error(codebooks, x, beam_search(codebooks, x, paths)) for paths in (1, 2, 4, 8)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.9 * errors[0]


def test_all_paths_find_the_nearest_sum(codebooks, x):
    few, some = codebooks[:3, :4], x[:20]
    sums = [few[0][i] + few[1][j] + few[2][k] for i, j, k in itertools.product(range(4), repeat=3)]
    best = nearest(tf.stack(sums), some).numpy()
    expected = np.stack(np.unravel_index(best, [4, 4, 4]), axis=-1)
    np.testing.assert_array_equal(beam_search(few, some, 64), expected)


@pytest.mark.parametrize("levels", [2, 3])
def test_a_prefix_of_a_path_beats_the_greedy_search_as_far(codebooks, x, levels):
    prefix = beam_search(codebooks, x, 4)[:, :levels]
    greedy = _error(codebooks, x, greedy_search(codebooks[:levels], x))
    assert _error(codebooks, x, prefix) <= greedy


def test_paths_do_not_mix_vectors(codebooks, x):
    alone = [beam_search(codebooks, x[i : i + 1], 4)[0] for i in range(20)]
    np.testing.assert_array_equal(beam_search(codebooks, x[:20], 4), alone)
