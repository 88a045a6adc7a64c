"""`import soundstream`: arrays, files, live packets, and the model that a file names."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tomllib

import soundstream
from soundstream import models
from soundstream.bitstream.header import HEADER_BYTES, Header
from tests.signals import tones, voice

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text(), re.S)


@pytest.fixture(scope="module")
def model():
    return soundstream.load()


@pytest.mark.parametrize(
    ("rate", "length", "channels"), [(16_000, 5000, 1), (44_100, 12_345, 2), (8_000, 0, 3)]
)
def test_any_rate_length_and_channels_come_back(rate, length, channels):
    samples = tones(rate, length, channels)
    data = soundstream.encode(samples, rate, bitrate_bps=12_000)
    decoded, decoded_rate = soundstream.decode(data)
    assert (decoded.shape, decoded_rate) == (samples.shape, rate)
    assert decoded.dtype == np.float32
    assert Header.from_bytes(data[:HEADER_BYTES]).total_samples == length


def test_arrays_and_files_give_the_same_bytes(tmp_path, model):
    samples = tones(22_050, 30_000, 2)
    soundfile.write(tmp_path / "a.wav", samples, 22_050, "FLOAT")
    summary = soundstream.encode_file(tmp_path / "a.wav", tmp_path / "a.sst", 6000, model=model)
    data = soundstream.encode(samples.astype(np.float64), 22_050, 6000, model=model)
    assert data == (tmp_path / "a.sst").read_bytes()
    assert summary.seconds == 30_000 / 22_050
    soundstream.decode_file(tmp_path / "a.sst", tmp_path / "b.wav")
    decoded, _ = soundstream.decode(data)
    heard, rate = soundfile.read(tmp_path / "b.wav", dtype="float32")
    assert rate == 22_050
    np.testing.assert_allclose(heard, np.clip(decoded, -1, 1), atol=1 / 32768)
    part = soundstream.decode_file(
        tmp_path / "a.sst", tmp_path / "c.wav", start_seconds=0.5, seconds=0.25, model=model
    )
    assert part.header.total_samples == round(0.25 * 22_050)


def test_one_channel_may_do_without_its_axis():
    samples = voice(16_000, 0.5)
    assert soundstream.encode(samples, 16_000) == soundstream.encode(samples[:, None], 16_000)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(400, np.int16), "samples of type int16: floating point needed"),
        (np.full(400, np.nan, np.float32), "samples of type float32: not all of them are finite"),
        (np.zeros((2, 2, 2)), r"samples of shape \(2, 2, 2\): \[time, channels\] needed"),
        (np.zeros((4, 0)), r"num_channels must be 1\.\.255, got 0"),
    ],
)
def test_what_is_no_sound_is_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        soundstream.encode(samples, 16_000)


def test_options_reach_the_encoder(model):
    samples = voice(16_000, 2.0)
    sizes = [
        len(soundstream.encode(samples, 16_000, 6000, model=model, entropy_coding=coding))
        for coding in (False, True)
    ]
    assert sizes[0] > sizes[1]
    silent = np.zeros(16_000, np.float32)
    assert len(soundstream.encode(silent, 16_000, dtx=True)) < 150
    with pytest.raises(ValueError, match="no denoising switch"):
        soundstream.encode(samples, 16_000, denoise=True)
    with pytest.raises(ValueError, match="bitrate 3100 bps is not possible"):
        soundstream.encode(samples, 16_000, 3100)


def test_damage_is_a_warning_and_the_rest_is_heard():
    data = bytearray(soundstream.encode(tones(16_000, 40_000), 16_000))
    data[500] ^= 255
    with pytest.warns(UserWarning, match="1.00 s|damaged|lost|missing"):
        decoded, _ = soundstream.decode(bytes(data))
    assert decoded.shape == (40_000, 1)


@pytest.mark.parametrize("frames", [1, 3])
def test_live_packets_are_the_codec_and_losses_are_made_up_for(model, frames):
    samples = voice(16_000, 1.0)[:-100]
    encoder = soundstream.Encoder(6000, model=model, frames_per_packet=frames)
    decoder = soundstream.Decoder(model=model)
    packets = [p for piece in np.array_split(samples, 7) for p in encoder.encode(piece)]
    packets += encoder.flush()
    heard = np.concatenate([decoder.decode(packet) for packet in packets])
    assert len(heard) == -(-len(samples) // (320 * frames)) * 320 * frames
    whole, _ = soundstream.decode(soundstream.encode(samples, 16_000, 6000, model=model))
    np.testing.assert_allclose(heard[:15_000], whole[:15_000, 0], atol=1e-5)
    assert len(decoder.decode(None)) == 320 * frames
    assert not encoder.flush()
    assert encoder.encode(samples[: 320 * frames]) == packets[:1]  # from the beginning again


def test_bad_packets_and_settings_are_refused(model):
    decoder = soundstream.Decoder(model=model)
    for packet in (b"", b"\x05\x00", b"\x00\xc0" + bytes(8)):
        with pytest.raises(soundstream.BitstreamError):
            decoder.decode(packet)
    with pytest.raises(ValueError, match=r"frames_per_packet must be 1\.\.64, got 65"):
        soundstream.Encoder(frames_per_packet=65, model=model)
    with pytest.raises(ValueError, match="mono"):
        soundstream.Encoder(model=model).encode(np.zeros((5, 2)))


def test_a_file_of_an_unknown_model_is_refused_with_those_at_hand(tmp_path, capsys):
    data = bytearray(soundstream.encode(tones(16_000, 400), 16_000))
    header = Header.from_bytes(bytes(data[:HEADER_BYTES]))
    other = Header(**{**header.__dict__, "model_id": bytes(range(8))})
    data[:HEADER_BYTES] = other.to_bytes()
    there = f"0001020304050607, which is not at hand: speech {header.model_id.hex()}"
    with pytest.raises(soundstream.BitstreamError, match=there):
        soundstream.decode(bytes(data))
    (tmp_path / "x.sst").write_bytes(data)
    with pytest.raises(soundstream.BitstreamError, match=f"x.sst: made with model {there}"):
        soundstream.decode_file(tmp_path / "x.sst", tmp_path / "x.wav")
    assert not (tmp_path / "x.wav").exists()


def test_models_have_names_and_folders():
    assert {"speech", "speech_denoise"} <= models.known().keys()
    assert soundstream.load(ROOT / "pretrained" / "speech_denoise").metadata.denoise
    with pytest.raises(ValueError, match=r"nowhere: no such folder, nor a known model .*speech"):
        soundstream.load("nowhere")
    with pytest.raises(ValueError, match="has no flavour 'int3'"):
        soundstream.load("speech", flavour="int3")


def test_names_are_those_that_are_promised():
    assert set(soundstream.__all__) <= set(dir(soundstream))
    for name in soundstream.__all__:
        assert getattr(soundstream, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = soundstream.nothing


def test_importing_it_takes_less_than_half_a_second():
    command = [sys.executable, "-X", "importtime", "-c", "import soundstream"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    last = process.stderr.splitlines()[-1]
    assert last.endswith(" soundstream")
    assert int(last.split("|")[1]) < 500_000  # microseconds, all that it imports included


def test_the_page_s_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    soundfile.write("speech.wav", voice(16_000, 1.5), 16_000)
    assert len(EXAMPLES) == 3
    for example in EXAMPLES:
        exec(compile(example, "docs/library.md", "exec"), {})
    assert "1.5 s at" in capsys.readouterr().out
    assert soundfile.info("part.wav").frames == 4000


def test_the_project_file_names_all_packages_and_what_they_need():
    folders = {path.parent for path in (ROOT / "soundstream").rglob("*.py")}
    packages = {path.relative_to(ROOT).as_posix().replace("/", ".") for path in folders}
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    assert listed - packages == {"soundstream.pretrained.speech"} and packages <= listed
    runtime = (ROOT / "requirements-runtime.txt").read_text().splitlines()
    assert set(PROJECT["project"]["dependencies"]) <= set(runtime)
    for folder, patterns in PROJECT["tool"]["setuptools"]["package-data"].items():
        place = folder.replace("soundstream.pretrained", "pretrained").replace(".", "/")
        assert [name for name in patterns if not (ROOT / place / name).is_file()] == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_wheel_codes_a_file_far_from_the_checkout(tmp_path):
    source, far = tmp_path / "source", tmp_path / "far"
    far.mkdir()
    # A copy, since setuptools leaves a build folder behind.
    files = ["pyproject.toml", "README.md", "LICENSE", "soundstream", "pretrained/speech"]
    listing = subprocess.run(
        ["git", "ls-files", "--", *files], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listing.stdout.splitlines():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())

    def run(*command):
        # Without PYTHONPATH: nothing but what is installed.
        process = subprocess.run(
            [*map(str, command)],
            cwd=far,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", far, source)
    (wheel,) = far.glob("soundstream-*.whl")
    run(sys.executable, "-m", "venv", "venv")
    run(far / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    soundfile.write(far / "in.wav", tones(44_100, 50_000, 2), 44_100)
    command = far / "venv" / "bin" / "soundstream"
    assert run(command, "--version").strip() == soundstream.__version__
    run(command, "encode", "in.wav", "x.sst", "--bitrate_bps=6000")
    run(command, "decode", "x.sst", "out.wav")
    assert soundfile.info(far / "out.wav").frames == 50_000
    assert "model id" in run(command, "info", "x.sst")
    code = (
        "import soundstream, sys; print(soundstream.__file__); print('tensorflow' in sys.modules)"
    )
    where, heavy = run(far / "venv" / "bin" / "python", "-c", code).split()
    assert where.startswith(str(far)) and heavy == "False"
    expected = soundstream.encode_file(far / "in.wav", far / "y.sst", 6000)
    assert (far / "x.sst").read_bytes() == (far / "y.sst").read_bytes() and not expected.damage


def test_the_version_is_in_one_place_and_has_its_changes():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "soundstream.__version__"
    changes = (ROOT / "CHANGELOG.md").read_text()
    first = re.search(r"^## (\S+?),? ", changes, re.M)
    assert first and first[1].rstrip(",") == soundstream.__version__
