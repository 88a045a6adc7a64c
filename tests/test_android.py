"""The Android demo's code, as far as a machine without a phone can run it."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bitstream.container import ContainerReader
from bitstream.packets import PacketCoder
from export.batch import load_tables
from export.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.android import jvm, write_vectors
from tests.tiny import harmonic_batch

CODEC = jvm.ANDROID / "codec"
DESKTOP = "org.soundstream.desktop.Main"
SHIPPED_MODEL = jvm.ROOT / "pretrained" / "speech"


@dataclass(frozen=True)
class Classes:
    """Folders of compiled classes."""

    codec: Path
    desktop: Path

    def desktop_path(self) -> list[Path]:
        return [self.codec, self.desktop, jvm.JNA, jvm.JSON]


@pytest.fixture(scope="session")
def classes(tmp_path_factory):
    """codec/, and codec-tflite/ with the stand-in for Android's interpreter."""
    output = tmp_path_factory.mktemp("classes")
    codec = jvm.compile_java(jvm.sources(CODEC / "src" / "main"), [], output / "codec")
    folders = (jvm.ANDROID / "codec-tflite", jvm.ANDROID / "tools" / "desktop-tflite")
    desktop = jvm.compile_java(
        jvm.sources(*folders), [codec, jvm.JNA, jvm.JSON], output / "desktop"
    )
    return Classes(codec, desktop)


def test_junit_tests_pass(classes, tmp_path):
    tests = CODEC / "src" / "test"
    files = jvm.sources(tests / "java")
    compiled = jvm.compile_java(files, [classes.codec, *jvm.JUNIT], tmp_path)
    names = [
        ".".join(file.relative_to(tests / "java").with_suffix("").parts)
        for file in files
        if file.stem.endswith("Test")
    ]
    path = [classes.codec, compiled, tests / "resources", *jvm.JUNIT]
    printed = jvm.run_java("org.junit.runner.JUnitCore", names, path)
    assert "OK (" in printed


def test_junit_vectors_are_what_the_python_side_writes_today(tmp_path):
    write_vectors.write_vectors(tmp_path)
    committed = CODEC / "src" / "test" / "resources" / "vectors"
    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert written == {file.name: file.read_bytes() for file in committed.iterdir()}


def check_both_ways(classes, folder, flavour, bitrates, tmp_path):
    """Encodes and decodes by the classes that ship, and compares with the Python runtime."""
    model = CodecModel.load(folder, flavour)
    metadata = model.metadata
    samples = harmonic_batch(1, 2 * metadata.sample_rate - 13, metadata.sample_rate)[0, :, 0]
    pcm = np.round(samples * 32768).astype("<i2")
    source, coded, decoded = (str(tmp_path / name) for name in ("in.wav", "out.sst", "out.wav"))
    with wave.open(source, "wb") as file:
        file.setparams((1, 2, metadata.sample_rate, len(pcm), "NONE", ""))
        file.writeframes(pcm.tobytes())
    rates = ",".join(map(str, bitrates))
    jvm.run_java(DESKTOP, ["encode", folder, flavour, rates, source, coded], classes.desktop_path())
    jvm.run_java(DESKTOP, ["decode", folder, flavour, coded, decoded], classes.desktop_path())

    padded = np.pad(pcm / np.float32(32768), (0, -len(pcm) % metadata.hop)).astype(np.float32)
    codes = StreamingEncoder(model, max(bitrates)).encode(padded)
    decoder, expected, seen_levels = StreamingDecoder(model), [], set()
    with Path(coded).open("rb") as stream:
        reader = ContainerReader(stream)
        coder = PacketCoder(metadata.bits_per_code, 1, load_tables(str(folder)))
        for block in reader:
            read = coder.decode(block.packet)[:, 0]
            here = codes[block.start : block.start + block.num_frames]
            np.testing.assert_array_equal(read, here[:, : read.shape[1]])
            seen_levels.add(read.shape[1])
            expected.append(decoder.decode(read))
        assert reader.complete and reader.total_samples == len(pcm)
    assert seen_levels == {metadata.num_quantizers_for(rate) for rate in bitrates}
    with wave.open(decoded, "rb") as file:
        assert (file.getframerate(), file.getnframes()) == (metadata.sample_rate, len(pcm))
        audio = np.frombuffer(file.readframes(len(pcm)), "<i2")
    wanted = np.clip(32768 * np.concatenate(expected)[: len(pcm)], -32768, 32767)
    assert np.abs(wanted).max() > 100
    assert np.abs(audio - wanted).max() <= 0.51  # half a step of 16 bits, and no more


def test_the_classes_that_ship_code_as_the_python_runtime_does(classes, exported_model, tmp_path):
    check_both_ways(classes, exported_model, "float32", [1600, 3200, 800], tmp_path)


@pytest.mark.skipif(not SHIPPED_MODEL.is_dir(), reason="no released model in this tree")
def test_the_shipped_model_codes_as_in_python(classes, tmp_path):
    flavour = CodecModel.load(SHIPPED_MODEL).metadata.flavours[0]
    check_both_ways(classes, SHIPPED_MODEL, flavour, [6000, 3000], tmp_path)


def test_the_benchmark_names_every_flavour(classes, exported_model):
    arguments = ["benchmark", exported_model, 3200, 20]
    printed = jvm.run_java(DESKTOP, arguments, classes.desktop_path())
    assert printed.startswith("float32: encoder ") and "real-time factor" in printed
