"""A phone's processor, emulated: Java and LiteRT for aarch64 under qemu's user mode."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tests.android import jvm

FOLDER = jvm.ROOT / "build" / "aarch64"
PACKAGES = (
    *("openjdk-17-jre-headless", "libjna-jni", "libffi8", "zlib1g"),
    *("libc6", "libstdc++6", "libgcc-s1"),
)
# Without SVE and SME, as most phones are: qemu 7.2 computes other results by those.
CPU = "cortex-a76"
# LiteRT looks here for the cores; without it, it would find this machine's and crash.
CPUINFO = """processor\t: 0
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 0

"""


def install() -> Path:
    """Fetches Debian's packages and LiteRT's wheel once; returns the folder of the system."""
    if (FOLDER / "complete").exists():
        return FOLDER
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("lists/partial", "archives/partial", "root/proc", "wheel"):
        (FOLDER / name).mkdir(parents=True)
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Dir::State::Lists": FOLDER / "lists",
        "Dir::Cache::Archives": FOLDER / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Debug::NoLocking": "1",
    }
    options = [f"-o{key}={value}" for key, value in settings.items()]
    jvm.run([jvm.tool("apt-get"), *options, "update", "-qq"])
    jvm.run([jvm.tool("apt-get"), *options, "download", "-qq", *PACKAGES], FOLDER)
    for package in FOLDER.glob("*.deb"):
        jvm.run(["dpkg-deb", "-x", package, FOLDER / "root"])
    (FOLDER / "root" / "proc" / "cpuinfo").write_text(CPUINFO)
    wheel = f"ai-edge-litert=={importlib.metadata.version('ai-edge-litert')}"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    platform = ["--platform", "manylinux_2_27_aarch64", "--python-version", "3.11"]
    jvm.run([*pip, *platform, "-d", FOLDER / "wheel", wheel])
    with zipfile.ZipFile(next((FOLDER / "wheel").glob("*.whl"))) as archive:
        archive.extract("ai_edge_litert/libLiteRt.so", FOLDER / "wheel")
    (FOLDER / "complete").touch()
    return FOLDER


def run_java(main: str, arguments: Iterable[object], classpath: Iterable[Path]) -> str:
    """Runs a class as `jvm.run_java` does, on the emulated processor."""
    folder = install()
    root = folder / "root"
    properties = [
        f"-Djna.boot.library.path={root}/usr/lib/aarch64-linux-gnu/jni",
        f"-Djna.library.path={folder}/wheel/ai_edge_litert",
    ]
    java = [root / "usr/lib/jvm/java-17-openjdk-arm64/bin/java", "-XX:TieredStopAtLevel=1"]
    emulator = [jvm.tool("qemu-aarch64"), "-cpu", CPU, "-L", root]
    path = ["-cp", ":".join(map(str, classpath))]
    return jvm.run([*emulator, *java, *properties, *path, main, *arguments])
