"""Python 3.13 with TensorFlow 2.21 and without tensorflow-io, in an environment of its own."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.tiny import make_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(5400)]  # downloads and compiles, the first time

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT / "demo" / "clips" / "polish_mls_6892.flac"
# From the first step to the last stage in ten steps, on recordings of speech alone.
FLAGS = (
    *("--flagfile=speech.flags", "--total_steps=10", "--batch_size=2", "--validation_steps=10"),
    *("--quantizer_start=2", "--adversarial_start=4", "--adversarial_ramp=2"),
    *("--validation_bitrate_bps=3000", "--mix_music_share=0", "--mix_noise_share=0"),
)
# What reads files, and what must give the same bytes as ever.
TESTS = ("tests/test_pipeline.py", "tests/test_golden.py")


def run(*command):
    """Runs a command in the checkout; what it printed."""
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{command[:3]} …\n{done.stdout[-5000:]}{done.stderr[-5000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def python():
    """The interpreter of that environment, which is made on first use."""
    if sys.version_info >= (3, 13):
        return sys.executable
    # Neither the interpreter that this environment was made with, nor options of a make above.
    outer = ("PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    done = subprocess.run(
        ["make", ".venv-3.13/.complete"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if "no Python 3.13 here" in done.stderr:
        pytest.skip(done.stderr.splitlines()[0])
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / ".venv-3.13" / "bin" / "python"


def test_it_is_the_second_stack(python):
    code = "import tensorflow, tf_keras, importlib.util as u; "
    code += "print(tensorflow.__version__, tf_keras.__version__, u.find_spec('tensorflow_io'))"
    assert run(python, "-c", code).split() == ["2.21.0", "2.21.0", "None"]


def test_it_trains_exports_and_codes(python, tmp_path):
    data = make_folder(tmp_path / "data", 16_000)
    trained, exported = tmp_path / "run", tmp_path / "exported"
    run(python, "train.py", *FLAGS, f"--data_dir={data}", f"--train_dir={trained}")
    with (trained / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["codec"] for row in rows] == ["unquantized", "3000bps"]
    assert all(row["step"] == "10" and np.isfinite(float(row["si_sdr"])) for row in rows)

    flavours = "--flavour=dynamic_int8,float16,float32"
    weights = f"--weights={trained / 'weights.npz'}"
    folder = f"--output_dir={exported}"
    run(python, "export/to_tflite.py", weights, folder, flavours, "--bitrate_bps=3000")

    coded, model = tmp_path / "a.sst", f"--model_dir={exported}"
    run(python, "codec.py", "encode", model, "--bitrate_bps=3000", CLIP, coded)
    for interpreter, name in ((python, "second.wav"), (sys.executable, "this.wav")):
        run(interpreter, "codec.py", "decode", model, coded, tmp_path / name)
    audio, rate = soundfile.read(tmp_path / "second.wav")
    assert (len(audio), rate) == (soundfile.info(CLIP).frames, soundfile.info(CLIP).samplerate)
    assert np.abs(audio).max() > 0.001
    # LiteRT is of one version on both stacks.
    np.testing.assert_array_equal(audio, soundfile.read(tmp_path / "this.wav")[0])


def test_tests_of_data_and_bytes_pass_on_it(python):
    printed = run(python, "-m", "pytest", "-m", "not slow", *TESTS)
    assert " passed" in printed and "failed" not in printed
