"""Coding and scoring a file need no TensorFlow: these modules never import it, and start fast."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.layers import LIGHT

ROOT = Path(__file__).resolve().parents[1]


def modules_of(package):
    """All modules of a package; of a program, itself."""
    found = sorted((ROOT / package).rglob("*.py")) or [ROOT / f"{package}.py"]
    names = [path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in found]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.parametrize("package", LIGHT)
def test_imports_no_tensorflow(package):
    code = (
        f"import sys, {', '.join(modules_of(package))}\n"
        "heavy = {'tensorflow', 'tf_keras', 'keras', 'tensorflow_io'} & set(sys.modules)\n"
        "sys.exit(f'imports {heavy}' if heavy else 0)"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert process.returncode == 0, process.stderr.decode()


def test_the_command_line_starts_within_a_second():
    command = [sys.executable, "-X", "importtime", "codec.py", "info", "missing.sst"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == 1 and "missing.sst: No such file" in process.stderr
    lines = [line for line in process.stderr.splitlines() if line.startswith("import time:")]
    microseconds = [int(line.split("|")[0].split(":")[1]) for line in lines[1:]]
    assert sum(microseconds) < 1_000_000
