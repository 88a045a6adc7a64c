"""Every flavour on a phone's processor, emulated: same codes and audio as on this machine.

The runtime is TensorFlow Lite's C library, 2.17.1, older than what made the files: apps have such.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from export.to_tflite import export_model
from model.soundstream import SoundStream
from model.weights import with_int8_nets
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests import needs
from tests.contract import fit_codebooks, randomize
from tests.tiny import harmonic_batch, tiny_config

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
WHEEL = "pymicro-wakeword==2.5.0"  # on PyPI; has libtensorflowlite_c.so 2.17.1 for many processors
FLAVOURS = ["dynamic_int8", "float16", "float32", "int8", "int16"]
CONFIG = tiny_config()
FRAMES = 40


@pytest.fixture(scope="module")
def audio():
    return harmonic_batch(1, FRAMES * CONFIG.hop)[0, :, 0]


@pytest.fixture(scope="module")
def folder(audio, tmp_path_factory):
    model = SoundStream(CONFIG)
    randomize(model)
    signal = tf.constant(audio[None, :, None])
    fit_codebooks(model, signal)
    folder = tmp_path_factory.mktemp("model")
    int8_models = {"int8": with_int8_nets(model, signal)}
    export_model(model, folder, FLAVOURS, [3200], int8_models=int8_models, int16_speech=audio)
    return folder


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    """Runs run_stream for ARM: function(model, signature, input, output, data) -> bytes."""
    needs.require("phone")
    folder = tmp_path_factory.mktemp("aarch64")
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    platform = ["--only-binary=:all:", "--platform=manylinux_2_35_aarch64", WHEEL]
    subprocess.run([*download, *platform], check=True)
    (wheel,) = folder.glob("*.whl")
    member = "pymicro_wakeword/lib/libtensorflowlite_c.so"
    with zipfile.ZipFile(wheel) as archive:
        (folder / "libtensorflowlite_c.so").write_bytes(archive.read(member))
    program = folder / "run_stream"
    source = ROOT / "tests" / "aarch64" / "run_stream.c"
    compiler = ["aarch64-linux-gnu-gcc", "-O1", "-Wall", "-Werror", source, "-o", program]
    subprocess.run([*compiler, f"-L{folder}", "-ltensorflowlite_c"], check=True)

    def run(model, signature, source, target, data):
        command = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
        command += ["-E", f"LD_LIBRARY_PATH={folder}:/usr/aarch64-linux-gnu/lib", program]
        done = subprocess.run(
            [*command, model, signature, source, target],
            input=data.tobytes(),
            capture_output=True,
            env=os.environ,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_codes_and_audio_are_those_of_this_machine(emulated, folder, audio, flavour):
    model = CodecModel.load(folder, flavour)
    expected = StreamingEncoder(model, 3200).encode(audio)
    raw = emulated(folder / f"encoder_{flavour}.tflite", "encode_03200", "audio", "codes", audio)
    codes = np.frombuffer(raw, np.int32).reshape(FRAMES, -1)
    assert len(np.unique(expected)) > 4
    decoded = StreamingDecoder(model).decode(expected)
    raw = emulated(folder / f"decoder_{flavour}.tflite", "decode", "codes", "audio", expected)
    theirs = np.frombuffer(raw, np.float32)
    if flavour in ("float16", "float32"):
        np.testing.assert_array_equal(codes, expected)
        np.testing.assert_allclose(theirs, decoded, atol=1e-5)
    else:
        # XNNPACK rounds to eight bits in its own way on every processor and in every version, so
        # that two machines differ from each other as each does from float32.
        assert np.mean(codes == expected) > 0.9
        noise = np.sum((theirs - decoded) ** 2)
        assert 10 * np.log10(np.sum(decoded**2) / noise) > 20
