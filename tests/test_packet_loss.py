"""The loss model gives the rate and the bursts it was asked for."""

import numpy as np
import pytest

from evaluation.packet_loss import GilbertElliott, RecordedLosses


def bursts(pattern):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], pattern.astype(int), [0]])))
    return edges[1::2] - edges[::2]


@pytest.mark.parametrize("rate, burst", [(0.05, 1.0), (0.1, 2.0), (0.2, 5.0), (0.5, 2.0)])
def test_rate_and_burst_length(rate, burst):
    pattern = GilbertElliott(rate, burst).sample(200_000, np.random.default_rng(0))
    assert pattern.mean() == pytest.approx(rate, rel=0.05)
    assert bursts(pattern).mean() == pytest.approx(burst, rel=0.05)


def test_same_seed_same_losses_and_none_at_zero():
    model = GilbertElliott(0.1)
    first, second = (model.sample(1000, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not GilbertElliott(0.0).sample(1000, np.random.default_rng(0)).any()
    assert GilbertElliott(0.1).sample(0, np.random.default_rng(0)).shape == (0,)


def test_starts_in_its_long_run_state():
    model = GilbertElliott(0.3, 10.0)
    random = np.random.default_rng(0)
    assert np.mean([model.sample(1, random)[0] for _ in range(5000)]) == pytest.approx(
        0.3, abs=0.03
    )


@pytest.mark.parametrize("rate, burst", [(-0.1, 2), (1.0, 2), (0.1, 0.5), (0.9, 2.0)])
def test_refuses_the_impossible(rate, burst):
    with pytest.raises(ValueError, match=str(rate if burst >= 1 else burst)):
        GilbertElliott(rate, burst)


def test_independent_losses_do_not_depend_on_one_another():
    pattern = GilbertElliott.independent(0.2).sample(100_000, np.random.default_rng(0))
    after = pattern[1:][pattern[:-1]].mean()
    assert pattern.mean() == pytest.approx(0.2, abs=0.01) == after
    with pytest.raises(ValueError, match=r"got 1\.5"):
        GilbertElliott.independent(1.5)


def test_recorded_losses_come_as_they_were(tmp_path):
    (tmp_path / "net.txt").write_text("0001 1000\n00\n")
    network = RecordedLosses.read(tmp_path / "net.txt")
    assert network.loss_rate == 0.2
    pattern = network.sample(30, np.random.default_rng(0))
    assert pattern.sum() == 6 and bursts(pattern[np.argmin(pattern) :]).max() == 2


@pytest.mark.parametrize(
    ("text", "message"), [("0102", "'2'"), ("11", "no packet came"), ("", "no packet came")]
)
def test_what_is_no_pattern_is_named(tmp_path, text, message):
    (tmp_path / "net.txt").write_text(text)
    with pytest.raises(ValueError, match=rf"net\.txt: .*{message}"):
        RecordedLosses.read(tmp_path / "net.txt")
    with pytest.raises(ValueError, match=r"gone\.txt: not a pattern of losses"):
        RecordedLosses.read(tmp_path / "gone.txt")
