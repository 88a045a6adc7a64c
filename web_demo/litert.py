"""LiteRT for browsers, as npm has it: fetched once, checked, and kept."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

PACKAGE = "@litertjs/core"
VERSION = "2.5.3"
ARCHIVE = f"litertjs-core-{VERSION}.tgz"
SHA256 = "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd"
# The build without SIMD extensions beyond the standard, threads or JSPI, which runs everywhere.
SCRIPT = "litert_wasm_compat_internal.js"
WASM = "litert_wasm_compat_internal.wasm"


def fetch(folder: Path) -> tuple[bytes, bytes]:
    """LiteRT's script and its wasm, from the package in `folder`, which is fetched if missing.

    Raises:
      ValueError: npm is missing or fails, or the package is not the one that was tested.
    """
    archive = folder / ARCHIVE
    if not archive.is_file():
        _pack(folder)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{archive} has the checksum {found} in place of {SHA256}: delete it")
    with tarfile.open(archive) as package:
        return _member(package, SCRIPT), _member(package, WASM)


def _pack(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise ValueError("npm is missing, which fetches LiteRT for browsers: install Node 20")
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"npm pack {PACKAGE}@{VERSION} failed: {done.stderr.strip()}")


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(f"package/wasm/{name}")
    assert file is not None
    return file.read()
