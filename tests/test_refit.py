import numpy as np
import pytest

from model.quantizer import ResidualVectorQuantizer
from training import refit
from training.codebook import CodebookTrainer
from training.refit import least_squares

LEVELS, ENTRIES, DIM, FRAMES = 6, 8, 6, 3000


def drawn(frames: int, seed: int) -> np.ndarray:
    """Correlated, of uneven variance: as embeddings are."""
    mixing = np.random.default_rng(0).normal(size=(DIM, DIM)) * 2.0 ** -np.arange(DIM)
    return (np.random.default_rng(seed).normal(size=(frames, DIM)) @ mixing).astype(np.float32)


@pytest.fixture
def quantizer() -> ResidualVectorQuantizer:
    """Trained level by level, as k-means does."""
    quantizer = ResidualVectorQuantizer(LEVELS, ENTRIES, DIM)
    CodebookTrainer(quantizer).initialize(drawn(FRAMES, 1)[None])
    return quantizer


def error(quantizer, frames, searched, decoded=None):
    codes = quantizer.encode(frames[None], searched)[..., : decoded or searched]
    return float(np.mean(np.square(frames - quantizer.decode(codes)[0])))


def test_every_rate_gains_on_frames_it_was_not_fitted_to(quantizer):
    fresh = drawn(2000, 2)
    before = {n: error(quantizer, fresh, n) for n in (2, 4)}
    refit.refit(quantizer, drawn(FRAMES, 1), [2, 4])
    for levels, value in before.items():
        assert error(quantizer, fresh, levels) < 0.97 * value, levels


def test_packets_with_fewer_levels_stay_good(quantizer):
    fresh = drawn(2000, 2)
    before = error(quantizer, fresh, searched=4, decoded=3)
    refit.refit(quantizer, drawn(FRAMES, 1), [4])
    assert error(quantizer, fresh, searched=4, decoded=3) < 1.02 * before


def test_levels_beyond_the_last_rate_stay(quantizer):
    before = quantizer.codebooks.numpy()
    refit.refit(quantizer, drawn(FRAMES, 1), [2, 4])
    changed = np.abs(quantizer.codebooks.numpy() - before).max(axis=(1, 2)) > 0
    assert changed.tolist() == [True] * 4 + [False] * 2


def test_entries_that_made_the_targets_are_found_again(monkeypatch):
    monkeypatch.setattr(refit, "RIDGE", 1e-6)
    rng = np.random.default_rng(3)
    true = rng.normal(size=(2, 4, 3))
    codes = rng.integers(4, size=(500, 2))
    targets = true[0][codes[:, 0]] + true[1][codes[:, 1]]
    found = least_squares(np.zeros_like(true), codes, targets)
    sums = found[0][codes[:, 0]] + found[1][codes[:, 1]]
    # The prefix of one level counts too, but cannot be met; the sum can.
    assert np.mean((sums - targets) ** 2) < 0.05 * np.var(targets)


def test_an_entry_that_no_frame_chooses_stays():
    before = np.random.default_rng(4).normal(size=(1, 4, 3))
    codes = np.zeros([100, 1], int)
    after = least_squares(before, codes, np.ones([100, 3]))
    np.testing.assert_allclose(after[0, 1:], before[0, 1:], rtol=1e-6)
    assert np.abs(after[0, 0] - 1).max() < np.abs(before[0, 0] - 1).max()


def test_too_little_audio_is_named(quantizer):
    with pytest.raises(ValueError, match="8 entries need more than 5 frames"):
        refit.refit(quantizer, drawn(5, 1), [2])
