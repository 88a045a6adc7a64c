"""Other codecs beside ours: Opus, Lyra V2, and commands, which run without a shell."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from evaluation.external import ExternalPeer
from evaluation.lyra import LyraPeer
from evaluation.opus import OpusFecPeer, OpusPeer
from metrics import alignment, quality
from tests.signals import hiss, voice

RATE = 16_000
# Lyra V2's files are not part of this repository: google/lyra 1.3.2, folder lyra/model_coeffs.
LYRA_DIR = os.environ.get("LYRA_DIR")


@pytest.mark.parametrize("bitrate_bps", [8_000, 16_000, 32_000])
def test_opus_sends_about_what_is_asked_for_and_has_no_delay(bitrate_bps):
    samples = hiss(RATE)[:-77]
    coded = OpusPeer(bitrate_bps).code(samples, RATE)
    assert coded.samples.shape == samples.shape
    assert 0.7 * bitrate_bps < coded.bitrate_bps < 1.3 * bitrate_bps
    assert abs(alignment.delay(samples, coded.samples, 3200)) <= 1


def test_opus_is_better_at_more_bits_and_takes_other_rates():
    samples = voice(RATE, 3.0)
    low, high = (OpusPeer(bitrate).code(samples, RATE).samples for bitrate in (8_000, 48_000))
    assert quality.mel_distance(samples, high, RATE) < 1 < quality.mel_distance(samples, low, RATE)
    assert OpusPeer(12_000).code(voice(RATE), 44_100).samples.shape == voice(RATE).shape


def test_opus_conceals_and_recovers():
    samples = voice(RATE, 3.0)
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


def test_opus_tells_of_the_packet_before_where_the_bitrate_leaves_room():
    samples = voice(RATE, 3.0)
    lost = np.arange(150) % 10 == 5
    for bitrate, helps in [(6_000, False), (24_000, True)]:
        fec, plain = OpusFecPeer(bitrate), OpusPeer(bitrate)
        error = [
            np.std(
                peer.code_with_losses(samples, RATE, lost).samples
                - peer.code(samples, RATE).samples
            )
            for peer in (fec, plain)
        ]
        if helps:
            assert error[0] < 0.6 * error[1]
        else:
            assert error[0] == pytest.approx(error[1], rel=0.05)
            assert fec.code(samples, RATE).bitrate_bps == plain.code(samples, RATE).bitrate_bps


def test_lyra_names_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match="--lyra_dir"):
        LyraPeer.at([6000], None)
    (tmp_path / "soundstream_encoder.tflite").touch()
    with pytest.raises(ValueError, match=r"quantizer\.tflite"):
        LyraPeer.at([6000], str(tmp_path))


@pytest.mark.skipif(LYRA_DIR is None, reason="LYRA_DIR does not name a folder with Lyra's files")
def test_lyra_starts_anew_with_each_recording_and_is_better_at_more_bits():
    low, high = LyraPeer.at([3200, 9200], LYRA_DIR)
    samples = voice(RATE)[:-77]
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
    (peer,) = LyraPeer.at([9200], LYRA_DIR)
    samples = np.concatenate([hiss(RATE, 2.0), np.zeros(RATE, np.float32), hiss(RATE, 2.0)])
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
    samples = voice(RATE)
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
        ExternalPeer.parse(template, [0])[0].code(voice(RATE), RATE)
    with pytest.raises(RuntimeError, match="no-such-program"):
        ExternalPeer.parse("x:no-such-program {in} {bits}:cat {bits} {out}", [0])[0].code(
            voice(RATE), RATE
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
