"""The file codec: any length, rate and number of channels comes back exactly, and in place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from soundstream.atomic import whole_file
from soundstream.bitstream.entropy_tables import EntropyTables, LevelTable
from soundstream.bitstream.range_coder import TOTAL
from soundstream.codec import files
from soundstream.codec.file_codec import Span
from soundstream.codec.packet_encoder import EncodeOptions
from tests import fake_runtime
from tests.signals import tones

OPTIONS = EncodeOptions(bitrate_bps=256_000)
PACKET_BYTES = 407  # 50 frames of 4 codes of 16 bits, and 7 bytes


@pytest.fixture
def codec(monkeypatch):
    """The modules of the file codec, with the lossless stand-in."""
    fake_runtime.use(monkeypatch.setattr)
    return files


def round_trip(codec, path, samples, rate, suffix=".wav"):
    """Samples after encoding and decoding, and the two summaries."""
    soundfile.write(path / "in.wav", samples, rate, subtype="PCM_16")
    model = fake_runtime.CodecModel()
    encoded = codec.encode_file(model, codec.Job(f"{path}/in.wav", f"{path}/x.sst"), OPTIONS)
    decoded = codec.decode_file(model, codec.Job(f"{path}/x.sst", f"{path}/out{suffix}"))
    out, out_rate = soundfile.read(path / f"out{suffix}", dtype="float32", always_2d=True)
    assert out_rate == rate and not decoded.damage
    return out, encoded, decoded


@pytest.mark.parametrize("num_samples", [0, 1, 3, 4, 5, 199, 200, 201, 16_000, 300_007])
def test_any_length_comes_back_exactly(codec, tmp_path, num_samples):
    samples = tones(16_000, num_samples)
    out, encoded, decoded = round_trip(codec, tmp_path, samples, 16_000)
    assert out.shape == samples.shape
    np.testing.assert_allclose(out, samples, atol=1 / 32768)
    frames = -(-num_samples // 4)
    packets = -(-frames // 50)
    assert encoded.coded_bytes == 44 + 8 * frames + 7 * packets + 15
    assert encoded.coded_bytes == decoded.coded_bytes == (tmp_path / "x.sst").stat().st_size
    assert encoded.header.total_samples == decoded.header.total_samples == num_samples


@pytest.mark.parametrize("rate", [1_000, 8_000, 11_025, 22_050, 44_100, 48_000, 192_000, 768_000])
@pytest.mark.parametrize("num_samples", [1, 12_345, 100_001])
def test_any_rate_comes_back_aligned(codec, tmp_path, rate, num_samples):
    samples = tones(rate, num_samples)
    out, _, _ = round_trip(codec, tmp_path, samples, rate)
    assert out.shape == samples.shape
    edge = rate // 20  # resampling smears the ends, where the tone starts and stops at once
    if num_samples > 3 * edge:
        np.testing.assert_allclose(out[edge:-edge], samples[edge:-edge], atol=2e-3)


@pytest.mark.parametrize("num_channels, rate", [(2, 16_000), (8, 48_000)])
def test_channels_keep_their_places(codec, tmp_path, num_channels, rate):
    samples = tones(rate, 20_000, num_channels)
    out, encoded, _ = round_trip(codec, tmp_path, samples, rate, ".flac")
    np.testing.assert_allclose(out[2000:-2000], samples[2000:-2000], atol=2e-3)
    assert encoded.header.nominal_bps == 256_000 * num_channels


def test_not_finite_samples_become_silence_and_are_reported(codec, tmp_path):
    samples = tones(16_000, 1000, 2)
    samples[5, 0] = np.nan
    samples[7, 1] = -np.inf
    soundfile.write(tmp_path / "nan.wav", samples, 16_000, subtype="FLOAT")
    model = fake_runtime.CodecModel()
    job = codec.Job(str(tmp_path / "nan.wav"), str(tmp_path / "x.sst"))
    summary = codec.encode_file(model, job, OPTIONS)
    assert summary.warnings == ["2 samples are not finite, replaced by 0"]
    codec.decode_file(model, codec.Job(str(tmp_path / "x.sst"), str(tmp_path / "out.wav")))
    out, _ = soundfile.read(tmp_path / "out.wav")
    samples[5, 0] = samples[7, 1] = 0
    np.testing.assert_allclose(out, samples, atol=1 / 32768)


def test_damaged_packets_cost_only_themselves(codec, tmp_path):
    samples = tones(16_000, 4000) + np.float32(0.25)
    round_trip(codec, tmp_path, samples, 16_000)
    data = bytearray((tmp_path / "x.sst").read_bytes())
    data[44 + 3 * PACKET_BYTES + 100] ^= 1
    (tmp_path / "x.sst").write_bytes(data)
    job = codec.Job(str(tmp_path / "x.sst"), str(tmp_path / "out.wav"))
    summary = codec.decode_file(fake_runtime.CodecModel(), job)
    assert summary.damage == ["damaged: 0.01 s lost and concealed"]
    out, _ = soundfile.read(tmp_path / "out.wav", always_2d=True)
    assert len(out) == 4000
    wrong = np.abs(out - samples).max(axis=1) > 1e-4
    wrong = np.flatnonzero(wrong)
    assert len(wrong) and wrong[0] >= 600 and wrong[-1] < 804  # the packet, and one frame of ramp


@pytest.mark.parametrize("rate", [16_000, 44_100, 11_025, 16_001])
@pytest.mark.parametrize("start, seconds", [(0.0, 0.5), (2.0, 1.25), (3.9, None), (1.5, 9.0)])
def test_a_part_equals_the_same_part_of_the_whole(codec, tmp_path, rate, start, seconds):
    samples = tones(rate, 5 * rate + 17)
    whole, _, _ = round_trip(codec, tmp_path, samples, rate)
    job = codec.Job(str(tmp_path / "x.sst"), str(tmp_path / "part.wav"))
    summary = codec.decode_file(fake_runtime.CodecModel(), job, None, Span(start, seconds))
    part, _ = soundfile.read(tmp_path / "part.wav", always_2d=True)
    first = round(start * rate)
    stop = len(whole) if seconds is None else first + round(seconds * rate)
    np.testing.assert_allclose(part, whole[first:stop], atol=2 / 32768)
    assert not summary.damage
    with pytest.raises(ValueError, match=r"x\.sst: nothing at 6 s"):
        codec.decode_file(fake_runtime.CodecModel(), job, None, Span(6.0))


@pytest.mark.parametrize("num_channels", [1, 2])
def test_pauses_are_not_sent(codec, tmp_path, num_channels):
    rng = np.random.default_rng(0)
    samples = 1e-3 * rng.standard_normal((10 * 16_000, num_channels))
    samples[2 * 16_000 : 4 * 16_000] += tones(16_000, 2 * 16_000, num_channels)
    soundfile.write(tmp_path / "in.wav", samples, 16_000)
    # Frames long enough to have a level.
    model = fake_runtime.CodecModel(fake_runtime.Metadata(hop=80, num_quantizers=80))
    job = codec.Job(str(tmp_path / "in.wav"), str(tmp_path / "x.sst"))
    encoded = codec.encode_file(model, job, EncodeOptions(bitrate_bps=256_000, dtx=True))
    speech_bytes = 2 * 32_000 * num_channels
    # The first pause is sent until it proves to be one.
    assert 1.1 * speech_bytes < encoded.coded_bytes < 2.2 * speech_bytes
    codec.decode_file(model, codec.Job(str(tmp_path / "x.sst"), str(tmp_path / "out.wav")))
    out, _ = soundfile.read(tmp_path / "out.wav", always_2d=True)
    assert out.shape == samples.shape
    speech = slice(2 * 16_000, 4 * 16_000)
    np.testing.assert_allclose(out[speech], samples[speech], atol=1e-4)
    pause = slice(7 * 16_000, None)
    assert np.std(out[pause]) == pytest.approx(1e-3, rel=0.1)
    facts = codec.describe_file(str(tmp_path / "x.sst"))
    assert facts["packets"]["silence"] >= 4 and not facts["damage"]


def test_entropy_coding_is_shorter_and_exact(codec, tmp_path):
    model = fake_runtime.CodecModel(fake_runtime.Metadata(codebook_size=1 << 11))
    pcm = np.random.default_rng(0).normal(0, 0.02, 40_000).astype(np.float32)
    soundfile.write(tmp_path / "in.wav", pcm, 16_000, subtype="FLOAT")
    contexts = np.zeros(2048, np.uint8)
    counts = np.exp(-0.5 * ((np.arange(2048) - 1024) / (0.02 * 1024)) ** 2)
    frequencies = 1 + np.floor(counts / counts.sum() * (TOTAL - 2048)).astype(np.uint16)
    frequencies[1024] += TOTAL - frequencies.sum(dtype=int)
    tables = EntropyTables((LevelTable(contexts, contexts, frequencies[None, None]),) * 4)
    sizes = {}
    for name, used in (("packed", None), ("coded", tables)):
        target = str(tmp_path / f"{name}.sst")
        options = EncodeOptions(bitrate_bps=4 * 11 * 4000, tables=used)
        job = codec.Job(str(tmp_path / "in.wav"), target)
        sizes[name] = codec.encode_file(model, job, options).coded_bytes
        codec.decode_file(model, codec.Job(target, f"{target}.wav"), tables)
    out, _ = soundfile.read(tmp_path / "packed.sst.wav")
    np.testing.assert_array_equal(soundfile.read(tmp_path / "coded.sst.wav")[0], out)
    np.testing.assert_allclose(out, pcm, atol=1 / 1024)
    part = codec.Job(str(tmp_path / "coded.sst"), str(tmp_path / "part.wav"))
    codec.decode_file(model, part, tables, Span(1.3, 0.5))
    np.testing.assert_array_equal(soundfile.read(part.target)[0], out[20_800:28_800])
    # 6.6 bits of entropy for a bell of 20 steps, against 11, and a little for the tables' floor.
    assert 0.59 < sizes["coded"] / sizes["packed"] < 0.70
    facts = codec.describe_file(str(tmp_path / "coded.sst"))
    assert facts["packets"]["entropy_coded"] == 200
    job = codec.Job(str(tmp_path / "coded.sst"), str(tmp_path / "out.wav"))
    with pytest.raises(
        ValueError, match=r"coded.sst: made with other entropy tables: \w{8}, .* none"
    ):
        codec.decode_file(model, job)


def test_a_failed_run_leaves_nothing_behind(tmp_path):
    (tmp_path / "x.wav").write_text("from before")
    with pytest.raises(KeyboardInterrupt), whole_file(str(tmp_path / "x.wav")) as temporary:
        Path(temporary).write_text("half of it")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]
    assert (tmp_path / "x.wav").read_text() == "from before"
