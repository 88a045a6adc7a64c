"""Embeddings of codes, and predictions of the next one."""

import numpy as np
import pytest

from tools.study.embeddings import (
    PAST_FRAMES,
    Codebooks,
    learn_linear,
    repeat,
    with_power_of_last,
    zero,
)

DIM = 4


@pytest.fixture
def codebooks(tmp_path):
    """Eight levels of 16 entries, each level a third as long as the one before."""
    entries = (
        np.random.default_rng(0).normal(size=(8, 16, DIM)) / 3.0 ** np.arange(8)[:, None, None]
    )
    np.savez(tmp_path / "weights.npz", **{"quantizer/codebooks": entries.astype(np.float32)})
    return Codebooks(tmp_path)


def test_embeddings_are_sums_and_come_back(codebooks):
    codes = np.random.default_rng(1).integers(0, 16, (20, 8)).astype(np.int32)
    embedded = codebooks.embed(codes)
    assert embedded.shape == (20, DIM)
    np.testing.assert_allclose(
        embedded[3] - codebooks.embed(codes[:, :7])[3],
        codebooks.embed(codes)[3] - codebooks.embed(codes[:, :7])[3],
    )
    for embedding in embedded:
        again = codebooks.embed(codebooks.quantize(embedding))[0]
        assert np.linalg.norm(again - embedding) < 0.3 * np.linalg.norm(embedding)


def test_a_rotation_is_learnt_at_every_distance():
    angle = 0.3
    turn = np.eye(DIM)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    rng = np.random.default_rng(0)
    clips = []
    for _ in range(20):
        frames = [rng.normal(size=DIM)]
        for _ in range(30):
            frames.append(turn @ frames[-1])
        clips.append(np.array(frames, np.float32))
    predict = learn_linear(clips, num_steps=3)
    clip = clips[0]
    past = clip[5 : 5 + PAST_FRAMES]
    for lost in range(3):
        expected = clip[5 + PAST_FRAMES + lost]
        assert np.linalg.norm(predict(past, lost) - expected) < 0.1 * np.linalg.norm(expected)
    np.testing.assert_array_equal(predict(past, 9), predict(past, 2))


def test_predictions_may_keep_the_power():
    past = np.arange(PAST_FRAMES * DIM, dtype=np.float32).reshape(PAST_FRAMES, DIM)
    np.testing.assert_array_equal(repeat(past, 3), past[-1])
    assert not zero(past, 0).any()
    halved = with_power_of_last(lambda past, lost: 0.5 * past[-2])(past, 0)
    assert np.linalg.norm(halved) == pytest.approx(np.linalg.norm(past[-1]))
    assert not with_power_of_last(zero)(past, 0).any()
