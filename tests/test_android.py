"""The Android demo's code, as far as a machine without a phone can run it."""

import re
import wave
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tomllib
import tree_sitter
import tree_sitter_kotlin

from bitstream.container import ContainerReader
from bitstream.packets import PacketCoder
from export.batch import load_tables
from export.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.android import aarch64, jvm, write_vectors
from tests.android.api_stubs import ApiStubs
from tests.tiny import harmonic_batch

APP = jvm.ANDROID / "app" / "src" / "main"
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


def test_java_lines_have_at_most_100_characters():
    for file in jvm.sources(jvm.ANDROID):
        assert max(map(len, file.read_text().splitlines())) <= 100, file


def check_both_ways(classes, folder, flavour, bitrates, tmp_path, run_java=jvm.run_java):
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
    run_java(DESKTOP, ["encode", folder, flavour, rates, source, coded], classes.desktop_path())
    run_java(DESKTOP, ["decode", folder, flavour, coded, decoded], classes.desktop_path())

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


def test_the_classes_that_ship_code_as_the_python_runtime_does(classes, exported_model, tmp_path):
    check_both_ways(classes, exported_model, "float32", [1600, 3200, 800], tmp_path)


@pytest.mark.slow
def test_they_code_the_same_on_a_phones_processor(classes, exported_model, tmp_path):
    check_both_ways(classes, exported_model, "float32", [1600, 3200], tmp_path, aarch64.run_java)


@pytest.mark.skipif(not SHIPPED_MODEL.is_dir(), reason="no released model in this tree")
def test_the_shipped_model_codes_as_in_python(classes, tmp_path):
    flavour = CodecModel.load(SHIPPED_MODEL).metadata.flavours[0]
    check_both_ways(classes, SHIPPED_MODEL, flavour, [6000, 3000], tmp_path)


def test_the_benchmark_names_every_flavour(classes, exported_model):
    arguments = ["benchmark", exported_model, 3200, 20]
    printed = jvm.run_java(DESKTOP, arguments, classes.desktop_path())
    assert printed.startswith("float32: encoder ") and "real-time factor" in printed


# The app, which needs a phone to run: it compiles against Android's API and its resources link.

ANDROID_RESOURCES = Path("/usr/share/android-framework-res/framework-res.apk")
ANDROID_NAMESPACE = "{http://schemas.android.com/apk/res/android}"
SCRIPTS = sorted(jvm.ANDROID.rglob("*.gradle.kts"))
CATALOG = tomllib.loads((jvm.ANDROID / "gradle" / "libs.versions.toml").read_text())


def manifest() -> ElementTree.Element:
    return ElementTree.parse(APP / "AndroidManifest.xml").getroot()


def attribute(root: ElementTree.Element, path: str, name: str) -> str:
    element = root.find(path)
    assert element is not None
    return element.attrib[name]


def found(pattern: str, text: str, flags: int = 0) -> str:
    """The first group of a pattern that must be there."""
    match = re.search(pattern, text, flags)
    assert match is not None, pattern
    return match[1]


@pytest.fixture(scope="session")
def linked_resources(tmp_path_factory):
    """Folder of the R.java that aapt2 makes from manifest and resources."""
    folder = tmp_path_factory.mktemp("resources")
    script = (jvm.ANDROID / "app" / "build.gradle.kts").read_text()
    namespace = found(r'namespace = "(.+)"', script)
    manifest = folder / "AndroidManifest.xml"  # the Android Gradle plugin fills the package in
    text = (APP / "AndroidManifest.xml").read_text()
    manifest.write_text(text.replace("<manifest ", f'<manifest package="{namespace}" ', 1))
    aapt2, compiled = jvm.tool("aapt2"), folder / "resources.zip"
    jvm.run([aapt2, "compile", "--dir", APP / "res", "-o", compiled])
    versions = CATALOG["versions"]
    sdk = ["--min-sdk-version", versions["min-sdk"], "--target-sdk-version", versions["target-sdk"]]
    link = [aapt2, "link", "-I", ANDROID_RESOURCES, "--manifest", manifest, *sdk]
    jvm.run([*link, "--java", folder / "java", "-o", folder / "app.apk", compiled])
    return folder / "java"


def compile_app(classes, linked_resources, files, tmp_path):
    stubs = ApiStubs(files).write(tmp_path / "stubs")
    api = jvm.compile_java(stubs, [], tmp_path / "api")
    path = [api, classes.codec, classes.desktop]
    return jvm.compile_java([*files, *jvm.sources(linked_resources)], path, tmp_path / "app")


def readme_example(folder):
    """The README's code for other apps, as a class of the demo's package."""
    code = found(r"```java\n(.+?)```", (jvm.ANDROID / "README.md").read_text(), re.S)
    imports = "android.content.Context", "org.soundstream.codec.*", "org.soundstream.live.*"
    file = folder / "Example.java"
    file.write_text(
        "package org.soundstream.demo;\n"
        + "".join(f"import {name};\n" for name in (*imports, "org.soundstream.tflite.*"))
        + "abstract class Example {\n"
        "  interface Socket { void send(int number, byte[] datagram, int length); }\n"
        "  Context context; Socket socket; float[] samples;\n"
        "  int number; byte[] datagram; int length;\n"
        f"  void run() throws java.io.IOException {{\n{code}  }}\n}}\n"
    )
    return file


def test_the_app_and_the_readmes_example_compile_against_api_36(
    classes, linked_resources, tmp_path
):
    files = [*jvm.sources(APP / "java"), readme_example(tmp_path)]
    compiled = compile_app(classes, linked_resources, files, tmp_path)
    names = [e.get(ANDROID_NAMESPACE + "name") for e in manifest().iter("activity")]
    assert names == ["org.soundstream.demo.MainActivity"]
    assert (compiled / "org/soundstream/demo/MainActivity.class").is_file()


def changed_sources(folder, changes):
    files = []
    for file in jvm.sources(APP / "java"):
        text = file.read_text()
        for right, wrong in changes.items():
            text = text.replace(right, wrong)
        files.append(folder / file.name)
        files[-1].write_text(text)
    return files


def test_misuse_of_android_does_not_compile(classes, linked_resources, tmp_path):
    changes = {
        "setPerformanceMode(": "setPerformance(",
        "track.write(interleaved, 0": "track.write(interleaved, null",
        "R.string.failed": "R.string.fooled",
    }
    with pytest.raises(AssertionError) as caught:
        compile_app(classes, linked_resources, changed_sources(tmp_path, changes), tmp_path)
    for word in ("setPerformance(int)", "null", "fooled"):
        assert word in str(caught.value)


def test_classes_that_android_lacks_are_named(tmp_path):
    changes = {"import android.media.AudioTrack": "import android.media.AudioTruck"}
    with pytest.raises(ValueError, match=r"android\.media\.AudioTruck"):
        ApiStubs(changed_sources(tmp_path, changes)).write(tmp_path / "stubs")


def test_names_in_the_manifest_are_those_in_the_code():
    authority = attribute(manifest(), "application/provider", ANDROID_NAMESPACE + "authorities")
    activity = (APP / "java/org/soundstream/demo/MainActivity.java").read_text()
    assert f'AUTHORITY = "{authority}"' in activity
    session = (APP / "java/org/soundstream/demo/DemoSession.java").read_text()
    paths = ElementTree.parse(APP / "res/xml/file_paths.xml").getroot()
    folder = attribute(paths, "cache-path", "path").rstrip("/")
    assert f'getCacheDir(), "{folder}"' in session


def test_every_text_is_shown_somewhere():
    files = [*jvm.sources(APP / "java"), *APP.rglob("*.xml")]
    text = "\n".join(file.read_text() for file in files)
    for string in ElementTree.parse(APP / "res/values/strings.xml").getroot():
        name = string.attrib["name"]
        assert f"R.string.{name}" in text or f'"@string/{name}"' in text, name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_gradle_scripts_are_kotlin(script):
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_kotlin.language()))
    assert not parser.parse(script.read_bytes()).root_node.has_error
    assert parser.parse(script.read_bytes()[:-3]).root_node.has_error  # it would be noticed


def test_the_version_catalog_is_what_the_scripts_use():
    text = "\n".join(script.read_text() for script in SCRIPTS)
    used = {name.removesuffix(".get") for name in re.findall(r"\blibs\.([\w.]+?)(?:\(|\)|$)", text)}
    defined = {key.replace("-", ".") for key in CATALOG["libraries"]}
    defined |= {f"plugins.{key.replace('-', '.')}" for key in CATALOG["plugins"]}
    references = {
        entry["version"]["ref"]
        for kind in ("libraries", "plugins")
        for entry in CATALOG[kind].values()
    }
    defined |= {f"versions.{k.replace('-', '.')}" for k in CATALOG["versions"].keys() - references}
    assert used == defined
    assert references <= CATALOG["versions"].keys()


def test_every_module_is_included_and_there():
    text = (jvm.ANDROID / "settings.gradle.kts").read_text()
    included = set(re.findall(r'":([\w-]+)"', text))
    assert included == {script.parent.name for script in SCRIPTS if script.parent != jvm.ANDROID}
    for script in SCRIPTS:
        for name in re.findall(r'project\(":(.+?)"\)', script.read_text()):
            assert name in included


def test_the_build_takes_the_model_from_where_it_is_and_the_app_reads_it_there():
    script = (jvm.ANDROID / "app" / "build.gradle.kts").read_text()
    default = found(r'getOrElse\("(.+?)"\)', script)
    assert (jvm.ANDROID / "app" / default).resolve() == SHIPPED_MODEL
    session = (APP / "java/org/soundstream/demo/DemoSession.java").read_text()
    folder = found(r'new AssetFiles\(.+?, "(\w+)"\)', session)
    assert f'it.dir("{folder}")' in script
    tables = found(r'TABLES_FILE = "(.+)"', (jvm.ROOT / "export/batch.py").read_text())
    model = "codec-tflite/src/main/java/org/soundstream/tflite/CodecModel.java"
    assert f'"{tables}"' in script and f'"{tables}"' in (jvm.ANDROID / model).read_text()
