"""Coding and scoring a file need no TensorFlow: these modules never import it, and start fast."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def modules_of(package):
    names = sorted(path.stem for path in (ROOT / package).glob("*.py"))
    return [f"{package}.{name}" for name in names if name != "__init__"]


@pytest.mark.parametrize(
    "modules",
    [modules_of("bitstream"), modules_of("metrics"), ["data.audio"], ["export.runtime"], ["codec"]],
    ids=lambda modules: modules[0].split(".")[0],
)
def test_imports_no_tensorflow(modules):
    code = (
        f"import sys, {', '.join(modules)}\n"
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
