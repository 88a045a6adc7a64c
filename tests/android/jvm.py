"""Compiles and runs the Java of android_demo/ on this machine's JVM."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ANDROID = ROOT / "android_demo"
JUNIT = (Path("/usr/share/java/junit4.jar"), Path("/usr/share/java/hamcrest.jar"))
JNA = Path("/usr/share/java/jna.jar")
JSON = Path("/usr/share/java/com.android.json.jar")  # built into Android
TIMEOUT_SECONDS = 240
HINT = "run tools/installation/install_tools.sh java app"


def tool(name: str) -> str:
    """Path of a program."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not installed: {HINT}")
    return path


def sources(*folders: Path) -> list[Path]:
    """All Java files below the folders."""
    files = sorted(file for folder in folders for file in folder.rglob("*.java"))
    if not files:
        raise FileNotFoundError(f"no Java below {folders}")
    return files


def compile_java(files: Iterable[Path], classpath: Iterable[Path], output: Path) -> Path:
    """Compiles for Java 8, what Android's tools take everywhere; any warning is an error.

    Returns:
      `output`, where the classes are.
    """
    for jar in classpath:
        if not jar.exists():
            raise FileNotFoundError(f"{jar} is missing: {HINT}")
    output.mkdir(parents=True, exist_ok=True)
    options = ["--release", "8", "-Xlint:all,-options,-try", "-Werror", "-implicit:none"]
    run([tool("javac"), *options, "-cp", _joined(classpath), "-d", output, *files])
    return output


@dataclass(frozen=True)
class Classes:
    """Folders of compiled classes: codec/; codec-tflite/ with a stand-in for the interpreter."""

    codec: Path
    desktop: Path

    def desktop_path(self) -> list[Path]:
        return [self.codec, self.desktop, JNA, JSON]


def compile_classes(output: Path) -> Classes:
    """What ships, and what runs it on a desktop, compiled below `output`."""
    codec = compile_java(sources(ANDROID / "codec" / "src" / "main"), [], output / "codec")
    folders = (ANDROID / "codec-tflite", ANDROID / "tools" / "desktop-tflite")
    desktop = compile_java(sources(*folders), [codec, JNA, JSON], output / "desktop")
    return Classes(codec, desktop)


def run_java(main: str, arguments: Iterable[object], classpath: Iterable[Path]) -> str:
    """Runs a class with LiteRT at hand; returns what it printed on standard output."""
    litert = importlib.util.find_spec("ai_edge_litert")
    assert litert is not None and litert.submodule_search_locations
    options = ["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-ea", "-cp", _joined(classpath)]
    library = f"-Djna.library.path={litert.submodule_search_locations[0]}"
    return run([tool("java"), *options, library, main, *arguments])


def run(command: Iterable[object], folder: Path | None = None) -> str:
    """Runs a command, in a folder; where it fails, what it printed is the error."""
    arguments = [str(part) for part in command]
    process = subprocess.run(
        arguments, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )
    if process.returncode:
        raise AssertionError(f"{process.args[:3]} …\n{process.stdout}{process.stderr}")
    return process.stdout


def _joined(classpath: Iterable[Path]) -> str:
    return ":".join(map(str, classpath))
