"""codec.py and the file codec: exact lengths, alignment, pipes, folders, and bad input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import fake_runtime

ROOT = Path(__file__).resolve().parents[1]
LOSSLESS = "--bitrate_bps=256000"
PACKET_BYTES = 407  # 50 frames of 4 codes of 16 bits, and 7 bytes


def run(*arguments, stdin=b"", cwd=None):
    """codec.py with the lossless stand-in; returns the finished process."""
    command = [sys.executable, str(ROOT / "tests" / "fake_runtime.py"), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, cwd=cwd)


def error_of(process, code=1):
    """The one line that a failed run prints."""
    assert process.returncode == code, process.stderr.decode()
    lines = process.stderr.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith("codec.py: "), lines
    return lines[0]


@pytest.fixture
def codec(monkeypatch):
    """The modules of the file codec, with the lossless stand-in."""
    from export import batch, block_decoder, file_codec

    monkeypatch.setattr(file_codec, "StreamingEncoder", fake_runtime.StreamingEncoder)
    monkeypatch.setattr(block_decoder, "StreamingDecoder", fake_runtime.StreamingDecoder)
    return batch


def tones(rate, num_samples, num_channels=1):
    """Band-limited audio that no two samples or channels share."""
    time = np.arange(num_samples)[:, None] / rate
    frequency = 150 + 40 * np.arange(num_channels)
    return (0.5 * np.sin(2 * np.pi * frequency * time + 9 * np.sin(4 * time))).astype(np.float32)


def round_trip(codec, path, samples, rate, suffix=".wav"):
    """Samples after encoding and decoding, and the two summaries."""
    soundfile.write(path / "in.wav", samples, rate, subtype="PCM_16")
    model = fake_runtime.CodecModel()
    encoded = codec.encode_file(model, codec.Job(f"{path}/in.wav", f"{path}/x.sst"), 256_000)
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
    summary = codec.encode_file(model, job, 256_000)
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
    assert np.all(np.flatnonzero(wrong) // 200 == 3)


def test_the_cli_there_and_back(tmp_path):
    samples = tones(44_100, 50_000, 2)
    soundfile.write(tmp_path / "a.wav", samples, 44_100)
    process = run("encode", "a.wav", "a.sst", LOSSLESS, cwd=tmp_path)
    assert process.returncode == 0 and b"bps nominal" in process.stdout, process.stderr
    assert run("decode", "a.sst", "b.flac", cwd=tmp_path).returncode == 0
    out, rate = soundfile.read(tmp_path / "b.flac")
    assert out.shape == samples.shape and rate == 44_100
    facts = json.loads(run("info", "a.sst", "--json", cwd=tmp_path).stdout)
    assert (facts["samples"], facts["channels"], facts["sample_rate_hz"]) == (50_000, 2, 44_100)
    assert facts["complete"] and facts["bytes"] == (tmp_path / "a.sst").stat().st_size
    table = run("info", "a.sst", cwd=tmp_path).stdout.decode()
    assert "nominal bps" in table and "512,000" in table
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.sst", "a.wav", "b.flac"]


def test_pipes(tmp_path):
    samples = tones(48_000, 30_011)
    wav = io.BytesIO()
    soundfile.write(wav, samples, 48_000, format="WAV")
    encoded = run("encode", "-", "-", LOSSLESS, stdin=wav.getvalue())
    assert encoded.returncode == 0, encoded.stderr
    decoded = run("decode", "-", "-", stdin=encoded.stdout)
    assert decoded.returncode == 0, decoded.stderr
    (tmp_path / "out.wav").write_bytes(decoded.stdout)
    out, rate = soundfile.read(tmp_path / "out.wav", always_2d=True)
    assert out.shape == samples.shape and rate == 48_000
    np.testing.assert_allclose(out[2400:-2400], samples[2400:-2400], atol=2e-3)
    assert json.loads(run("info", "-", "--json", stdin=encoded.stdout).stdout)["samples"] == 30_011


def test_folders_go_on_past_bad_files(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    soundfile.write(tmp_path / "in" / "a.wav", tones(16_000, 500), 16_000)
    soundfile.write(tmp_path / "in" / "sub" / "b.flac", tones(16_000, 500), 16_000)
    (tmp_path / "in" / "bad.wav").write_text("this is no audio\n" * 20)
    process = run("encode", "in", "coded", LOSSLESS, cwd=tmp_path)
    assert "in/bad.wav: not an audio file" in error_of(process)
    assert run("decode", "coded", "out", cwd=tmp_path).returncode == 0
    names = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*"))
    assert names == ["a.wav", "sub/b.wav"]
    soundfile.write(tmp_path / "in" / "a.flac", tones(16_000, 500), 16_000)
    assert "would both become" in error_of(run("encode", "in", "coded", LOSSLESS, cwd=tmp_path))


@pytest.fixture
def folder(tmp_path):
    """A folder with one good file of each kind and several bad ones."""
    soundfile.write(tmp_path / "good.wav", tones(16_000, 4000), 16_000)
    assert run("encode", "good.wav", "good.sst", LOSSLESS, cwd=tmp_path).returncode == 0
    (tmp_path / "text.wav").write_text("this is no audio\n" * 20)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "empty.sst").touch()
    newer = bytearray((tmp_path / "good.sst").read_bytes())
    newer[4:44] = b"\x07" + bytes(39)
    (tmp_path / "newer.sst").write_bytes(newer)
    return tmp_path


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("encode text.wav x.sst", "text.wav: not an audio file"),
        ("encode empty.wav x.sst", "empty.wav: the file is empty"),
        ("encode missing.wav x.sst", "missing.wav: no such file"),
        ("encode good.wav nowhere/x.sst", "nowhere/x.sst: no such folder"),
        ("encode good.wav x.sst --bitrate_bps=3100", "must be one of"),
        ("encode good.wav good.wav", "cannot be input and output at once"),
        ("decode missing.sst x.wav", "missing.sst: No such file"),
        ("decode good.wav x.wav", "good.wav: not an .sst file: it starts with 52 49 46 46"),
        ("decode empty.sst x.wav", "empty.sst: not an .sst file: it is empty"),
        ("decode newer.sst x.wav", "newer.sst: made by a newer version: format 7"),
        ("decode good.sst x.wav --model_dir=other", "good.sst: made with another model"),
        ("decode good.sst nowhere/x.wav", "nowhere/x.wav: no such folder"),
        ("decode good.sst x.xyz", "x.xyz: cannot write this format"),
        ("info text.wav", "text.wav: not an .sst file"),
        ("info missing.sst", "missing.sst: No such file"),
        ("encode good.wav", "usage: codec.py"),
        ("", "usage: codec.py"),
    ],
)
def test_bad_input_is_one_clear_line(folder, arguments, message):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert message in error_of(run(*arguments.split(), cwd=folder))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("kept, samples", [(44, 0), (44 + 3 * PACKET_BYTES + 7, 600), (-1, 4000)])
def test_a_truncated_file_gives_all_before_the_cut_and_says_so(folder, kept, samples):
    (folder / "cut.sst").write_bytes((folder / "good.sst").read_bytes()[:kept])
    process = run("decode", "cut.sst", "cut.wav", cwd=folder)
    out, _ = soundfile.read(folder / "cut.wav")
    good, _ = soundfile.read(folder / "good.wav")
    np.testing.assert_allclose(out, good[:samples], atol=1 / 32768)
    if samples < 4000:
        assert "cut.sst: truncated: it ends after" in error_of(process, code=2)
        assert "of 0.25 s" in error_of(run("info", "cut.sst", cwd=folder), code=2)
