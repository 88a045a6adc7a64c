"""What tests of web_demo/ share: the tools it needs, LiteRT for Node, the assembled page."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import needs
from web_demo import build, litert

ROOT = build.ROOT
PACKAGES = ROOT / "build" / "web_packages"  # what npm fetched stays for the next run
TESTS = ROOT / "tests" / "web"


def _litert() -> tuple[bytes, bytes]:
    """LiteRT's script and wasm; without a connection, and none kept, as without a program."""
    needs.require("web")
    try:
        return litert.fetch(PACKAGES)
    except ValueError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(str(error))
        raise


def litert_for_node(folder: Path) -> Path:
    """Unpacks LiteRT where Node can load it."""
    script, wasm = _litert()
    (folder / litert.SCRIPT).write_bytes(script)
    (folder / litert.WASM).write_bytes(wasm)
    (folder / "package.json").write_text('{"type": "commonjs"}')
    return folder


def site(folder: Path) -> Path:
    """Assembles the page."""
    _litert()
    build.assemble(folder, PACKAGES)
    return folder


def node(arguments: list[object], litert_dir: Path | None = None) -> str:
    """Runs Node; what it prints."""
    needs.require("web")
    command = ["node", *map(str, arguments)]
    variables = {"LITERT_DIR": str(litert_dir)} if litert_dir else {}
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | variables
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
