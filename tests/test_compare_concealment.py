"""Decoders that guess: what comes is decoded, what is lost is predicted and fades."""

import numpy as np
import pytest

from tests import fake_runtime
from tools.study import compare_concealment, embeddings

HOP, SIZE = 320, 16


@pytest.fixture
def make(monkeypatch, tmp_path):
    """Makes a decoder around a prediction; embeddings of one level are the samples' level."""
    entries = np.linspace(-1, 1, SIZE, endpoint=False, dtype=np.float32)
    np.savez(tmp_path / "weights.npz", **{"quantizer/codebooks": entries[None, :, None]})
    monkeypatch.setattr(compare_concealment, "StreamingDecoder", Steps)
    model = fake_runtime.CodecModel(fake_runtime.Metadata(hop=HOP, codebook_size=SIZE))
    codebooks = embeddings.Codebooks(tmp_path)
    return lambda predict: compare_concealment.GuessingDecoder(model, codebooks, predict)


class Steps:
    """All samples of a frame are what its code says."""

    def __init__(self, model):
        pass

    def decode(self, codes):
        return np.repeat(codes[:, 0] * np.float32(2 / SIZE) - 1, HOP)


def heard(decoder, lost):
    codes = np.full((len(lost), 1), 12, np.int32)
    samples = compare_concealment.decode_with_losses(decoder, codes, np.array(lost, bool))
    return samples.reshape(len(lost), HOP)


def test_without_losses_nothing_changes(make):
    np.testing.assert_allclose(heard(make(embeddings.zero), [0] * 5), 0.5)


def test_a_repeated_frame_fades_in_100_ms_and_comes_back_in_5(make):
    frames = heard(make(embeddings.repeat), [0] * 5 + [1] * 20 + [0] * 2)
    assert frames[5, 0] == pytest.approx(0.5, abs=0.01)
    assert frames[7, HOP // 2] == pytest.approx(0.25, abs=0.05)
    assert np.abs(frames[12:25].mean()) < 0.01
    assert frames[26, 0] == pytest.approx(0.5)
    np.testing.assert_allclose(frames[25, 80:], 0.5)


def test_predictions_know_how_long_the_loss_lasts(make):
    asked = []

    def predict(past, lost):
        asked.append((past.ravel().tolist(), lost))
        return np.array([-1.0], np.float32)

    frames = heard(make(predict), [0, 1, 1, 0, 1])
    assert asked == [([0, 0, 0, 0.5], 0), ([0, 0, 0, 0.5], 1), ([0, 0, 0.5, 0.5], 0)]
    assert frames[1].min() < -0.8
