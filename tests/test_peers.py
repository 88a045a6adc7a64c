"""Codecs under test: bits counted, delay gone, length kept; commands run without a shell."""

import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from metrics import alignment, quality
from metrics.external import ExternalPeer
from metrics.peers import LyraPeer, OpusPeer, SoundStreamPeer, load_model

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


@pytest.fixture
def fake_runtime(monkeypatch):
    """A codec of 12 levels of 256 entries, hop 320, whose output shows the number of levels."""

    class Metadata:
        sample_rate, hop, codebook_size = RATE, 320, 256

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
        def __init__(self, model, bitrate_bps):
            self.levels = model.metadata.num_quantizers_for(bitrate_bps)

        def encode(self, samples):
            assert len(samples) % 320 == 0
            return np.zeros((len(samples) // 320, self.levels), np.int32)

    class StreamingDecoder:
        def __init__(self, model):
            pass

        def decode(self, codes):
            return np.full(320 * len(codes), codes.shape[1] / 100, np.float32)

    module = types.ModuleType("export.runtime")
    for part in (CodecModel, StreamingEncoder, StreamingDecoder):
        setattr(module, part.__name__, part)
    monkeypatch.setitem(sys.modules, "export.runtime", module)
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
