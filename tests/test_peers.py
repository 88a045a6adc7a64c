"""Codecs under test: bits counted, lost packets alike for all, delay found and removed."""

from dataclasses import dataclass

import numpy as np
import pytest

from evaluation import peers as peer_module
from evaluation.packet_loss import GilbertElliott, lost_packets
from evaluation.peers import (
    Coded,
    LossyPeer,
    SoundStreamPeer,
    load_tables,
    over_networks,
)
from metrics import alignment
from tests import fake_runtime
from tests.signals import voice
from tools.release.table_learning import learn_tables

RATE = 16_000


@pytest.mark.parametrize("shift", [-300, -1, 0, 1, 312, 3000])
@pytest.mark.parametrize("gain", [1, -0.3])
def test_a_delay_is_found_and_removed(shift, gain):
    samples = voice(RATE)
    degraded = gain * alignment.fit(samples, -shift, len(samples) + 4000)
    assert alignment.delay(samples, degraded, 3200) == shift
    aligned = alignment.align(samples, degraded, RATE)
    assert len(aligned) == len(samples)
    inner = slice(400, -400)
    np.testing.assert_allclose(aligned[inner], gain * samples[inner], atol=1e-6)


def test_silence_has_no_delay():
    assert alignment.delay(voice(RATE), np.zeros(2 * RATE), 3200) == 0


def test_all_codecs_lose_the_same_packets_of_a_recording():
    @dataclass(frozen=True)
    class Recorder:
        name: str
        bitrate_bps: int = 1000
        loss_rate: float = 0.0

        def code(self, samples, rate):
            return Coded(samples, 0)

        def code_with_losses(self, samples, rate, lost):
            return Coded(lost, len(lost))

    networks = [GilbertElliott(rate) for rate in (0.0, 0.1, 0.2)]
    peers = over_networks([Recorder("a"), Recorder("b")], networks)
    assert [(peer.name, peer.loss_rate) for peer in peers] == [
        ("a", 0.0), ("a", 0.1), ("a", 0.2), ("b", 0.0), ("b", 0.1), ("b", 0.2),
    ]  # fmt: skip
    assert not isinstance(peers[0], LossyPeer)
    noise = np.random.default_rng(0).normal(size=(2, 10 * RATE)).astype(np.float32) / 10
    lost = [peer.code(noise[0], RATE).samples for peer in peers]
    np.testing.assert_array_equal(lost[1], lost[4])
    assert lost[1].shape == (500,) and 0 < lost[1].mean() < 0.3
    assert not np.array_equal(lost[1], peers[1].code(noise[1], RATE).samples)
    np.testing.assert_array_equal(  # an excerpt loses what the whole does
        lost_packets(networks[1], noise[0, : 6 * RATE], RATE), lost[1][:300]
    )


@pytest.fixture
def stand_in(monkeypatch):
    """A codec of 12 levels of 256 entries, 400 bps each, hop 320: each level is one sample."""
    shape = {"hop": 320, "codebook_size": 256, "num_quantizers": 12}
    model = fake_runtime.CodecModel(fake_runtime.Metadata(**shape))
    fake_runtime.use(monkeypatch.setattr)
    monkeypatch.setattr(peer_module, "StreamingEncoder", fake_runtime.StreamingEncoder)
    monkeypatch.setattr(peer_module, "load_model", lambda folder, flavour: model)


def first_of_each_frame(samples, levels):
    """What the stand-in decodes: as many samples of each frame as there are levels."""
    kept = np.arange(len(samples)) % 320 < levels
    return np.where(kept, samples, 0)


def test_soundstream_counts_the_bits_of_its_codes(stand_in):
    peers = SoundStreamPeer.at([2000, 4000], "somewhere", None)
    samples = voice(RATE)[:-77]
    for peer, levels in zip(peers, (5, 10)):
        coded = peer.code(samples, RATE)
        assert coded.bitrate_bps == levels * 8 * 50
        expected = first_of_each_frame(samples, levels)
        np.testing.assert_allclose(coded.samples, expected, atol=1 / 256)


def test_soundstream_counts_bits_after_entropy_coding_where_there_are_tables(stand_in, tmp_path):
    (peer,) = SoundStreamPeer.at([2000], str(tmp_path), None)
    silence = np.zeros(RATE, np.float32)
    assert np.isnan(peer.code(silence, RATE).entropy_bps)
    load_tables.cache_clear()
    tables = learn_tables([np.full((200, 5), 128, np.int32)] * 10, 256, 8192)
    (tmp_path / "entropy_tables.bin").write_bytes(tables.to_bytes())
    coded = peer.code(silence, RATE)
    assert coded.bitrate_bps == 2000
    assert 0 <= coded.entropy_bps < 500  # all its codes are the same


def test_soundstream_is_told_to_denoise_only_where_it_can(stand_in):
    with pytest.raises(ValueError, match="somewhere has no denoising switch"):
        SoundStreamPeer.at([2000], "somewhere", None, denoise=True)
    names = [SoundStreamPeer("somewhere", 2000, None, switch).name for switch in (False, True)]
    assert names == ["soundstream", "soundstream_denoise"]


def test_soundstream_conceals_what_is_lost_and_sends_the_same_bits(stand_in):
    (peer,) = SoundStreamPeer.at([4000], "somewhere", None)
    samples = voice(RATE)[:-77]
    lost = np.zeros(100, bool)
    lost[20:60] = True
    coded = peer.code_with_losses(samples, RATE, lost)
    assert coded.bitrate_bps == peer.code(samples, RATE).bitrate_bps
    expected = first_of_each_frame(samples, 10)
    for received in (slice(20 * 320), slice(61 * 320, None)):
        np.testing.assert_allclose(coded.samples[received], expected[received], atol=1 / 256)
    assert np.abs(coded.samples[26 * 320 : 60 * 320]).max() < 0.06  # noise below -40 dBFS


def test_soundstream_refuses_a_bitrate_of_no_whole_levels(stand_in):
    with pytest.raises(ValueError, match="1234 bps"):
        SoundStreamPeer.at([2000, 1234], "somewhere", None)
