"""codec.py: exact lengths, pipes, folders, bad input, memory."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.signals import tones

ROOT = Path(__file__).resolve().parents[1]
RELEASED = ROOT / "pretrained" / "speech"
LOSSLESS = "--bitrate_bps=256000"
PACKET_BYTES = 407  # 50 frames of 4 codes of 16 bits, and 7 bytes


def run(*arguments, stdin=b"", cwd=None):
    """codec.py with the lossless stand-in; returns the finished process."""
    command = [sys.executable, str(ROOT / "tests" / "fake_codec.py"), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, cwd=cwd)


def error_of(process, code=1):
    """The one line that a failed run prints."""
    assert process.returncode == code, process.stderr.decode()
    lines = process.stderr.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith("codec.py: "), lines
    return lines[0]


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


def test_a_live_pipe_need_not_end():
    """What a microphone has delivered comes out encoded, and decoded, while it goes on."""
    wav = io.BytesIO()
    soundfile.write(wav, tones(16_000, 3 * 16_000), 16_000, format="WAV")
    script = [sys.executable, str(ROOT / "tests" / "fake_codec.py")]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with (
        subprocess.Popen(
            [*script, "encode", "-", "-", LOSSLESS], stdin=subprocess.PIPE, **streams
        ) as encoder,
        subprocess.Popen([*script, "decode", "-", "-"], stdin=encoder.stdout, **streams) as decoder,
    ):
        give_up = threading.Timer(30, encoder.kill)  # else a buffer somewhere would wait for ever
        give_up.start()
        encoder.stdin.write(wav.getvalue()[: 44 + 2 * 40_000])
        encoder.stdin.flush()
        heard = decoder.stdout.read(44 + 2 * 30_000)
        give_up.cancel()
        np.testing.assert_array_equal(
            np.frombuffer(heard[44:], "<i2"), np.frombuffer(wav.getvalue()[44 : len(heard)], "<i2")
        )
        encoder.stdin.close()
        decoder.stdout.read()


def test_folders_go_on_past_bad_files(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    soundfile.write(tmp_path / "in" / "a.wav", tones(16_000, 500), 16_000)
    soundfile.write(tmp_path / "in" / "sub" / "b.flac", tones(16_000, 500), 16_000)
    (tmp_path / "in" / "bad.wav").write_text("this is no audio\n" * 20)
    process = run("encode", "in", "coded", LOSSLESS, cwd=tmp_path)
    assert "in/bad.wav: cannot be read as audio" in error_of(process)
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
        ("encode text.wav x.sst", "text.wav: cannot be read as audio"),
        ("encode empty.wav x.sst", "empty.wav: the file is empty"),
        ("encode missing.wav x.sst", "missing.wav: no such file"),
        ("encode good.wav nowhere/x.sst", "nowhere/x.sst: no such folder"),
        ("encode good.wav x.sst --bitrate_bps=3100", "bitrate 3100 bps is not possible"),
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
        ("encode good.wav", "encode needs 2 paths, got 1; usage: codec.py"),
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


@pytest.mark.skipif(not (RELEASED / "metadata.json").exists(), reason="no model is released yet")
def test_the_released_model_codes_in_place(tmp_path):
    """Same length, and what comes out is where it was: the correlation peaks at no delay."""
    glide = tones(16_000, 2 * 16_000 + 123)[:, 0]
    soundfile.write(tmp_path / "in.wav", glide, 16_000)
    for line in ("encode in.wav x.sst --bitrate_bps=6000", "decode x.sst o.wav"):
        command = [sys.executable, str(ROOT / "codec.py"), *line.split()]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    out, _ = soundfile.read(tmp_path / "o.wav")
    assert len(out) == len(glide)
    lags = range(-8, 9)
    inner = slice(8000, -8000)
    similarity = [np.dot(np.roll(out, lag)[inner], glide[inner]) for lag in lags]
    assert abs(lags[int(np.argmax(similarity))]) <= 1


REPORT_PEAK = """
import atexit, pathlib, runpy, sys
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(status.read_text().split("VmHWM:")[1].split()[0], file=sys.stderr))
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def peak_megabytes(*arguments):
    """Runs codec.py with the stand-in; its peak resident memory."""
    script = str(ROOT / "tests" / "fake_codec.py")
    command = [sys.executable, "-c", REPORT_PEAK, script, *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return int(process.stderr.splitlines()[-1]) / 1024


@pytest.mark.slow
def test_an_hour_takes_no_more_memory_than_a_minute(tmp_path):
    peaks: dict[str, list[float]] = {}
    for name, minutes in (("minute", 1), ("hour", 60)):
        with soundfile.SoundFile(tmp_path / f"{name}.wav", "w", 44_100, 2, "PCM_16") as file:
            for _ in range(minutes):
                file.write(tones(44_100, 60 * 44_100, 2))
        peaks[name] = [
            peak_megabytes("encode", tmp_path / f"{name}.wav", tmp_path / "x.sst", LOSSLESS),
            peak_megabytes("decode", tmp_path / "x.sst", tmp_path / "x.wav"),
        ]
        assert soundfile.info(tmp_path / "x.wav").frames == minutes * 60 * 44_100
        (tmp_path / f"{name}.wav").unlink()
    assert max(np.subtract(peaks["hour"], peaks["minute"])) < 5, peaks
    assert max(peaks["hour"]) < 100, peaks
