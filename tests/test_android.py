"""The Android classes that code: on this machine's JVM, beside the Python runtime."""

import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from soundstream.bitstream.container import ContainerReader
from soundstream.bitstream.packets import PacketCoder
from soundstream.codec.files import load_tables
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests import needs
from tests.android import aarch64, jvm, write_vectors
from tests.tiny import harmonic_batch

CODEC = jvm.ANDROID / "codec"
DESKTOP = "org.soundstream.desktop.Main"
SHIPPED_MODEL = jvm.ROOT / "pretrained" / "speech"


def test_junit_tests_pass(android_classes, tmp_path):
    tests = CODEC / "src" / "test"
    files = jvm.sources(tests / "java")
    compiled = jvm.compile_java(files, [android_classes.codec, *jvm.JUNIT], tmp_path)
    names = [
        ".".join(file.relative_to(tests / "java").with_suffix("").parts)
        for file in files
        if file.stem.endswith("Test")
    ]
    path = [android_classes.codec, compiled, tests / "resources", *jvm.JUNIT]
    printed = jvm.run_java("org.junit.runner.JUnitCore", names, path)
    assert "OK (" in printed


def test_junit_vectors_are_what_the_python_side_writes_today(tmp_path):
    write_vectors.write_vectors(tmp_path)
    committed = CODEC / "src" / "test" / "resources" / "vectors"
    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert written == {file.name: file.read_bytes() for file in committed.iterdir()}


def test_java_lines_have_at_most_100_characters():
    for file in jvm.sources(jvm.ANDROID):
        assert max(map(len, file.read_text().splitlines())) <= 100, file


def check_both_ways(android_classes, folder, flavour, bitrates, tmp_path, run_java=jvm.run_java):
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
    run_java(
        DESKTOP, ["encode", folder, flavour, rates, source, coded], android_classes.desktop_path()
    )
    run_java(DESKTOP, ["decode", folder, flavour, coded, decoded], android_classes.desktop_path())

    padded = np.pad(pcm / np.float32(32768), (0, -len(pcm) % metadata.hop)).astype(np.float32)
    # All rates keep the same state, so each may be coded as if it were the only one.
    codes = {
        metadata.num_quantizers_for(rate): StreamingEncoder(model, rate).encode(padded)
        for rate in bitrates
    }
    decoder, expected, seen_levels = StreamingDecoder(model), [], set()
    with Path(coded).open("rb") as stream:
        reader = ContainerReader(stream)
        coder = PacketCoder(metadata.bits_per_code, 1, load_tables(str(folder)))
        for block in reader:
            assert block.packet is not None
            read = coder.decode(block.packet)[:, 0]
            here = codes[read.shape[1]][block.start : block.start + block.num_frames]
            np.testing.assert_array_equal(read, here)
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


def test_the_classes_that_ship_code_as_the_python_runtime_does(
    android_classes, exported_model, tmp_path
):
    check_both_ways(android_classes, exported_model, "float32", [1600, 3200, 800], tmp_path)


@pytest.mark.slow
def test_they_code_the_same_on_a_phones_processor(android_classes, exported_model, tmp_path):
    needs.require("phone")
    check_both_ways(
        android_classes, exported_model, "float32", [1600, 3200], tmp_path, aarch64.run_java
    )


@pytest.mark.skipif(not SHIPPED_MODEL.is_dir(), reason="no released model in this tree")
def test_the_shipped_model_codes_as_in_python(android_classes, tmp_path):
    flavour = CodecModel.load(SHIPPED_MODEL).metadata.flavours[0]
    check_both_ways(android_classes, SHIPPED_MODEL, flavour, [6000, 3000], tmp_path)


def test_the_benchmark_names_every_flavour(android_classes, exported_model):
    arguments = ["benchmark", exported_model, 3200, 20]
    printed = jvm.run_java(DESKTOP, arguments, android_classes.desktop_path())
    assert printed.startswith("float32: encoder ") and "real-time factor" in printed


@pytest.mark.parametrize(
    ("field", "value"),
    [("format_version", 99), ("frames_per_call", 2), ("streams_per_call", 16)],
)
def test_models_of_another_use_are_refused(android_classes, exported_model, tmp_path, field, value):
    folder = shutil.copytree(exported_model, tmp_path / "model")
    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps(metadata | {field: value}))
    with pytest.raises(AssertionError) as caught:
        jvm.run_java(DESKTOP, ["benchmark", folder, 3200, 1], android_classes.desktop_path())
    assert "metadata.json" in str(caught.value) and f" {value}" in str(caught.value)
