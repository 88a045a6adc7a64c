"""Coding and scoring a file need no TensorFlow: these modules never import it, and start fast."""

import resource
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
    """Of processor time: how long a busy machine takes says nothing of the program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "codec.py", "info", "missing.sst"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 1 and "missing.sst: No such file" in process.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
