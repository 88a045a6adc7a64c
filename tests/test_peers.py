"""Codecs under test: bits counted, delay gone, length kept; commands run without a shell."""

import os
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bitstream.table_learning import learn_tables
from export import concealment
from metrics import alignment, quality
from metrics.external import ExternalPeer
from metrics.lyra import LyraPeer
from metrics.opus import OpusPeer
from metrics.packet_loss import GilbertElliott, lost_packets
from metrics.peers import (
    Coded,
    LossyPeer,
    SoundStreamPeer,
    load_model,
    load_tables,
    over_networks,
)

RATE = 16_000
# Lyra V2's files are not part of this repository: google/lyra 1.3.2, folder lyra/model_coeffs.
LYRA_DIR = os.environ.get("LYRA_DIR")


def voice(seconds: float = 2.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(130 + 20 * np.sin(2 * np.pi * 0.7 * time)) / RATE
    harmonics = sum(np.sin(k * phase) / k for k in range(1, 40))
    return (0.1 * harmonics * np.sin(np.pi * 4 * time) ** 2).astype(np.float32)


def hiss(seconds: float = 3.0) -> np.ndarray:
    """Noise with the slope and the syllables of speech: hard to code, and sharp in time."""
    noise = np.random.default_rng(0).normal(size=int(seconds * RATE))
    for i in range(1, len(noise)):
        noise[i] += 0.9 * noise[i - 1]
    time = np.arange(len(noise)) / RATE
    return (0.03 * noise * np.sin(np.pi * 4 * time) ** 2).astype(np.float32)


@pytest.mark.parametrize("shift", [-300, -1, 0, 1, 312, 3000])
@pytest.mark.parametrize("gain", [1, -0.3])
def test_a_delay_is_found_and_removed(shift, gain):
    samples = voice()
    degraded = gain * alignment.fit(samples, -shift, len(samples) + 4000)
    assert alignment.delay(samples, degraded, 3200) == shift
    aligned = alignment.align(samples, degraded, RATE)
    assert len(aligned) == len(samples)
    inner = slice(400, -400)
    np.testing.assert_allclose(aligned[inner], gain * samples[inner], atol=1e-6)


def test_silence_has_no_delay():
    assert alignment.delay(voice(), np.zeros(2 * RATE), 3200) == 0


@pytest.mark.parametrize("bitrate_bps", [8_000, 16_000, 32_000])
def test_opus_sends_about_what_is_asked_for_and_has_no_delay(bitrate_bps):
    samples = hiss()[:-77]
    coded = OpusPeer(bitrate_bps).code(samples, RATE)
    assert coded.samples.shape == samples.shape
    assert 0.7 * bitrate_bps < coded.bitrate_bps < 1.3 * bitrate_bps
    assert abs(alignment.delay(samples, coded.samples, 3200)) <= 1


def test_opus_is_better_at_more_bits_and_takes_other_rates():
    samples = voice(3.0)
    low, high = (OpusPeer(bitrate).code(samples, RATE).samples for bitrate in (8_000, 48_000))
    assert quality.mel_distance(samples, high, RATE) < 1 < quality.mel_distance(samples, low, RATE)
    assert OpusPeer(12_000).code(voice(), 44_100).samples.shape == voice().shape


def test_opus_conceals_and_recovers():
    samples = voice(3.0)
    lost = np.zeros(150, bool)
    lost[70:73] = True
    peer = OpusPeer(24_000)
    whole, holey = peer.code(samples, RATE), peer.code_with_losses(samples, RATE, lost)
    assert holey.bitrate_bps == whole.bitrate_bps
    difference = holey.samples - whole.samples
    hop = RATE // 50
    np.testing.assert_allclose(difference[: 69 * hop], 0, atol=1e-4)
    gap = slice(70 * hop, 73 * hop)
    assert np.std(difference[gap]) > 0.1 * np.std(whole.samples[gap])
    assert np.std(holey.samples[gap]) > 0.2 * np.std(whole.samples[gap])  # no silence
    assert np.std(difference[90 * hop :]) < 0.1 * np.std(whole.samples[90 * hop :])
    everything = peer.code_with_losses(samples, RATE, np.ones(150, bool))
    assert np.std(everything.samples[: -2 * hop]) < 1e-3


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
def fake_runtime(monkeypatch):
    """A codec of 12 levels of 256 entries, hop 320, whose output shows the number of levels."""

    class Metadata:
        sample_rate, hop, codebook_size, frames_per_call = RATE, 320, 256, 1
        denoise = False

        def num_quantizers_for(self, bitrate_bps):
            if bitrate_bps % 400 or bitrate_bps > 4800:
                raise ValueError(f"cannot code {bitrate_bps} bps")
            return bitrate_bps // 400

    class CodecModel:
        metadata = Metadata()

        @classmethod
        def load(cls, folder, flavour=None, num_threads=1):
            return cls()

    class StreamingEncoder:
        def __init__(self, model, bitrate_bps, denoise):
            self.levels = model.metadata.num_quantizers_for(bitrate_bps)

        def encode(self, samples):
            assert len(samples) % 320 == 0
            return np.zeros((len(samples) // 320, self.levels), np.int32)

    class StreamingDecoder:
        def __init__(self, model):
            pass

        def reset(self):
            pass

        def decode(self, codes):
            return np.full(320 * len(codes), codes.shape[1] / 100, np.float32)

    module = types.ModuleType("export.runtime")
    for part in (CodecModel, StreamingEncoder, StreamingDecoder):
        setattr(module, part.__name__, part)
    monkeypatch.setitem(sys.modules, "export.runtime", module)
    monkeypatch.setattr(concealment, "StreamingDecoder", StreamingDecoder)
    load_model.cache_clear()
    yield
    load_model.cache_clear()


def test_soundstream_counts_the_bits_of_its_codes(fake_runtime):
    peers = SoundStreamPeer.at([2000, 4000], "somewhere", None)
    samples = voice()[:-77]
    for peer, levels in zip(peers, (5, 10)):
        coded = peer.code(samples, RATE)
        assert coded.bitrate_bps == levels * 8 * 50
        np.testing.assert_allclose(coded.samples, np.full(len(samples), levels / 100))


def test_soundstream_counts_bits_after_entropy_coding_where_there_are_tables(
    fake_runtime, tmp_path
):
    (peer,) = SoundStreamPeer.at([2000], str(tmp_path), None)
    assert np.isnan(peer.code(voice(), RATE).entropy_bps)
    load_tables.cache_clear()
    tables = learn_tables([np.zeros((200, 5), np.int32)] * 10, 256, 8192)
    (tmp_path / "entropy_tables.bin").write_bytes(tables.to_bytes())
    coded = peer.code(voice(), RATE)
    assert coded.bitrate_bps == 2000
    assert 0 <= coded.entropy_bps < 500  # all its codes are zero


def test_soundstream_is_told_to_denoise_only_where_it_can(fake_runtime):
    with pytest.raises(ValueError, match="somewhere has no denoising switch"):
        SoundStreamPeer.at([2000], "somewhere", None, denoise=True)
    names = [SoundStreamPeer("somewhere", 2000, None, switch).name for switch in (False, True)]
    assert names == ["soundstream", "soundstream_denoise"]


def test_soundstream_conceals_what_is_lost_and_sends_the_same_bits(fake_runtime):
    (peer,) = SoundStreamPeer.at([4000], "somewhere", None)
    samples = voice()[:-77]
    lost = np.zeros(100, bool)
    lost[20:60] = True
    coded = peer.code_with_losses(samples, RATE, lost)
    assert coded.bitrate_bps == peer.code(samples, RATE).bitrate_bps
    np.testing.assert_allclose(coded.samples[: 20 * 320], 0.1, atol=1e-6)
    np.testing.assert_allclose(coded.samples[61 * 320 :], 0.1, atol=1e-6)
    assert np.abs(coded.samples[26 * 320 : 60 * 320]).max() < 0.06  # noise below -40 dBFS


def test_soundstream_refuses_a_bitrate_of_no_whole_levels(fake_runtime):
    with pytest.raises(ValueError, match="1234 bps"):
        SoundStreamPeer.at([2000, 1234], "somewhere", None)


def test_lyra_names_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match="--lyra_dir"):
        LyraPeer.at_all_bitrates(None)
    (tmp_path / "soundstream_encoder.tflite").touch()
    with pytest.raises(ValueError, match=r"quantizer\.tflite"):
        LyraPeer.at_all_bitrates(str(tmp_path))


@pytest.mark.skipif(LYRA_DIR is None, reason="LYRA_DIR does not name a folder with Lyra's files")
def test_lyra_starts_anew_with_each_recording_and_is_better_at_more_bits():
    low, _, high = LyraPeer.at_all_bitrates(LYRA_DIR)
    samples = voice()[:-77]
    first = low.code(samples, RATE)
    assert first.samples.shape == samples.shape
    assert first.bitrate_bps == 3200
    better = high.code(samples, RATE)
    np.testing.assert_array_equal(low.code(samples, RATE).samples, first.samples)
    assert quality.mel_distance(samples, better.samples, RATE) < quality.mel_distance(
        samples, first.samples, RATE
    )


@pytest.mark.skipif(LYRA_DIR is None, reason="LYRA_DIR does not name a folder with Lyra's files")
def test_lyra_fades_to_the_background_and_back():
    peer = LyraPeer.at_all_bitrates(LYRA_DIR)[2]
    samples = np.concatenate([hiss(2.0), np.zeros(RATE, np.float32), hiss(2.0)])
    lost = np.zeros(250, bool)
    lost[170:200] = True
    whole, holey = peer.code(samples, RATE), peer.code_with_losses(samples, RATE, lost)
    hop = RATE // 50
    np.testing.assert_array_equal(holey.samples[: 170 * hop], whole.samples[: 170 * hop])
    noise = holey.samples[176 * hop : 200 * hop]  # 80 ms, and 40 ms of fading
    assert np.std(noise) < 0.1 * np.std(whole.samples[176 * hop : 200 * hop])
    assert np.std(holey.samples[202 * hop :]) > 0.5 * np.std(whole.samples[202 * hop :])


ENCODE = """
import sys, wave
frames = wave.open(sys.argv[1]).readframes(10**9)
open(sys.argv[2], "wb").write(frames)
"""
DECODE = """
import sys, wave
with wave.open(sys.argv[2], "wb") as out:
    out.setparams((1, 2, 16000, 0, "NONE", ""))
    out.writeframes(bytes(2 * 123) + open(sys.argv[1], "rb").read())  # a delay of 123 samples
"""


def external_template(folder: Path, encode: str = ENCODE, more: str = "") -> str:
    (folder / "encode.py").write_text(encode)
    (folder / "decode.py").write_text(DECODE)
    python = sys.executable
    return (
        f"pcm:{python} {folder}/encode.py {{in}} {{bits}}{more}:"
        f"{python} {folder}/decode.py {{bits}} {{out}}"
    )


def test_an_external_codec_is_run_counted_and_aligned(tmp_path):
    (peer,) = ExternalPeer.parse(external_template(tmp_path), [3000, 6000])
    samples = voice()
    coded = peer.code(samples, RATE)
    assert peer.name == "pcm"
    assert coded.bitrate_bps == 16 * RATE
    np.testing.assert_allclose(coded.samples, samples, atol=1e-4)


def test_an_external_codec_with_a_bitrate_is_one_peer_for_each(tmp_path):
    peers = ExternalPeer.parse(external_template(tmp_path, more=" {bps}"), [3000, 6000])
    assert [peer.bitrate_bps for peer in peers] == [3000, 6000]


def test_a_failing_command_is_named_with_its_last_line(tmp_path):
    template = external_template(tmp_path, encode="raise SystemExit('no licence')")
    with pytest.raises(RuntimeError, match=r"'pcm'.*exited with 1: no licence"):
        ExternalPeer.parse(template, [0])[0].code(voice(), RATE)
    with pytest.raises(RuntimeError, match="no-such-program"):
        ExternalPeer.parse("x:no-such-program {in} {bits}:cat {bits} {out}", [0])[0].code(
            voice(), RATE
        )


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("x:only {in} {bits}", "name:encode"),
        ("x:encode {in}:decode {bits} {out}", r"\{bits\} missing in 'encode"),
        ("x:encode {in} {bits}:decode", r"\{bits\} and \{out\} missing in 'decode'"),
    ],
)
def test_a_wrong_template_is_refused(template, message):
    with pytest.raises(ValueError, match=message):
        ExternalPeer.parse(template, [3000])
