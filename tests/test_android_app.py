"""The Android app, which needs a phone to run: here it compiles, links and agrees with itself."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import tomllib
import tree_sitter
import tree_sitter_kotlin

from tests import needs
from tests.android import jvm
from tests.android.api_stubs import ApiStubs

APP = jvm.ANDROID / "app" / "src" / "main"
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
    needs.require("app")
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


def compile_app(android_classes, linked_resources, files, tmp_path):
    stubs = ApiStubs(files).write(tmp_path / "stubs")
    api = jvm.compile_java(stubs, [], tmp_path / "api")
    path = [api, android_classes.codec, android_classes.desktop]
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
    android_classes, linked_resources, tmp_path
):
    files = [*jvm.sources(APP / "java"), readme_example(tmp_path)]
    compiled = compile_app(android_classes, linked_resources, files, tmp_path)
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


def test_misuse_of_android_does_not_compile(android_classes, linked_resources, tmp_path):
    changes = {
        "setPerformanceMode(": "setPerformance(",
        "track.write(interleaved, 0": "track.write(interleaved, null",
        "R.string.failed": "R.string.fooled",
    }
    with pytest.raises(AssertionError) as caught:
        compile_app(android_classes, linked_resources, changed_sources(tmp_path, changes), tmp_path)
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
    assert (jvm.ANDROID / "app" / default).resolve() == jvm.ROOT / "pretrained" / "speech"
    session = (APP / "java/org/soundstream/demo/DemoSession.java").read_text()
    folder = found(r'new AssetFiles\(.+?, "(\w+)"\)', session)
    assert f'it.dir("{folder}")' in script
    tables = found(r'TABLES_FILE = "(.+)"', (jvm.ROOT / "soundstream/codec/files.py").read_text())
    model = "codec-tflite/src/main/java/org/soundstream/tflite/CodecModel.java"
    assert f'"{tables}"' in script and f'"{tables}"' in (jvm.ANDROID / model).read_text()
