"""The demo, with no more packages than it asks for, and the recordings it ships with."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from export.to_tflite import export_model
from model.soundstream import SoundStream
from soundstream.audio import read_audio, write_audio
from tests.contract import randomize
from tests.tiny import SMALL_SWITCH, tiny_config

ROOT = Path(__file__).resolve().parents[1]
CLIPS = ROOT / "demo" / "clips"


def packages_in(file):
    lines = (ROOT / file).read_text().splitlines()
    names = [re.match(r"[\w-]+", line) for line in lines]
    return {name.group().lower().replace("_", "-") for name in names if name}


def packages_of_training():
    """Module names of what requirements.txt has beyond requirements-runtime.txt."""
    beyond = packages_in("requirements.txt") - packages_in("requirements-runtime.txt")
    beyond -= {"protobuf", "ml-dtypes"}  # pinned there, and a part of ai-edge-litert here
    assert "tensorflow" in beyond and "numpy" not in beyond
    return [
        module
        for module, distributions in packages_distributions().items()
        if beyond & {name.lower().replace("_", "-") for name in distributions}
    ]


def run_without(modules, script, *arguments):
    """Runs a script of the project in a process where `modules` are not installed."""
    code = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({modules!r}))\n"
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(ROOT / script), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def recordings(tmp_path):
    """A mono file at the model's rate and a longer one with two channels at another rate."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    noise = np.random.default_rng(0).normal(scale=0.1, size=(44_100, 2))
    write_audio(folder / "mono.wav", noise[:6000, 0], 8000)
    write_audio(folder / "stereo.flac", noise, 22_050)
    (folder / "notes.txt").write_text("not audio")
    return folder


def test_demo_codes_a_folder_with_the_light_packages_alone(exported_model, recordings, tmp_path):
    output = tmp_path / "output"
    process = run_without(
        packages_of_training(),
        "demo/demo.py",
        f"--model_dir={exported_model}",
        "--denoise_model_dir=",
        f"--input_dir={recordings}",
        f"--output_dir={output}",
        "--bitrate_bps=800,3200",
    )
    assert process.returncode == 0, process.stderr
    rows = re.findall(r"^ *([\d.]+) kbps +([\d.]+) kbps +[\d.]+ dB +[\d.]+$", process.stdout, re.M)
    assert [float(nominal) for nominal, _ in rows] == [0.8, 3.2]
    for nominal, actual in rows:
        assert float(nominal) < float(actual) < float(nominal) + 1.0
    for clip, samples in (("mono", 6000), ("stereo", 16_000)):
        names = {path.name for path in (output / clip).iterdir()}
        assert names == {
            "original.wav", "800bps.sst", "800bps.wav", "3200bps.sst", "3200bps.wav"
        }  # fmt: skip
        for path in (output / clip).glob("*.wav"):
            decoded, rate = read_audio(path)
            assert (rate, decoded.shape) == (8000, (samples, 1))
        assert not np.array_equal(
            read_audio(output / clip / "800bps.wav")[0],
            read_audio(output / clip / "3200bps.wav")[0],
        )
    assert image.imread(output / "spectrograms.png").shape[1] > 600


def test_demo_shows_how_noise_is_removed(exported_model, recordings, tmp_path):
    config = tiny_config(**SMALL_SWITCH)
    model = SoundStream(config)
    randomize(model)
    export_model(model, tmp_path / "model", ["float32"], [800, 3200])
    output = tmp_path / "output"
    process = run_without(
        packages_of_training(), "demo/demo.py", f"--denoise_model_dir={tmp_path / 'model'}",
        f"--model_dir={exported_model}", f"--input_dir={recordings}", f"--output_dir={output}",
        "--bitrate_bps=800,3200",
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert "Noise removed" in process.stdout
    assert image.imread(output / "noise_removed.png").shape[1] > 600
    noisy, kept, removed = (
        read_audio(output / "mono" / f"{name}.wav")[0]
        for name in ("noisy", "noise_kept", "noise_removed")
    )
    assert noisy.shape == kept.shape == removed.shape
    assert not np.array_equal(kept, removed)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--model_dir=missing"], "missing holds no exported model"),
        (["--input_dir=bitstream"], "bitstream: no recordings in it"),
        (["--bitrate_bps=801"], "bitrate 801 bps is not possible"),
        (["--bitrate_bps=low"], "--bitrate_bps=low"),
        (["recordings"], "unexpected argument 'recordings'"),
    ],
)
def test_demo_says_in_one_line_what_is_wrong(exported_model, tmp_path, arguments, complaint):
    defaults = [f"--model_dir={exported_model}", f"--output_dir={tmp_path}"]
    process = run_without([], "demo/demo.py", *defaults, *arguments)
    assert process.returncode == 1
    lines = [line for line in process.stderr.splitlines() if not line.startswith("INFO")]
    assert len(lines) == 1 and lines[0].startswith("demo.py: ") and complaint in lines[0]


def test_clips_are_short_clean_speech_with_a_source():
    attribution = (CLIPS / "ATTRIBUTION.md").read_text()
    clips = sorted(CLIPS.glob("*.flac"))
    assert 3 <= len(clips) <= 5
    assert len({clip.stem.split("_")[0] for clip in clips}) >= 3  # languages
    for clip in clips:
        assert f"`{clip.name}`" in attribution
        samples, rate = read_audio(clip)
        assert (rate, samples.shape[1]) == (16_000, 1)
        assert 4 < len(samples) / rate < 7
        assert np.abs(samples).max() < 0.95
        assert -35 < 20 * np.log10(np.sqrt(np.mean(samples**2))) < -12
