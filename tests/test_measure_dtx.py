"""Conversations: one speaks at a time, the other is silent, and what is sent follows."""

import numpy as np
import pytest

from tests import fake_runtime
from tests.signals import tones
from tools.study.measure_dtx import conversation, send

RATE, HOP = 16_000, 80


@pytest.fixture
def sides():
    noise = np.random.default_rng(0).normal(0, 1e-3, (4, 4 * RATE)).astype(np.float32)
    noise[:, RATE : 3 * RATE] += tones(RATE, 2 * RATE)[:, 0]
    return conversation(list(noise[:2]), list(noise[2:, : 3 * RATE]), 10, RATE, HOP)


def test_they_speak_in_turn(sides):
    first, second = sides
    assert len(first) == len(second) == 16.5 * RATE  # 14 of turns, and five gaps
    assert len(first) % HOP == 0
    loud = [np.abs(side.reshape(-1, RATE // 2)).max(axis=1) > 0.01 for side in sides]
    assert not (loud[0] & loud[1]).any()
    assert abs(loud[0].sum() - loud[1].sum()) <= 1
    quiet = first[5 * RATE : 8 * RATE]  # while the other speaks
    assert np.std(quiet) == pytest.approx(1e-3, rel=0.2)


def test_pauses_cost_next_to_nothing(sides, monkeypatch):
    fake_runtime.use(monkeypatch.setattr)
    model = fake_runtime.CodecModel(fake_runtime.Metadata(hop=HOP, num_quantizers=HOP))
    bitrate_bps = model.metadata.sample_rate // HOP * 16
    sent = send(model, sides[0], bitrate_bps)
    # Speech is 4 of 16.5 seconds; the first pause is sent until it proves to be one.
    assert 4 / 16.5 < sent.active < 8 / 16.5
    assert sent.energy_lost < 0.01
    descriptions_bps = sent.bitrate_bps - sent.active * bitrate_bps
    assert 0 < descriptions_bps < 64 / 0.25  # one per packet, of 50 frames of 5 ms
