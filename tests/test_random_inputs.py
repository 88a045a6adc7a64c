"""Properties are tried on inputs of today too, not only on those of every run before."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [path for path in sorted(ROOT.glob("tests/test_*.py")) if "\n@given(" in path.read_text()]


@pytest.mark.slow
def test_properties_hold_for_new_inputs():
    assert FILES
    options = ["-m", "hypothesis and not slow", "--hypothesis-profile=random"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *map(str, FILES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
